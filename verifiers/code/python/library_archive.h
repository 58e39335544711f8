// The standard library in memory: jailed programs import it though they can open no file.
#pragma once

#include "runtime/core/result.h"

namespace assay::verifiers::python {

// Reads the compiled library into one read-only mapping that children share without copying, and
// makes it the only place from which modules are imported beside those built in or loaded already.
// Left out: what starts processes, calls foreign code or talks to a network or a screen.
// Errors: kUnavailable with what Python said.
Result<void> keep_library_in_memory();

// The current Python error as ours, cleared.
Error python_error(const char* attempt);

}  // namespace assay::verifiers::python
