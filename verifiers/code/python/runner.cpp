#include <Python.h>
#include <unistd.h>

#include "verifiers/code/python/runner.h"

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/core/limits.h"
#include "verifiers/code/fields.h"
#include "verifiers/code/python/call_line.h"
#include "verifiers/code/python/plain_data.h"
#include "verifiers/code/python/program.h"
#include "verifiers/code/python/python_object.h"
#include "verifiers/sandbox/confinement.h"
#include "verifiers/sandbox/frame.h"

namespace assay::verifiers::python {

namespace {

// Answers requests about the program's names and objects.
class Service {
 public:
  // `state` answers kStart.
  Service(PyObject* scope, std::string state) : scope_(scope), state_(std::move(state)) {}

  std::string answer(std::string_view request) {
    if (request.empty()) return tagged(Answer::kAbsent);
    const auto kind = static_cast<Request>(request.front());
    request.remove_prefix(1);
    if (kind == Request::kStart) return state_;
    if (kind == Request::kLookUp) return look_up(std::string(request));
    PyObject* object = take_object(request);
    if (object == nullptr) return tagged(Answer::kAbsent);
    if (kind == Request::kCall) return call(object, request);
    if (kind == Request::kGet) {
      const Object name(decode(request));
      return name ? outcome(Object(PyObject_GetAttr(object, name.get())), true)
                  : tagged(Answer::kAbsent);
    }
    return set(object, request);
  }

 private:
  static std::string tagged(Answer answer) { return std::string(1, static_cast<char>(answer)); }

  static std::string raised() {
    const ProgramException exception = take_exception();
    std::string arguments;
    const bool is_plain =
        exception.arguments && encode(exception.arguments.get(), arguments) == EncodeError::kNone;
    PyErr_Clear();
    if (!is_plain) arguments.clear();
    return tagged(Answer::kRaised) + pack_fields({exception.base, exception.name, arguments});
  }

  std::string look_up(const std::string& name) {
    PyObject* found = PyDict_GetItemString(scope_, name.c_str());
    if (found == nullptr) return tagged(Answer::kAbsent);
    if (PyModule_Check(found)) {
      const char* module = PyModule_GetName(found);
      PyErr_Clear();
      return tagged(Answer::kModule) + (module != nullptr ? module : "");
    }
    if (PyCallable_Check(found)) return kept(found) + (PyType_Check(found) ? '\1' : '\0');
    return outcome(Object::borrowed(found), true);
  }

  PyObject* take_object(std::string_view& request) {
    std::uint32_t handle = 0;
    if (request.size() < sizeof handle) return nullptr;
    std::memcpy(&handle, request.data(), sizeof handle);
    request.remove_prefix(sizeof handle);
    return handle < objects_.size() ? objects_[handle] : nullptr;
  }

  // References are kept until the process ends.
  std::string kept(PyObject* object) {
    const auto handle = static_cast<std::uint32_t>(objects_.size());
    objects_.push_back(Py_NewRef(object));
    return tagged(Answer::kObject) +
           std::string(reinterpret_cast<const char*>(&handle), sizeof handle);
  }

  PyObject* object_of(std::uint32_t handle) {
    return handle < objects_.size() ? Py_NewRef(objects_[handle]) : nullptr;
  }

  std::string call(PyObject* object, std::string_view request) {
    if (request.empty()) return tagged(Answer::kAbsent);
    const bool keeps_object = request.front() != 0;
    request.remove_prefix(1);
    const auto find = [this](std::uint32_t handle) { return object_of(handle); };
    const std::string_view start = request;
    const Object positional(decode(request, find));
    const std::string_view given = start.substr(0, start.size() - request.size());
    const Object keywords(decode(request, find));
    if (!positional || !keywords || !PyTuple_Check(positional.get()) ||
        !PyDict_Check(keywords.get())) {
      return tagged(Answer::kAbsent);
    }
    Object result(PyObject_Call(object, positional.get(), keywords.get()));
    std::string said = outcome(std::move(result), keeps_object);
    if (said.front() == static_cast<char>(Answer::kValue))
      add_changes(positional.get(), given, said);
    return said;
  }

  // A program may change the lists it is given; the tests may look at them.
  static void add_changes(PyObject* positional, std::string_view given, std::string& said) {
    std::string now;
    const EncodeError error = encode(positional, now);
    PyErr_Clear();
    if (error == EncodeError::kNone && now != given) said += now;
  }

  std::string set(PyObject* object, std::string_view request) {
    const Object name(decode(request));
    const Object value(
        name ? decode(request, [this](std::uint32_t handle) { return object_of(handle); })
             : nullptr);
    if (!value) return tagged(Answer::kAbsent);
    if (PyObject_SetAttr(object, name.get(), value.get()) != 0) return raised();
    return tagged(Answer::kValue) + "N";
  }

  std::string outcome(Object result, bool keeps_object) {
    if (!result) return raised();
    std::string said = tagged(Answer::kValue);
    switch (encode(result.get(), said)) {
      case EncodeError::kNone:
        return said;
      case EncodeError::kException:
        return raised();
      case EncodeError::kNotPlain:
        return keeps_object ? kept(result.get()) : tagged(Answer::kNotPlain);
      default:
        return tagged(Answer::kTooLarge);
    }
  }

  PyObject* scope_;
  std::string state_;
  std::vector<PyObject*> objects_;
};

Result<std::string> next_request() {
  Result<std::string> request = std::string();
  Py_BEGIN_ALLOW_THREADS;
  request = sandbox::read_plain_frame(sandbox::kPeer, kMessageBytesMax);
  Py_END_ALLOW_THREADS;
  return request;
}

}  // namespace

int run_program() {
  const auto text = sandbox::read_plain_frame(sandbox::kControl, limits::kCompletionBytesMax);
  ::close(sandbox::kControl);
  if (!text) return 1;
  PyObject* scope = make_scope("solution");
  const bool has_run = static_cast<bool>(run_text(*text, "<program>", scope));
  Service service(scope, has_run ? std::string(1, kProgramReady)
                                 : std::string(1, kProgramRaised) + take_exception().name);
  while (true) {
    const auto request = next_request();
    if (!request) return 0;
    const std::string_view token = std::string_view(*request).substr(0, kTokenBytes);
    const std::string answer = service.answer(std::string_view(*request).substr(token.size()));
    if (!sandbox::write_plain_frame(sandbox::kPeer, std::string(token) + answer)) return 1;
  }
}

}  // namespace assay::verifiers::python
