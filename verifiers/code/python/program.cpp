#include <Python.h>

#include "verifiers/code/python/program.h"

namespace assay::verifiers::python {

namespace {

// The first class in the order of inheritance that no Python code has made.
PyTypeObject* nearest_built_in(PyTypeObject* type) {
  PyObject* order = type->tp_mro;
  for (Py_ssize_t i = 0; order != nullptr && i < PyTuple_GET_SIZE(order); ++i) {
    PyObject* at = PyTuple_GET_ITEM(order, i);
    auto* known = reinterpret_cast<PyTypeObject*>(at);
    if ((known->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0 && PyExceptionClass_Check(at)) return known;
  }
  return reinterpret_cast<PyTypeObject*>(PyExc_RuntimeError);
}

}  // namespace

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

ProgramException take_exception() {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  const Object owned_type(type), owned_value(value), owned_traceback(traceback);
  if (type == nullptr || !PyType_Check(type)) return {"no exception", "RuntimeError", Object()};
  ProgramException taken;
  auto* kind = reinterpret_cast<PyTypeObject*>(type);
  const PyTypeObject* base = nearest_built_in(kind);
  taken.base = base->tp_name;
  taken.name = base == kind ? taken.base : "an exception of its own";
  if (value != nullptr && PyExceptionInstance_Check(value)) {
    taken.arguments = Object::borrowed(reinterpret_cast<PyBaseExceptionObject*>(value)->args);
  }
  return taken;
}

}  // namespace assay::verifiers::python
