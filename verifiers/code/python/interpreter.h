// The Python interpreter of a jail: started once, warmed, copied by each fork.
#pragma once

#include "runtime/core/result.h"

namespace assay::verifiers::python {

// Starts the interpreter, isolated from the machine's settings, with a fixed hash seed and
// a fixed state of `random`, imports what programs often use and everything that needs a shared
// library, and keeps the rest of the library in memory. A fork of it needs none of what Python does
// after a fork: there is one thread, and nothing shall differ from child to child. Errors:
// kUnavailable with what Python said.
Result<void> start_interpreter();

}  // namespace assay::verifiers::python
