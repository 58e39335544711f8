// assay-fence PROGRAM ARGUMENT...: becomes the program with what a judge needs and no more.
//
// A verifier's function is its author's, but what it reads is a model's, and functions that hand a
// completion to eval() have been written. Inside the fence files can be read and none written,
// there is no network and no socket to the outside, and the system calls of attacks end the
// process. What the machine lacks is left out and told: ASSAY_FENCE in the program's environment
// names what holds. Without a system call filter nothing is run.
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "verifiers/sandbox/landlock_rules.h"
#include "verifiers/sandbox/namespaces.h"
#include "verifiers/sandbox/privileges.h"
#include "verifiers/sandbox/syscall_filter.h"

namespace {

using namespace assay;
using namespace assay::sandbox;

constexpr int kNotFenced = 125;

// An ordinary user first needs a user namespace in which it may make the others.
bool leave_network() {
  constexpr int kOutside = CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;
  if (::unshare(kOutside) == 0) return true;
  return enter_user_namespace() && ::unshare(kOutside) == 0;
}

int fail(const Error& error) {
  std::fprintf(stderr, "assay-fence: %s\n", error.message.c_str());
  return kNotFenced;
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 2) return fail({ErrorCode::kInvalidInput, "no program to run", "", "", ""});
  std::string fence;
  if (leave_network()) fence += "network,";
  if (auto dropped = drop_capabilities(); !dropped) return fail(dropped.error());
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
    return fail(errno_error("forbid", "new privileges"));
  }
  if (restrict_paths({{"/"}, {}, {"/dev/null"}})) fence += "landlock,";
  SyscallFilter filter(Task::kFunction);
  if (auto installed = filter.install(::getpid()); !installed) return fail(installed.error());
  ::setenv("ASSAY_FENCE", (fence + "seccomp").c_str(), 1);
  ::execv(arguments[1], arguments + 1);
  return fail(errno_error("run", arguments[1]));
}
