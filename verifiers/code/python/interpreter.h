// The Python interpreter of a jail: started once, warmed, copied by each fork.
#pragma once

#include "runtime/core/result.h"

namespace assay::verifiers::python {

// Starts the interpreter, isolated from the machine's settings, with a fixed hash seed, imports
// what programs often use and everything that needs a shared library, and keeps the rest of the
// library in memory. Errors: kUnavailable with what Python said.
Result<void> start_interpreter();

// In a fresh child: what differs from process to process by chance is the same in all.
void begin_child();

}  // namespace assay::verifiers::python
