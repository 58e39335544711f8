// The seccomp filter: which system calls jailed code may make at all.
//
// An allow-list. What no honest program would try (tracing, kernel keys, io_uring, new namespaces,
// mounts ...) ends the process with SIGSYS, which the owner reports as a violation; anything else
// that is not on the list fails with EPERM.
#pragma once

#include <sys/types.h>

#include "runtime/core/result.h"
#include "verifiers/sandbox/jail_message.h"

namespace assay::sandbox {

// Whether this build and this kernel have such filters.
bool has_syscall_filter();

// Puts the calling process under the filter of its task, for good; every thread it makes later and
// every program it becomes is under it too. Needs no_new_privs. `self` is the process's own id as
// it sees it: signals to itself are swallowed, those to others refused.
// Errors: kUnavailable where the kernel has no seccomp.
Result<void> install_syscall_filter(Task task, pid_t self);

}  // namespace assay::sandbox
