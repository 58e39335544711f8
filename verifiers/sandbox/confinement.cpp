#include "verifiers/sandbox/confinement.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "verifiers/sandbox/landlock_rules.h"
#include "verifiers/sandbox/mounts.h"
#include "verifiers/sandbox/namespaces.h"
#include "verifiers/sandbox/privileges.h"
#include "verifiers/sandbox/resource_limits.h"

namespace assay::sandbox {

namespace {

// Descriptor 0 of a zygote is /dev/null.
constexpr int kNull = 0;
constexpr int kFirstFree = 5;
constexpr int kOutOfTheWay = 64;
constexpr std::uint64_t kScratchBytesMax = std::uint64_t{128} << 20;

Result<void> place_descriptors(const ChildDescriptors& given) {
  std::array<int, kFirstFree> wanted = {given.input, given.output, given.output, given.control,
                                        given.peer};
  for (std::size_t i = 0; i < 3; ++i) wanted[i] = wanted[i] < 0 ? kNull : wanted[i];
  // First above all targets, so that none is overwritten before it is used.
  for (int& fd : wanted) {
    if (fd < 0) continue;
    fd = ::fcntl(fd, F_DUPFD, kOutOfTheWay);
    if (fd < 0) return errno_error("move", "a descriptor");
  }
  for (int target = 0; target < kFirstFree; ++target) {
    const int fd = wanted[static_cast<std::size_t>(target)];
    if (fd < 0) {
      ::close(target);
    } else if (::dup2(fd, target) < 0) {
      return errno_error("place", "a descriptor");
    }
  }
  if (::syscall(SYS_close_range, kFirstFree, ~0u, 0) != 0) {
    return errno_error("close", "descriptors");
  }
  return {};
}

ResourceLimits resource_limits_of(const JailSetup& setup, const Limits& limits) {
  constexpr std::uint32_t kOwnOfUserNamespace = 4;  // zygote, tester, runner, one to spare
  ResourceLimits resources{limits, setup.memory_base_bytes, 0, false};
  resources.counts_processes = setup.first_user != 0 || setup.has_user_namespace;
  if (setup.has_user_namespace) resources.process_base_count = kOwnOfUserNamespace;
  return resources;
}

// A folder to write in: in memory and of this process alone where there are mounts of its own,
// otherwise one that the launcher made and that landlock keeps it in.
Result<void> enter_scratch(const JailSetup& setup) {
  if (setup.level < IsolationLevel::kL2 || setup.scratch.empty()) {
    return Error{ErrorCode::kUnavailable, "a compiler cannot be kept in its folder here", "", "",
                 ""};
  }
  if (setup.level >= IsolationLevel::kL3) {
    if (auto alone = enter_mount_namespace(); !alone) return alone;
    if (auto mounted = mount_scratch(setup.scratch, kScratchBytesMax); !mounted) return mounted;
  }
  if (::chdir(setup.scratch.c_str()) != 0) return errno_error("enter", setup.scratch);
  return {};
}

LandlockPaths paths_of(const JailSetup& setup, Task task) {
  if (task != Task::kCompiler) return {};
  return {{"/usr"}, {setup.scratch}};
}

}  // namespace

Result<void> confine(const JailSetup& setup, Task task, std::size_t index, const Limits& limits,
                     const ChildDescriptors& descriptors, SyscallFilter* filter) {
  const pid_t self = ::getpid();
  if (auto placed = place_descriptors(descriptors); !placed) return placed;
  if (task == Task::kCompiler) {
    if (auto entered = enter_scratch(setup); !entered) return entered;
  }
  if (::setsid() < 0) return errno_error("begin", "a session");
  if (auto done = limit_resources(resource_limits_of(setup, limits)); !done) return done;
  if (setup.first_user != 0) {
    const auto user = setup.first_user + static_cast<uid_t>(index);
    if (auto done = become_user(user); !done) return done;
  }
  if (auto done = drop_capabilities(); !done) return done;
  if (auto done = forbid_privileges(); !done) return done;
  if (setup.level >= IsolationLevel::kL2) {
    if (auto done = restrict_paths(paths_of(setup, task)); !done) return done;
  }
  return filter != nullptr ? filter->install(self) : Result<void>();
}

}  // namespace assay::sandbox
