// A counted reference to a Python object; files that use this need not see Python's header.
#pragma once

#include <utility>

typedef struct _object PyObject;

namespace assay::verifiers::python {

// Owns one reference, or nothing. Needs the interpreter's lock.
class Object {
 public:
  Object() = default;
  // Takes over a new reference; null stays null.
  explicit Object(PyObject* owned) : pointer_(owned) {}
  static Object borrowed(PyObject* pointer);
  ~Object();
  Object(Object&& other) noexcept : pointer_(std::exchange(other.pointer_, nullptr)) {}
  Object& operator=(Object&& other) noexcept {
    std::swap(pointer_, other.pointer_);
    return *this;
  }

  PyObject* get() const { return pointer_; }
  PyObject* release() { return std::exchange(pointer_, nullptr); }
  explicit operator bool() const { return pointer_ != nullptr; }

 private:
  PyObject* pointer_ = nullptr;
};

}  // namespace assay::verifiers::python
