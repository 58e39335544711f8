// The judged program inside the interpreter: compiled, run, and what it raised.
#pragma once

#include <string>

#include "verifiers/code/python/python_object.h"

namespace assay::verifiers::python {

// Compiles and runs text in `scope`, a dictionary. Null and the interpreter's error set where it
// raises or is no program.
Object run_text(const std::string& text, const char* name, PyObject* scope);

// A fresh module's dictionary with the built-in names, e.g. of the name "solution"; borrowed from
// the module, which stays imported.
PyObject* make_scope(const char* name);

// The name of the current exception, which is cleared: of a class of the library its own, of one
// that the program made, "an exception of its own".
std::string take_exception_name();

}  // namespace assay::verifiers::python
