#include "verifiers/sandbox/seclusion.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/core/file.h"
#include "verifiers/sandbox/child_process.h"
#include "verifiers/sandbox/landlock_rules.h"
#include "verifiers/sandbox/mounts.h"
#include "verifiers/sandbox/namespaces.h"
#include "verifiers/sandbox/privileges.h"
#include "verifiers/sandbox/syscall_filter.h"

namespace assay::sandbox {

namespace {

// The child of the namespaces has its root.
constexpr char kInside = '+';

Error does_not_hold(const char* what) {
  return {ErrorCode::kUnavailable, std::string("a secluded process can ") + what, "", "", ""};
}

Result<void> enter_as_root_of_any() {
  if (::geteuid() == 0 && enter_namespaces()) return {};
  if (auto entered = enter_user_namespace(); !entered) return entered;
  return enter_namespaces();
}

// Keeps the place of the child, which is the companion from now on.
[[noreturn]] void wait_for(pid_t child) {
  ::close(kCompanionSocket);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}

// In the child: an empty root, or a word to the starter why there is none.
void settle(int status) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  const auto rooted = enter_empty_root({}, "");
  const std::string said = rooted ? std::string(1, kInside) : rooted.error().message;
  [[maybe_unused]] const ssize_t told = ::write(status, said.data(), said.size());
  if (!rooted) ::_exit(1);
}

// Returns in the child, with its namespaces, or in the caller with the reason why there are none.
// A root that was half left is the child's alone.
Result<void> enter_own_namespaces() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return errno_error("make", "a pipe");
  const FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  if (auto entered = enter_as_root_of_any(); !entered) return entered;
  const pid_t child = ::fork();
  if (child < 0) return errno_error("make", "a process");
  if (child == 0) {
    settle(writing.get());
    return {};
  }
  writing = FileDescriptor();
  std::array<char, 256> said{};
  const ssize_t size = ::read(reading.get(), said.data(), said.size());
  if (size > 0 && said[0] == kInside) wait_for(child);
  ::waitpid(child, nullptr, 0);
  return Error{ErrorCode::kUnavailable,
               std::string(said.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))), "",
               "", ""};
}

Result<void> shut_files() {
  if (auto restricted = restrict_paths({}); !restricted) return restricted;
  for (const char* path : {"/", "/dev/null", "/etc/passwd"}) {
    if (FileDescriptor(::open(path, O_RDONLY | O_CLOEXEC)).is_open()) {
      return does_not_hold("open a file past the filter");
    }
  }
  return {};
}

Result<void> shut_calls() {
  SyscallFilter filter(Task::kService);
  if (auto installed = filter.install(::getpid()); !installed) return installed;
  if (::open("/", O_RDONLY) >= 0 || ::open("/tmp/assay-probe", O_WRONLY | O_CREAT, 0600) >= 0) {
    return does_not_hold("open a file");
  }
  if (::socket(AF_UNIX, SOCK_STREAM, 0) >= 0) return does_not_hold("make a socket");
  const long child = ::syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) ::_exit(0);
  if (child > 0) return does_not_hold("make a process");
  return {};
}

}  // namespace

Result<Seclusion> seclude(IsolationLevel level_max, const std::function<void()>& limit) {
  Seclusion reached{std::min(level_max, IsolationLevel::kL3), ""};
  const auto step_down = [&reached](const Error& error) {
    reached.refused += std::string(to_string(reached.level)) + ": " + error.message + "\n";
    reached.level = static_cast<IsolationLevel>(static_cast<int>(reached.level) - 1);
  };
  if (reached.level > IsolationLevel::kL0 && !has_syscall_filter()) {
    reached.level = IsolationLevel::kL1;
    step_down({ErrorCode::kUnavailable, "the kernel has no seccomp filters", "", "", ""});
  }
  if (reached.level >= IsolationLevel::kL3 && landlock_version() == 0) {
    step_down({ErrorCode::kUnavailable, "the kernel has no landlock", "", "", ""});
  }
  if (reached.level >= IsolationLevel::kL3) {
    if (auto entered = enter_own_namespaces(); !entered) step_down(entered.error());
  }
  limit();
  if (reached.level > IsolationLevel::kL0) {
    if (auto dropped = drop_capabilities(); !dropped) return dropped.error();
  }
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno_error("set", "no_new_privs");
  if (reached.level >= IsolationLevel::kL2 && landlock_version() == 0) {
    step_down({ErrorCode::kUnavailable, "the kernel has no landlock", "", "", ""});
  }
  if (reached.level >= IsolationLevel::kL2) {
    if (auto shut = shut_files(); !shut) return shut.error();
  }
  if (reached.level >= IsolationLevel::kL1) {
    if (auto shut = shut_calls(); !shut) return shut.error();
  }
  return reached;
}

}  // namespace assay::sandbox
