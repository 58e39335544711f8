#include <Python.h>

#include "verifiers/code/python/python_object.h"

namespace assay::verifiers::python {

Object Object::borrowed(PyObject* pointer) {
  Py_XINCREF(pointer);
  return Object(pointer);
}

Object::~Object() {
  Py_XDECREF(pointer_);
}

}  // namespace assay::verifiers::python
