// The seccomp filter: which system calls jailed code may make at all.
//
// An allow-list. What no honest program would try (tracing, kernel keys, io_uring, new namespaces,
// mounts ...) ends the process with SIGSYS, which the owner reports as a violation; anything else
// that is not on the list fails with EPERM.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>

#include "runtime/core/result.h"
#include "verifiers/sandbox/jail_message.h"

namespace assay::sandbox {

// Whether this build and this kernel have such filters.
bool has_syscall_filter();

// The filter of a task, made before the fork: a child that made it would copy pages for it.
class SyscallFilter {
 public:
  explicit SyscallFilter(Task task);
  ~SyscallFilter();
  SyscallFilter(SyscallFilter&&) noexcept;
  SyscallFilter& operator=(SyscallFilter&&) noexcept;

  // Puts the calling process under the filter, for good; every thread it makes later and every
  // program it becomes is under it too. Needs no_new_privs. `self` is the process's own id as it
  // sees it: signals to itself are swallowed, those to others refused.
  // Errors: kUnavailable where the kernel has no seccomp.
  Result<void> install(pid_t self);

 private:
  struct Program;
  std::unique_ptr<Program> program_;
};

}  // namespace assay::sandbox
