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

// An exception of the program, as it can be told outside its process.
struct ProgramException {
  std::string name;  // of a built-in class; of any other, "an exception of its own"
  std::string base;  // the nearest built-in class: what tests can catch it by
  Object arguments;  // a tuple, or null
};

// The current exception, which is cleared. Runs no code of the program but its class's own.
ProgramException take_exception();

}  // namespace assay::verifiers::python
