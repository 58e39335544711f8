// The order in which a fresh child gives up what it does not need, before it sees foreign code.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "runtime/core/result.h"
#include "verifiers/sandbox/isolation.h"
#include "verifiers/sandbox/jail_message.h"
#include "verifiers/sandbox/limits.h"
#include "verifiers/sandbox/syscall_filter.h"

namespace assay::sandbox {

// What is the same for all children of one zygote.
struct JailSetup {
  IsolationLevel level = IsolationLevel::kL0;
  uid_t first_user = 0;  // of the slot's two users; 0: children keep the zygote's
  bool has_user_namespace = false;
  std::uint64_t memory_base_bytes = 0;  // the warm zygote's address space
  std::string scratch;                  // the folder a compiler writes in; empty: none
};

// The descriptors of a child, as the zygote holds them; -1 where it has none.
struct ChildDescriptors {
  int input = -1;    // becomes 0; else /dev/null
  int output = -1;   // becomes 1 and 2; else /dev/null
  int control = -1;  // becomes kControl
  int peer = -1;     // becomes kPeer
};
inline constexpr int kControl = 3;  // to the owner: the first byte says that the jail is shut
inline constexpr int kPeer = 4;     // to the other process of the check, or the program's file

// Confines the calling process for good: descriptors, session, limits, user, capabilities,
// privileges, landlock, seccomp, in this order. `index` is its place in the check. Without a
// filter, for self-tests of the walls behind it, seccomp is left out.
Result<void> confine(const JailSetup& setup, Task task, std::size_t index, const Limits& limits,
                     const ChildDescriptors& descriptors, SyscallFilter* filter);

}  // namespace assay::sandbox
