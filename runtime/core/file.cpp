#include "runtime/core/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

namespace assay {

FileDescriptor::~FileDescriptor() {
  if (fd_ >= 0) ::close(fd_);
}

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

namespace {

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? "." : folder;
}

Result<FileDescriptor> open_regular(const std::string& path, int flags, std::size_t* size) {
  FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | flags));
  if (!file.is_open()) return errno_error("open", path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return errno_error("stat", path);
  if (!S_ISREG(status.st_mode)) {
    return Error{ErrorCode::kInvalidInput, path + " is not a regular file", {}, {}, {}};
  }
  *size = static_cast<std::size_t>(status.st_size);
  return file;
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::string& path) {
  std::size_t size = 0;
  Result<FileDescriptor> file = open_regular(path, O_NOFOLLOW, &size);
  if (!file) return file.error();
  if (size == 0) return MappedFile(nullptr, 0);
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file->get(), 0);
  if (address == MAP_FAILED) return errno_error("map", path);
  return MappedFile(static_cast<const std::byte*>(address), size);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  std::size_t size = 0;
  Result<FileDescriptor> file = open_regular(path, 0, &size);
  if (!file) return file.error();
  if (size > bytes_max) {
    return Error{ErrorCode::kExhausted,
                 path + " has " + std::to_string(size) + " bytes, more than the limit of " +
                     std::to_string(bytes_max),
                 {},
                 {},
                 {}};
  }
  std::string content(size, '\0');
  std::size_t filled = 0;
  while (filled < size) {
    const ssize_t count = ::read(file->get(), content.data() + filled, size - filled);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("read", path);
    if (count == 0) break;
    filled += static_cast<std::size_t>(count);
  }
  content.resize(filled);
  return content;
}

Result<void> write_all(int fd, std::span<const std::byte> bytes, std::string_view thing) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno_error("write", thing);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<DurableWriter> DurableWriter::create(const std::string& path) {
  const std::string temporary = path + ".tmp";
  FileDescriptor file(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file.is_open()) return errno_error("create", temporary);
  return DurableWriter(std::move(file), path);
}

Result<void> DurableWriter::write(std::span<const std::byte> bytes) {
  return write_all(file_.get(), bytes, path_);
}

Result<void> DurableWriter::commit() {
  if (::fsync(file_.get()) != 0) return errno_error("fsync", path_);
  const std::string temporary = path_ + ".tmp";
  if (::rename(temporary.c_str(), path_.c_str()) != 0) return errno_error("rename onto", path_);
  return sync_folder(folder_of(path_));
}

Result<void> write_file_durably(const std::string& path, std::string_view content) {
  Result<DurableWriter> writer = DurableWriter::create(path);
  if (!writer) return writer.error();
  if (Result<void> written = writer->write(std::as_bytes(std::span(content))); !written) {
    return written.error();
  }
  return writer->commit();
}

Result<void> make_folders(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    errno = error.value();
    return errno_error("create folder", path);
  }
  return {};
}

Result<void> sync_folder(const std::string& path) {
  const FileDescriptor folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) return errno_error("open folder", path);
  if (::fsync(folder.get()) != 0) return errno_error("fsync folder", path);
  return {};
}

bool path_exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

}  // namespace assay
