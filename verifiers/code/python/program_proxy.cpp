#include <Python.h>
#include <sys/random.h>

#include "verifiers/code/python/program_proxy.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "verifiers/code/fields.h"
#include "verifiers/code/python/call_line.h"
#include "verifiers/code/python/plain_data.h"
#include "verifiers/code/python/program.h"
#include "verifiers/code/python/test_run.h"
#include "verifiers/sandbox/confinement.h"
#include "verifiers/sandbox/frame.h"

namespace assay::verifiers::python {

namespace {

PyObject* proxy_type = nullptr;
PyObject* names_type = nullptr;
bool are_names_entries = false;

struct Proxy {
  PyObject ob_base;
  std::uint32_t handle;
  bool is_entry;      // calls count as calls of the program
  bool keeps_object;  // a call may give an object that stays in the runner
};

Proxy* as_proxy(PyObject* object) {
  return Py_IS_TYPE(object, reinterpret_cast<PyTypeObject*>(proxy_type))
             ? reinterpret_cast<Proxy*>(object)
             : nullptr;
}

PyObject* make_proxy(std::uint32_t handle, bool is_entry, bool keeps_object) {
  auto* proxy = PyObject_New(Proxy, reinterpret_cast<PyTypeObject*>(proxy_type));
  if (proxy == nullptr) return nullptr;
  proxy->handle = handle;
  proxy->is_entry = is_entry;
  proxy->keeps_object = keeps_object;
  return reinterpret_cast<PyObject*>(proxy);
}

bool handle_of(PyObject* object, std::uint32_t& handle) {
  const Proxy* proxy = as_proxy(object);
  if (proxy != nullptr) handle = proxy->handle;
  return proxy != nullptr;
}

std::string make_token() {
  std::string token(kTokenBytes, '\0');
  if (::getrandom(token.data(), token.size(), 0) < 0) token.clear();
  return token;
}

// One request and its answer; empty, and the record says why, when none comes.
std::string exchange(const std::string& request) {
  CallRecord& record = call_record();
  if (!record.program_end.empty()) return "";
  const std::string token = make_token();
  // Where the program is gone this fails, but what it has left in the line is still to be read.
  static_cast<void>(sandbox::write_plain_frame(sandbox::kPeer, token + request));
  auto answer = sandbox::read_plain_frame(sandbox::kPeer, kMessageBytesMax);
  const bool is_answer = answer && token.size() == kTokenBytes && answer->size() > token.size() &&
                         answer->starts_with(token);
  if (is_answer) return answer->substr(token.size());
  const bool is_end = !answer && answer.error().code != ErrorCode::kCorrupt;
  record.program_end = is_end ? kProgramEnded : kAnsweredUnasked;
  return "";
}

// The same for the tests; empty, with the interpreter's error set, when no answer comes.
std::string ask(const std::string& request) {
  CallRecord& record = call_record();
  record.was_asked = true;
  std::string answer = exchange(request);
  if (answer.empty()) record.raise("RuntimeError", "runtime_error", record.program_end);
  return answer;
}

std::string bytes_of(std::uint32_t value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

bool add(PyObject* value, std::string& request) {
  switch (encode(value, request, handle_of)) {
    case EncodeError::kNone:
      return true;
    case EncodeError::kException:
      return false;
    default:
      call_record().unsplittable =
          "the tests hand the program an object that is not plain data: declare oracle = "
          "\"same_process\" for this task";
      PyErr_SetString(PyExc_TypeError, "not plain data");
      return false;
  }
}

PyObject* raise_for(std::string_view answer) {
  const std::vector<std::string> fields = unpack_fields(answer, 3);
  constexpr std::size_t kNameBytesMax = 60;
  ProgramException exception{"RuntimeError", "RuntimeError", Object()};
  if (!fields.empty()) {
    std::string_view arguments = fields[2];
    exception = {fields[1].substr(0, kNameBytesMax), fields[0], Object(decode(arguments))};
  }
  call_record().raise(exception);
  return nullptr;
}

PyObject* read_object(std::string_view answer, bool is_entry, bool keeps_object) {
  std::uint32_t handle = 0;
  if (answer.size() < sizeof handle) return raise_for("");
  std::memcpy(&handle, answer.data(), sizeof handle);
  return make_proxy(handle, is_entry, keeps_object);
}

// The object that an answer stands for. `rest` is what follows a value.
PyObject* read_answer(std::string_view answer, const Proxy& asked, std::string_view& rest) {
  const auto kind = static_cast<Answer>(answer.front());
  answer.remove_prefix(1);
  if (kind == Answer::kValue) {
    rest = answer;
    PyObject* value = decode(rest);
    return value != nullptr ? value : raise_for("");
  }
  if (kind == Answer::kObject && asked.keeps_object) {
    return read_object(answer, asked.is_entry, true);
  }
  if (kind == Answer::kRaised) return raise_for(answer);
  if (kind == Answer::kTooLarge) {
    call_record().raise("RuntimeError", "output_limit", "the program gave a result too large");
    return nullptr;
  }
  call_record().raise("TypeError", "wrong_answer",
                      "the program gave a result that is not plain data");
  return nullptr;
}

void replace_content(PyObject* target, PyObject* now) {
  if (Py_TYPE(target) != Py_TYPE(now)) return;
  if (PyList_CheckExact(target)) {
    PyList_SetSlice(target, 0, PyList_GET_SIZE(target), now);
  } else if (PyDict_CheckExact(target)) {
    PyDict_Clear(target);
    PyDict_Update(target, now);
  } else if (PySet_CheckExact(target)) {
    PySet_Clear(target);
    const Object done(PyObject_CallMethod(target, "update", "O", now));
  }
  PyErr_Clear();
}

// What the call did to the lists it was given is done here too.
void apply_changes(PyObject* positional, std::string_view rest) {
  if (rest.empty()) return;
  const Object now(decode(rest));
  if (!now || !PyTuple_CheckExact(now.get())) return;
  const Py_ssize_t count = std::min(PyTuple_GET_SIZE(now.get()), PyTuple_GET_SIZE(positional));
  for (Py_ssize_t i = 0; i < count; ++i) {
    replace_content(PyTuple_GET_ITEM(positional, i), PyTuple_GET_ITEM(now.get(), i));
  }
}

PyObject* call(PyObject* self, PyObject* positional, PyObject* keywords) {
  const Proxy& proxy = *reinterpret_cast<Proxy*>(self);
  if (proxy.is_entry) ++call_record().call_count;
  std::string request(1, static_cast<char>(Request::kCall));
  request += bytes_of(proxy.handle);
  request += static_cast<char>(proxy.keeps_object);
  const Object none(keywords == nullptr ? PyDict_New() : nullptr);
  if (!add(positional, request) || !add(keywords != nullptr ? keywords : none.get(), request)) {
    return nullptr;
  }
  const std::string answer = ask(request);
  if (answer.empty()) return nullptr;
  std::string_view rest;
  PyObject* result = read_answer(answer, proxy, rest);
  if (result != nullptr) apply_changes(positional, rest);
  return result;
}

PyObject* get_attribute(PyObject* self, PyObject* name) {
  const char* text = PyUnicode_AsUTF8(name);
  if (text == nullptr || std::string_view(text).starts_with("__")) {
    return PyObject_GenericGetAttr(self, name);
  }
  std::string request(1, static_cast<char>(Request::kGet));
  request += bytes_of(reinterpret_cast<Proxy*>(self)->handle);
  if (!add(name, request)) return nullptr;
  const std::string answer = ask(request);
  if (answer.empty()) return nullptr;
  // What an object has may be an object again.
  Proxy asked = *reinterpret_cast<Proxy*>(self);
  asked.keeps_object = true;
  std::string_view rest;
  return read_answer(answer, asked, rest);
}

int set_attribute(PyObject* self, PyObject* name, PyObject* value) {
  std::string request(1, static_cast<char>(Request::kSet));
  request += bytes_of(reinterpret_cast<Proxy*>(self)->handle);
  if (value == nullptr) {
    PyErr_SetString(PyExc_TypeError, "attributes of the program cannot be deleted");
    return -1;
  }
  if (!add(name, request) || !add(value, request)) return -1;
  const std::string answer = ask(request);
  if (answer.empty()) return -1;
  std::string_view rest;
  return Object(read_answer(answer, *reinterpret_cast<Proxy*>(self), rest)) ? 0 : -1;
}

// An object of the program is neither true nor equal to anything here: only its values are.
PyObject* refuse_comparison(PyObject*, PyObject*, int) {
  PyErr_SetString(PyExc_TypeError, "an object of the program is not plain data");
  return nullptr;
}

int refuse_truth(PyObject*) {
  PyErr_SetString(PyExc_TypeError, "an object of the program has no truth value here");
  return -1;
}

Py_hash_t hash(PyObject* self) {
  return static_cast<Py_hash_t>(reinterpret_cast<Proxy*>(self)->handle);
}

void free_proxy(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_Free(self);
  Py_DECREF(type);
}

template <class Function>
void* slot(Function* function) {
  return reinterpret_cast<void*>(function);
}

bool is_library_module(PyObject* name) {
  PyObject* modules = PySys_GetObject("stdlib_module_names");
  return modules != nullptr && PySet_Contains(modules, name) == 1;
}

PyObject* import_named(PyObject* name) {
  PyObject* module = PyImport_Import(name);
  if (module == nullptr) PyErr_Clear();
  return module;
}

// A name that neither the tests nor Python define. The library comes before the program, which
// could otherwise bring a `math` of its own to the tests.
PyObject* find_missing(PyObject* self, PyObject* name) {
  const char* text = PyUnicode_AsUTF8(name);
  if (text == nullptr) return nullptr;
  if (is_library_module(name)) {
    if (PyObject* module = import_named(name)) return module;
  }
  const std::string answer = ask(static_cast<char>(Request::kLookUp) + std::string(text));
  if (answer.empty()) return nullptr;
  CallRecord& record = call_record();
  const auto kind = static_cast<Answer>(answer.front());
  if (kind == Answer::kModule) {
    const Object module(PyUnicode_FromString(answer.c_str() + 1));
    if (module && is_library_module(module.get())) return import_named(module.get());
  }
  if (kind != Answer::kObject && kind != Answer::kValue) {
    record.missing_name = text;
    PyErr_SetObject(PyExc_KeyError, name);
    return nullptr;
  }
  if (!are_names_entries) record.borrowed_names.emplace_back(text);
  Proxy asked{};
  asked.is_entry = are_names_entries;
  asked.keeps_object = true;
  std::string_view rest;
  PyObject* found = read_answer(answer, asked, rest);
  // Asked for once, it is known.
  if (found != nullptr && PyDict_SetItem(self, name, found) != 0) PyErr_Clear();
  return found;
}

PyMethodDef names_methods[] = {{"__missing__", find_missing, METH_O, nullptr},
                               {nullptr, nullptr, 0, nullptr}};

}  // namespace

bool make_proxy_types() {
  PyType_Slot proxy_slots[] = {{Py_tp_call, slot(call)},
                               {Py_tp_getattro, slot(get_attribute)},
                               {Py_tp_setattro, slot(set_attribute)},
                               {Py_tp_richcompare, slot(refuse_comparison)},
                               {Py_tp_hash, slot(hash)},
                               {Py_nb_bool, slot(refuse_truth)},
                               {Py_tp_dealloc, slot(free_proxy)},
                               {0, nullptr}};
  PyType_Spec proxy_spec = {"assay.Program", sizeof(Proxy), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, proxy_slots};
  proxy_type = PyType_FromSpec(&proxy_spec);
  PyType_Slot names_slots[] = {{Py_tp_methods, names_methods}, {0, nullptr}};
  PyType_Spec names_spec = {"assay.Names", 0, 0, Py_TPFLAGS_DEFAULT, names_slots};
  const Object bases(PyTuple_Pack(1, reinterpret_cast<PyObject*>(&PyDict_Type)));
  names_type = PyType_FromSpecWithBases(&names_spec, bases.get());
  return proxy_type != nullptr && names_type != nullptr;
}

std::string program_state() {
  return exchange(std::string(1, static_cast<char>(Request::kStart)));
}

Object entry_proxy(const std::string& name) {
  const std::string answer = exchange(static_cast<char>(Request::kLookUp) + name);
  if (answer.empty() || static_cast<Answer>(answer.front()) != Answer::kObject) return Object();
  const bool is_class = answer.back() != 0;
  return Object(read_object(std::string_view(answer).substr(1), true, is_class));
}

Object names_for_tests(bool names_are_entries) {
  are_names_entries = names_are_entries;
  Object names(PyObject_CallNoArgs(names_type));
  if (!names || PyDict_Update(names.get(), PyEval_GetBuiltins()) != 0) return Object();
  return names;
}

}  // namespace assay::verifiers::python
