// Plain data between the process that runs a program and the one that judges it.
//
// Only values cross: None, booleans, whole numbers, floats and complex numbers by their bits, text,
// bytes, lists, tuples, sets, dictionaries, ranges, and the names of built-in types. What is made
// of them on the other side has exactly the built-in types, so no class of the program takes part
// in a comparison. A subclass of a built-in type crosses as the value it holds, unless it brings an
// equality of its own. Encoding runs no code of the program, an iterator's own aside.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "verifiers/code/python/python_object.h"

namespace assay::verifiers::python {

inline constexpr std::size_t kValueBytesMax = std::size_t{1} << 20;
inline constexpr int kValueDepthMax = 50;

enum class EncodeError {
  kNone,
  kTooLarge,   // above kValueBytesMax
  kTooDeep,    // above kValueDepthMax, or endless
  kNotPlain,   // an object that is no value
  kException,  // an iterator raised; the interpreter's error is set
};

// What stands for an object that stays on the other side; false: it is not such an object.
using HandleOf = std::function<bool(PyObject*, std::uint32_t&)>;
// The object for a handle, a new reference, or null.
using ObjectOf = std::function<PyObject*(std::uint32_t)>;

// Appends the value.
EncodeError encode(PyObject* value, std::string& out, const HandleOf& handle_of = {});

// Reads one value off the front of `bytes`: a new reference; null where they are not one, with the
// interpreter's error cleared. Trusts nothing in them.
PyObject* decode(std::string_view& bytes, const ObjectOf& object_of = {});

// Remembers the library's classes that are plain data though they are not built in. Called once.
void remember_library_types();

}  // namespace assay::verifiers::python
