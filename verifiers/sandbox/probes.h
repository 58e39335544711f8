// Self-tests of a jail: attacks that must fail before the jail may call itself one.
#pragma once

#include "runtime/core/result.h"
#include "verifiers/sandbox/isolation.h"
#include "verifiers/sandbox/zygote.h"

namespace assay::sandbox {

// Runs every attack in a child of its own and sees it fail: all of them behind the filter, and
// those that landlock, namespaces and users must stop alone without it.
// Errors: kUnavailable naming the first attack that got through.
Result<void> probe(Zygote& zygote, IsolationLevel level);

}  // namespace assay::sandbox
