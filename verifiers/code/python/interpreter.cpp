#include <Python.h>

#include "verifiers/code/python/interpreter.h"

#include <malloc.h>

#include <cstdlib>

#include "verifiers/code/python/library_archive.h"
#include "verifiers/code/python/plain_data.h"
#include "verifiers/code/python/python_object.h"
#include "verifiers/code/python/unit_tests.h"

namespace assay::verifiers::python {

namespace {

// What the programs of benchmarks import. Of the modules that are machine code outside the
// interpreter, which cannot be loaded later, only those that have no form in Python: each costs
// every fork five more mappings.
constexpr const char* kWarmModules[] = {
    "math",   "cmath",      "re",        "collections", "itertools",    "functools", "heapq",
    "bisect", "string",     "operator",  "typing",      "random",       "datetime",  "copy",
    "array",  "struct",     "time",      "os",          "sys",          "io",        "enum",
    "abc",    "contextlib", "_strptime", "resource",    "_contextvars",
};

Result<void> initialize() {
  PyPreConfig before;
  PyPreConfig_InitIsolatedConfig(&before);
  before.utf8_mode = 1;
  if (PyStatus_Exception(Py_PreInitialize(&before))) {
    return Error{ErrorCode::kUnavailable, "Python cannot be prepared", "", "", ""};
  }
  PyConfig config;
  PyConfig_InitIsolatedConfig(&config);
  config.site_import = 0;
  config.write_bytecode = 0;
  config.use_hash_seed = 1;
  config.hash_seed = 0;
  config.buffered_stdio = 1;
  PyConfig_SetString(&config, &config.program_name, L"/usr/bin/python3");
  const PyStatus status = Py_InitializeFromConfig(&config);
  PyConfig_Clear(&config);
  if (PyStatus_Exception(status)) {
    return Error{ErrorCode::kUnavailable,
                 std::string("Python cannot start: ") +
                     (status.err_msg != nullptr ? status.err_msg : "unknown"),
                 "install libpython3.11 and libpython3.11-stdlib", "", ""};
  }
  return {};
}

// Empties what tells of the machine, and takes the interpreter's own objects out of the sight of
// the garbage collector, whose marks would make every child copy them.
constexpr const char* kFinish = R"python(
import sys, os, gc, random
random.seed(0)
os.environ._data.clear()
sys.argv[:] = ['program']
gc.collect()
gc.freeze()
)python";

Result<void> finish() {
  const Object scope(PyDict_New());
  PyDict_SetItemString(scope.get(), "__builtins__", PyEval_GetBuiltins());
  const Object code(Py_CompileString(kFinish, "finish", Py_file_input));
  const Object done(code ? PyEval_EvalCode(code.get(), scope.get(), scope.get()) : nullptr);
  if (!done) return python_error("finish its start");
  return {};
}

}  // namespace

Result<void> start_interpreter() {
  ::clearenv();
  ::setenv("TZ", "UTC0", 1);
  // Threads share one heap: heaps of their own would be counted as memory that nobody uses.
  ::mallopt(M_ARENA_MAX, 1);
  if (auto done = initialize(); !done) return done;
  // typing would load it for one function that it has itself.
  PyDict_SetItemString(PyImport_GetModuleDict(), "_typing", Py_None);
  for (const char* name : kWarmModules) {
    const Object module(PyImport_ImportModule(name));
    if (!module) return python_error((std::string("import ") + name).c_str());
  }
  remember_library_types();
  if (!prepare_unit_tests()) return python_error("read its own part");
  if (auto done = keep_library_in_memory(); !done) return done;
  if (auto done = finish(); !done) return done;
  // Every page that is here is one that each fork must mark.
  ::malloc_trim(0);
  return {};
}

}  // namespace assay::verifiers::python
