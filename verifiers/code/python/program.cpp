#include <Python.h>

#include "verifiers/code/python/program.h"

namespace assay::verifiers::python {

Object run_text(const std::string& text, const char* name, PyObject* scope) {
  if (text.find('\0') != std::string::npos) {
    PyErr_SetString(PyExc_SyntaxError, "null bytes");
    return Object();
  }
  const Object code(Py_CompileString(text.c_str(), name, Py_file_input));
  if (!code) return Object();
  return Object(PyEval_EvalCode(code.get(), scope, scope));
}

PyObject* make_scope(const char* name) {
  PyObject* module = PyImport_AddModule(name);
  PyObject* scope = PyModule_GetDict(module);
  PyDict_SetItemString(scope, "__builtins__", PyEval_GetBuiltins());
  return scope;
}

std::string take_exception_name() {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  const Object owned_type(type), owned_value(value), owned_traceback(traceback);
  if (type == nullptr || !PyType_Check(type)) return "no exception";
  const auto* kind = reinterpret_cast<PyTypeObject*>(type);
  if ((kind->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0) return kind->tp_name;
  return "an exception of its own";
}

}  // namespace assay::verifiers::python
