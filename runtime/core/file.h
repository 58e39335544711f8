// Files: whole reads with a limit, and writes that are either absent or whole after a power cut.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "runtime/core/result.h"

namespace assay {

// An open descriptor; closes itself.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  ~FileDescriptor();
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// A read-only mapping of a regular file. Refuses symbolic links.
class MappedFile {
 public:
  static Result<MappedFile> open(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  MappedFile(const std::byte* data, std::size_t size) : data_(data), size_(size) {}

  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

// The whole file. Errors: kNotFound; kExhausted when it is larger than `bytes_max`, before reading.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

// Writes `<path>.tmp`, fsyncs it, renames it over `path` and fsyncs the folder.
Result<void> write_file_durably(const std::string& path, std::string_view content);

// The same in pieces, for files too large to hold twice.
class DurableWriter {
 public:
  static Result<DurableWriter> create(const std::string& path);
  DurableWriter(DurableWriter&&) noexcept = default;
  DurableWriter& operator=(DurableWriter&&) noexcept = default;

  Result<void> write(std::span<const std::byte> bytes);
  Result<void> commit();  // fsync, rename, fsync of the folder; without it the target is untouched

 private:
  DurableWriter(FileDescriptor file, std::string path)
      : file_(std::move(file)), path_(std::move(path)) {}

  FileDescriptor file_;
  std::string path_;
};

// Writes all bytes, going on after short writes and EINTR.
Result<void> write_all(int fd, std::span<const std::byte> bytes, std::string_view thing);

// mkdir -p. Succeeds when the folder exists already.
Result<void> make_folders(const std::string& path);

// fsync of a folder, which makes the names in it durable.
Result<void> sync_folder(const std::string& path);

bool path_exists(const std::string& path);

}  // namespace assay
