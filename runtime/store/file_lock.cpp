#include "runtime/store/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <span>

namespace assay::store {

namespace {

std::int64_t read_pid(int fd) {
  char text[32] = {};
  const ssize_t count = ::pread(fd, text, sizeof(text) - 1, 0);
  std::int64_t pid = 0;
  if (count > 0) std::from_chars(text, text + count, pid);
  return pid;
}

int flock_retrying(int fd, int operation) {
  int code = 0;
  do {
    code = ::flock(fd, operation);
  } while (code != 0 && errno == EINTR);
  return code;
}

}  // namespace

Result<FileDescriptor> take_lock(const std::string& path, const std::string& thing) {
  FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file.is_open()) return errno_error("open", path);
  if (flock_retrying(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return errno_error("lock", path);
    const std::int64_t pid = read_pid(file.get());
    Error error;
    error.code = ErrorCode::kUnavailable;
    error.message =
        thing + " is in use by process " + (pid > 0 ? std::to_string(pid) : "(starting)");
    error.remedy = "wait for it, stop it, or choose another run.name";
    return error;
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(file.get(), 0) != 0) return errno_error("write", path);
  if (::pwrite(file.get(), pid.data(), pid.size(), 0) < 0) return errno_error("write", path);
  return file;
}

Result<std::int64_t> lock_holder(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open()) {
    if (errno == ENOENT) return std::int64_t{0};
    return errno_error("open", path);
  }
  if (flock_retrying(file.get(), LOCK_SH | LOCK_NB) == 0) return std::int64_t{0};
  if (errno != EWOULDBLOCK) return errno_error("lock", path);
  return read_pid(file.get());
}

}  // namespace assay::store
