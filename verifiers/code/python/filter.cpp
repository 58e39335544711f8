#include <Python.h>
#include <unistd.h>

#include "verifiers/code/python/filter.h"

#include "runtime/core/limits.h"
#include "verifiers/code/python/program.h"
#include "verifiers/sandbox/confinement.h"
#include "verifiers/sandbox/frame.h"

namespace assay::verifiers::python {

namespace {

// What the program printed and has not left the process yet.
void flush(const char* name) {
  PyObject* stream = PySys_GetObject(name);
  if (stream == nullptr) return;
  const Object done(PyObject_CallMethod(stream, "flush", nullptr));
  PyErr_Clear();
}

// sys.exit() and sys.exit(0) are how a program ends well.
bool is_good_exit() {
  if (PyErr_ExceptionMatches(PyExc_SystemExit) == 0) return false;
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  const Object owned_type(type), owned_value(value), owned_traceback(traceback);
  const Object code(value != nullptr ? PyObject_GetAttrString(value, "code") : nullptr);
  PyErr_Clear();
  return code &&
         (code.get() == Py_None || (PyLong_Check(code.get()) && PyLong_AsLong(code.get()) == 0));
}

}  // namespace

int run_filter() {
  const auto text = sandbox::read_plain_frame(sandbox::kControl, limits::kCompletionBytesMax);
  ::close(sandbox::kControl);
  ::close(sandbox::kPeer);
  if (!text) return 1;
  const bool has_run = static_cast<bool>(run_text(*text, "<program>", make_scope("__main__")));
  const bool is_good = has_run || is_good_exit();
  PyErr_Clear();
  flush("stdout");
  flush("stderr");
  return is_good ? 0 : 1;
}

}  // namespace assay::verifiers::python
