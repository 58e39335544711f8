// Seclusion: a companion that shuts itself in, for good, before it meets anything foreign.
//
// For companions that are ours and stay warm (a database engine), where a jail is for programs that
// are not: there is no zygote and no fork for a check. What a secluded process needs later it gets
// through its socket, open files as descriptors: it can open nothing itself, at any level.
#pragma once

#include <functional>
#include <string>

#include "runtime/core/result.h"
#include "verifiers/sandbox/isolation.h"

namespace assay::sandbox {

struct Seclusion {
  IsolationLevel level = IsolationLevel::kL0;
  std::string refused;  // why no higher level was reached, a line each
};

// Goes up to L3, as far as this machine has it: namespaces with an empty root, no capabilities,
// landlock without any path, the system call filter last. `limit` lowers the process's own limits
// once the namespaces are made. At L3 the caller goes on as the first process of a PID namespace,
// which a signal reaches only where it is caught, and its starter waits for it; at L0 nothing but
// `limit` and no_new_privs was done. The walls are tried before this returns.
// Needs to have no other thread. Errors: a wall that was built does not hold, or the process could
// not be kept at what was built: it must end.
Result<Seclusion> seclude(IsolationLevel level_max, const std::function<void()>& limit);

}  // namespace assay::sandbox
