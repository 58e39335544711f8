#include "verifiers/sandbox/namespaces.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <span>
#include <string>

namespace assay::sandbox {

namespace {

Result<void> write_line(const char* path, const std::string& line) {
  const FileDescriptor file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file.is_open()) return errno_error("open", path);
  return write_all(file.get(), std::as_bytes(std::span(line)), path);
}

}  // namespace

Result<void> enter_user_namespace() {
  const std::string user = std::to_string(::geteuid()), group = std::to_string(::getegid());
  if (::unshare(CLONE_NEWUSER) != 0) return errno_error("make", "a user namespace");
  if (auto denied = write_line("/proc/self/setgroups", "deny"); !denied) return denied;
  if (auto mapped = write_line("/proc/self/uid_map", "0 " + user + " 1"); !mapped) return mapped;
  return write_line("/proc/self/gid_map", "0 " + group + " 1");
}

Result<void> enter_namespaces() {
  constexpr int kAll = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWPID;
  if (::unshare(kAll) != 0) return errno_error("make", "namespaces");
  return {};
}

Result<void> enter_mount_namespace() {
  if (::unshare(CLONE_NEWNS) != 0) return errno_error("make", "a mount namespace");
  return {};
}

Result<PidNamespaces> PidNamespaces::open() {
  FileDescriptor own(::open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC));
  if (!own.is_open()) return errno_error("open", "the PID namespace");
  return PidNamespaces(std::move(own));
}

Result<void> PidNamespaces::begin_fresh() {
  // A process may leave its children's namespace only for its own.
  if (::setns(own_.get(), CLONE_NEWPID) != 0) return errno_error("return to", "a PID namespace");
  if (::unshare(CLONE_NEWPID) != 0) return errno_error("make", "a PID namespace");
  return {};
}

}  // namespace assay::sandbox
