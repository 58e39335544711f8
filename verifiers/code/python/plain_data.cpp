#include <Python.h>

#include "verifiers/code/python/plain_data.h"

#include <cstring>

namespace assay::verifiers::python {

namespace {

// Library classes with an equality of their own that is that of the values they hold.
PyObject* counter_type = nullptr;
PyObject* ordered_dict_type = nullptr;
PyObject* deque_type = nullptr;

constexpr const char* kTypeNames[] = {"int",   "float",   "str",   "bool",   "bytes",
                                      "list",  "dict",    "tuple", "set",    "frozenset",
                                      "range", "complex", "type",  "object", "bytearray"};

PyObject* builtin_type(std::string_view name) {
  for (const char* known : kTypeNames) {
    if (name == known) return PyDict_GetItemString(PyEval_GetBuiltins(), known);
  }
  return nullptr;
}

// Whether the object is of the type, or of a subclass that compares as it does.
bool holds(PyObject* value, PyTypeObject& type) {
  if (Py_IS_TYPE(value, &type)) return true;
  return PyObject_TypeCheck(value, &type) && Py_TYPE(value)->tp_richcompare == type.tp_richcompare;
}

bool is_type(PyObject* value, PyObject* type) {
  return reinterpret_cast<PyObject*>(Py_TYPE(value)) == type;
}

class Encoder {
 public:
  Encoder(std::string& out, const HandleOf& handle_of)
      : out_(out), start_(out.size()), handle_of_(handle_of) {}

  EncodeError add(PyObject* value, int depth) {
    if (depth > kValueDepthMax) return EncodeError::kTooDeep;
    if (out_.size() - start_ > kValueBytesMax) return EncodeError::kTooLarge;
    if (add_constant(value)) return EncodeError::kNone;
    if (holds(value, PyLong_Type)) return add_integer(value);
    if (holds(value, PyFloat_Type)) return add_double('d', PyFloat_AS_DOUBLE(value));
    if (holds(value, PyUnicode_Type)) return add_text(value);
    if (holds(value, PyList_Type)) return add_sequence('[', value, depth);
    if (holds(value, PyTuple_Type)) return add_sequence('(', value, depth);
    return add_rarer(value, depth);
  }

 private:
  bool add_constant(PyObject* value) {
    if (value == Py_None) return add_tag('N');
    if (value == Py_True) return add_tag('T');
    if (value == Py_False) return add_tag('F');
    if (value == Py_Ellipsis) return add_tag('e');
    return false;
  }

  EncodeError add_rarer(PyObject* value, int depth) {
    if (holds(value, PyDict_Type) || is_type(value, counter_type) ||
        is_type(value, ordered_dict_type)) {
      return add_dictionary(value, depth);
    }
    if (holds(value, PySet_Type)) return add_set('<', value, depth);
    if (holds(value, PyFrozenSet_Type)) return add_set('z', value, depth);
    if (PyComplex_CheckExact(value)) {
      add_double('c', PyComplex_RealAsDouble(value));
      return add_double('c', PyComplex_ImagAsDouble(value));
    }
    if (PyBytes_CheckExact(value)) {
      return add_bytes('b', {PyBytes_AS_STRING(value), size(PyBytes_GET_SIZE(value))});
    }
    if (PyByteArray_CheckExact(value)) {
      return add_bytes('B', {PyByteArray_AS_STRING(value), size(PyByteArray_GET_SIZE(value))});
    }
    if (PyRange_Check(value)) return add_range(value, depth);
    if (is_type(value, deque_type)) return add_iterated('q', value, depth);
    if (PyType_Check(value)) return add_type(value);
    std::uint32_t handle = 0;
    if (handle_of_ && handle_of_(value, handle)) {
      add_tag('p');
      add_count(handle);
      return EncodeError::kNone;
    }
    return add_view(value, depth);
  }

  // Views and iterators of the built-in types cross as what they would yield.
  EncodeError add_view(PyObject* value, int depth) {
    PyTypeObject* type = Py_TYPE(value);
    if (type == &PyDictKeys_Type || type == &PyDictValues_Type || type == &PyDictItems_Type) {
      return add_iterated('[', value, depth);
    }
    const bool is_built_in = (type->tp_flags & Py_TPFLAGS_HEAPTYPE) == 0;
    if (is_built_in && PyIter_Check(value)) return add_iterated('k', value, depth);
    return EncodeError::kNotPlain;
  }

  static std::size_t size(Py_ssize_t size) { return static_cast<std::size_t>(size); }

  bool add_tag(char tag) {
    out_ += tag;
    return true;
  }
  void add_count(std::uint32_t count) {
    out_.append(reinterpret_cast<const char*>(&count), sizeof count);
  }
  EncodeError add_double(char tag, double value) {
    add_tag(tag);
    out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return EncodeError::kNone;
  }
  EncodeError add_bytes(char tag, std::string_view bytes) {
    if (bytes.size() > kValueBytesMax) return EncodeError::kTooLarge;
    add_tag(tag);
    add_count(static_cast<std::uint32_t>(bytes.size()));
    out_ += bytes;
    return EncodeError::kNone;
  }

  // Base 16: exact at any size, and not slow at any.
  EncodeError add_integer(PyObject* value) {
    int overflow = 0;
    const long long small = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow == 0) {
      add_tag('i');
      out_.append(reinterpret_cast<const char*>(&small), sizeof small);
      return EncodeError::kNone;
    }
    // The number itself, not what a subclass says of it.
    const Object digits(_PyLong_Format(value, 16));
    if (!digits) return no_memory();
    Py_ssize_t count = 0;
    const char* text = PyUnicode_AsUTF8AndSize(digits.get(), &count);
    return add_bytes('I', {text, size(count)});
  }

  EncodeError add_text(PyObject* value) {
    if (size(PyUnicode_GET_LENGTH(value)) > kValueBytesMax) return EncodeError::kTooLarge;
    const Object bytes(PyUnicode_AsEncodedString(value, "utf-8", "surrogatepass"));
    if (!bytes) return no_memory();
    return add_bytes('s', {PyBytes_AS_STRING(bytes.get()), size(PyBytes_GET_SIZE(bytes.get()))});
  }

  EncodeError add_sequence(char tag, PyObject* value, int depth) {
    const Py_ssize_t count = Py_SIZE(value);
    if (size(count) > kValueBytesMax) return EncodeError::kTooLarge;
    add_tag(tag);
    add_count(static_cast<std::uint32_t>(count));
    PyObject** items = PySequence_Fast_ITEMS(value);
    for (Py_ssize_t i = 0; i < count; ++i) {
      if (const EncodeError error = add(items[i], depth + 1); error != EncodeError::kNone) {
        return error;
      }
    }
    return EncodeError::kNone;
  }

  EncodeError add_dictionary(PyObject* value, int depth) {
    const Py_ssize_t count = PyDict_Size(value);
    if (size(count) > kValueBytesMax) return EncodeError::kTooLarge;
    add_tag('{');
    add_count(static_cast<std::uint32_t>(count));
    Py_ssize_t position = 0;
    PyObject* key = nullptr;
    PyObject* item = nullptr;
    while (PyDict_Next(value, &position, &key, &item)) {
      for (PyObject* part : {key, item}) {
        if (const EncodeError error = add(part, depth + 1); error != EncodeError::kNone) {
          return error;
        }
      }
    }
    return EncodeError::kNone;
  }

  EncodeError add_set(char tag, PyObject* value, int depth) {
    // A copy of the exact type: its iteration is the built-in one.
    const Object copy(tag == '<' ? PySet_New(value) : PyFrozenSet_New(value));
    return copy ? add_iterated(tag, copy.get(), depth) : no_memory();
  }

  EncodeError add_range(PyObject* value, int depth) {
    add_tag('r');
    for (const char* name : {"start", "stop", "step"}) {
      const Object part(PyObject_GetAttrString(value, name));
      if (!part) return no_memory();
      if (const EncodeError error = add(part.get(), depth + 1); error != EncodeError::kNone) {
        return error;
      }
    }
    return EncodeError::kNone;
  }

  EncodeError add_iterated(char tag, PyObject* value, int depth) {
    const Object iterator(PyObject_GetIter(value));
    if (!iterator) return EncodeError::kException;
    add_tag(tag);
    const std::size_t place = out_.size();
    add_count(0);
    std::uint32_t count = 0;
    while (true) {
      const Object item(PyIter_Next(iterator.get()));
      if (!item) break;
      if (const EncodeError error = add(item.get(), depth + 1); error != EncodeError::kNone) {
        return error;
      }
      ++count;
    }
    if (PyErr_Occurred() != nullptr) return EncodeError::kException;
    std::memcpy(out_.data() + place, &count, sizeof count);
    return EncodeError::kNone;
  }

  EncodeError add_type(PyObject* value) {
    for (const char* name : kTypeNames) {
      if (builtin_type(name) == value) return add_bytes('t', name);
    }
    return EncodeError::kNotPlain;
  }

  static EncodeError no_memory() {
    PyErr_Clear();
    return EncodeError::kTooLarge;
  }

  std::string& out_;
  std::size_t start_;
  const HandleOf& handle_of_;
};

class Decoder {
 public:
  Decoder(std::string_view& bytes, const ObjectOf& object_of)
      : bytes_(bytes), object_of_(object_of) {}

  PyObject* read(int depth) {
    char tag = 0;
    if (depth > kValueDepthMax || !take(&tag, 1)) return nullptr;
    switch (tag) {
      case 'N':
        return Py_NewRef(Py_None);
      case 'T':
        return Py_NewRef(Py_True);
      case 'F':
        return Py_NewRef(Py_False);
      case 'e':
        return Py_NewRef(Py_Ellipsis);
      case 'i': {
        long long value = 0;
        return take(&value, sizeof value) ? PyLong_FromLongLong(value) : nullptr;
      }
      case 'd': {
        double value = 0;
        return take(&value, sizeof value) ? PyFloat_FromDouble(value) : nullptr;
      }
      case 'c':
        return read_complex();
      case 'r':
        return read_range(depth);
      case 'p': {
        std::uint32_t handle = 0;
        return object_of_ && take(&handle, sizeof handle) ? object_of_(handle) : nullptr;
      }
      case '{':
        return read_dictionary(depth);
      case '[':
      case '(':
      case '<':
      case 'z':
      case 'q':
      case 'k':
        return read_sequence(tag, depth);
      default:
        return read_text(tag);
    }
  }

 private:
  bool take(void* target, std::size_t size) {
    if (bytes_.size() < size) return false;
    std::memcpy(target, bytes_.data(), size);
    bytes_.remove_prefix(size);
    return true;
  }

  // A count of things that take at least a byte each.
  bool take_count(std::uint32_t& count) {
    return take(&count, sizeof count) && count <= bytes_.size();
  }

  PyObject* read_text(char tag) {
    std::uint32_t count = 0;
    if (!take_count(count)) return nullptr;
    const std::string_view text = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    const auto size = static_cast<Py_ssize_t>(count);
    if (tag == 's') return PyUnicode_DecodeUTF8(text.data(), size, "surrogatepass");
    if (tag == 'b') return PyBytes_FromStringAndSize(text.data(), size);
    if (tag == 'B') return PyByteArray_FromStringAndSize(text.data(), size);
    if (tag == 't') return Py_XNewRef(builtin_type(text));
    if (tag == 'I') return PyLong_FromString(std::string(text).c_str(), nullptr, 16);
    return nullptr;
  }

  PyObject* read_complex() {
    double real = 0, imaginary = 0;
    char tag = 0;
    if (!take(&real, sizeof real) || !take(&tag, 1) || tag != 'c' ||
        !take(&imaginary, sizeof imaginary)) {
      return nullptr;
    }
    return PyComplex_FromDoubles(real, imaginary);
  }

  PyObject* read_range(int depth) {
    const Object start(read(depth + 1)), stop(read(depth + 1)), step(read(depth + 1));
    if (!start || !stop || !step) return nullptr;
    return PyObject_CallFunctionObjArgs(reinterpret_cast<PyObject*>(&PyRange_Type), start.get(),
                                        stop.get(), step.get(), nullptr);
  }

  PyObject* read_list(std::uint32_t count, int depth) {
    Object list(PyList_New(0));
    for (std::uint32_t i = 0; list && i < count; ++i) {
      const Object item(read(depth + 1));
      if (!item || PyList_Append(list.get(), item.get()) != 0) return nullptr;
    }
    return list.release();
  }

  PyObject* read_sequence(char tag, int depth) {
    std::uint32_t count = 0;
    if (!take_count(count)) return nullptr;
    Object list(read_list(count, depth));
    if (!list) return nullptr;
    switch (tag) {
      case '(':
        return PyList_AsTuple(list.get());
      case '<':
        return PySet_New(list.get());
      case 'z':
        return PyFrozenSet_New(list.get());
      case 'q':
        return PyObject_CallOneArg(deque_type, list.get());
      case 'k':
        return PyObject_GetIter(list.get());
      default:
        return list.release();
    }
  }

  PyObject* read_dictionary(int depth) {
    std::uint32_t count = 0;
    if (!take_count(count)) return nullptr;
    Object dictionary(PyDict_New());
    for (std::uint32_t i = 0; dictionary && i < count; ++i) {
      const Object key(read(depth + 1));
      const Object value(key ? read(depth + 1) : nullptr);
      if (!value || PyDict_SetItem(dictionary.get(), key.get(), value.get()) != 0) return nullptr;
    }
    return dictionary.release();
  }

  std::string_view& bytes_;
  const ObjectOf& object_of_;
};

}  // namespace

EncodeError encode(PyObject* value, std::string& out, const HandleOf& handle_of) {
  const std::size_t start = out.size();
  const EncodeError error = Encoder(out, handle_of).add(value, 1);
  if (error != EncodeError::kNone) return error;
  return out.size() - start > kValueBytesMax ? EncodeError::kTooLarge : EncodeError::kNone;
}

PyObject* decode(std::string_view& bytes, const ObjectOf& object_of) {
  PyObject* value = Decoder(bytes, object_of).read(1);
  if (value == nullptr) PyErr_Clear();
  return value;
}

void remember_library_types() {
  const Object module(PyImport_ImportModule("collections"));
  if (!module) return PyErr_Clear();
  counter_type = PyObject_GetAttrString(module.get(), "Counter");
  ordered_dict_type = PyObject_GetAttrString(module.get(), "OrderedDict");
  deque_type = PyObject_GetAttrString(module.get(), "deque");
}

}  // namespace assay::verifiers::python
