#include "verifiers/sandbox/mounts.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>

namespace assay::sandbox {

namespace {

// Where the new root is put together: a folder that every machine has.
constexpr const char* kStage = "/tmp";
constexpr unsigned long kHarmless = MS_NOSUID | MS_NODEV;

Result<void> make_read_only(const std::string& path) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
  if (::syscall(SYS_mount_setattr, AT_FDCWD, path.c_str(), AT_RECURSIVE, &attributes,
                sizeof attributes) != 0) {
    return errno_error("make read-only", path);
  }
  return {};
}

// Shows a folder of the machine, or its symbolic link, in the root that is being built.
Result<void> show(const std::string& path) {
  const std::string target = kStage + path;
  std::array<char, PATH_MAX> link{};
  const ssize_t size = ::readlink(path.c_str(), link.data(), link.size() - 1);
  if (size > 0) {
    if (::symlink(link.data(), target.c_str()) != 0) return errno_error("link", path);
    return {};
  }
  if (::mkdir(target.c_str(), 0755) != 0) return errno_error("make", target);
  if (::mount(path.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    return errno_error("show", path);
  }
  return make_read_only(target);
}

Result<void> exchange_roots() {
  if (::chdir(kStage) != 0) return errno_error("enter", kStage);
  // The old root ends up mounted over the new one, and is then taken away.
  if (::syscall(SYS_pivot_root, ".", ".") != 0) return errno_error("change", "the root");
  if (::umount2(".", MNT_DETACH) != 0) return errno_error("leave", "the old root");
  if (::chdir("/") != 0) return errno_error("enter", "the new root");
  return {};
}

}  // namespace

Result<void> enter_empty_root(const std::vector<std::string>& shown, const std::string& scratch) {
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return errno_error("keep private", "the mounts");
  }
  if (::mount("none", kStage, "tmpfs", kHarmless, "size=64k,nr_inodes=64,mode=0755") != 0) {
    return errno_error("mount", "an empty root");
  }
  for (const std::string& path : shown) {
    if (auto done = show(path); !done) return done;
  }
  if (!scratch.empty() && ::mkdir((kStage + scratch).c_str(), 0755) != 0) {
    return errno_error("make", scratch);
  }
  if (auto exchanged = exchange_roots(); !exchanged) return exchanged;
  if (::mount(nullptr, "/", nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY | kHarmless, nullptr) != 0) {
    return errno_error("make read-only", "the new root");
  }
  return {};
}

Result<void> mount_scratch(const std::string& folder, std::uint64_t bytes_max) {
  const std::string options = "size=" + std::to_string(bytes_max) + ",nr_inodes=256,mode=0777";
  if (::mount("none", folder.c_str(), "tmpfs", kHarmless | MS_NOEXEC, options.c_str()) != 0) {
    return errno_error("mount", folder);
  }
  return {};
}

}  // namespace assay::sandbox
