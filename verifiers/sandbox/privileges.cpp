#include "verifiers/sandbox/privileges.h"

#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace assay::sandbox {

Result<void> become_user(uid_t user) {
  if (::setgroups(0, nullptr) != 0) return errno_error("drop", "supplementary groups");
  // The system calls themselves: the C library's functions would look for other threads.
  if (::syscall(SYS_setresgid, user, user, user) != 0) return errno_error("change", "the group");
  if (::syscall(SYS_setresuid, user, user, user) != 0) return errno_error("change", "the user");
  return {};
}

Result<void> drop_capabilities() {
  for (int capability = 0;; ++capability) {
    if (::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) break;  // past the last one
    if (errno == EPERM) break;   // an ordinary user has none to regain
    return errno_error("drop", "a capability");
  }
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const __user_cap_data_struct none[2] = {};
  if (::syscall(SYS_capset, &header, none) != 0) return errno_error("drop", "capabilities");
  return {};
}

Result<void> forbid_privileges() {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return errno_error("bind to", "the parent");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return errno_error("hide", "the memory");
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno_error("set", "no_new_privs");
  return {};
}

}  // namespace assay::sandbox
