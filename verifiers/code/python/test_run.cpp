#include <Python.h>
#include <frameobject.h>

#include "verifiers/code/python/test_run.h"

#include <string_view>

#include "verifiers/code/fields.h"
#include "verifiers/code/python/program.h"

namespace assay::verifiers::python {

namespace {

constexpr const char* kTestsName = "<tests>";
constexpr const char* kSetupName = "<setup>";

// An exception that ended the tests.
struct Raised {
  Object type, value, traceback;
};

Raised take_exception() {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  return {Object(type), Object(value), Object(traceback)};
}

// The line of the tests where the exception passed, innermost; 0 where it passed none.
int line_of(const Raised& raised) {
  int line = 0;
  auto* at = reinterpret_cast<PyTracebackObject*>(raised.traceback.get());
  for (; at != nullptr; at = at->tb_next) {
    const Object code(reinterpret_cast<PyObject*>(PyFrame_GetCode(at->tb_frame)));
    const auto* names = reinterpret_cast<PyCodeObject*>(code.get());
    if (PyUnicode_CompareWithASCIIString(names->co_filename, kTestsName) == 0) line = at->tb_lineno;
  }
  return line;
}

std::string in_line(int line) {
  return line > 0 ? " in line " + std::to_string(line) + " of the tests" : " in the tests";
}

bool is(const Raised& raised, PyObject* type) {
  return PyErr_GivenExceptionMatches(raised.type.get(), type) != 0;
}

std::string class_name(const Raised& raised) {
  PyErr_SetNone(raised.type.get());
  return take_exception_name();
}

// What can be said already whatever the tests themselves say.
bool judge_border(Judgement& judgement) {
  const CallRecord& record = call_record();
  if (!record.unsplittable.empty()) {
    judgement = {"internal_error", record.unsplittable};
  } else if (!record.program_end.empty()) {
    judgement = {"runtime_error", record.program_end};
  } else {
    return false;
  }
  return true;
}

Judgement judge_exception(const Raised& raised) {
  const CallRecord& record = call_record();
  Judgement judgement;
  if (judge_border(judgement)) return judgement;
  if (record.raised != nullptr && raised.value.get() == record.raised) {
    return {record.raised_code, record.raised_reason};
  }
  const int line = line_of(raised);
  if (is(raised, PyExc_AssertionError)) {
    return {"wrong_answer", "the assertion" + in_line(line) + " does not hold"};
  }
  if (is(raised, PyExc_NameError) && !record.missing_name.empty()) {
    return {"runtime_error", "the program does not define " + record.missing_name};
  }
  if (record.call_count == 0 || is(raised, PyExc_SystemExit)) {
    return {"internal_error", "the tests raise " + class_name(raised) + in_line(line)};
  }
  return {"wrong_answer",
          "the tests raise " + class_name(raised) + in_line(line) + " over what the program gave"};
}

Object call_check(PyObject* scope, PyObject* candidate) {
  PyObject* check = PyDict_GetItemString(scope, "check");
  if (check == nullptr || !PyFunction_Check(check)) return Object::borrowed(Py_None);
  return Object(PyObject_CallOneArg(check, candidate));
}

Object call_test_functions(PyObject* scope) {
  const Object names(PyDict_Keys(scope));
  for (Py_ssize_t i = 0; names && i < PyList_GET_SIZE(names.get()); ++i) {
    PyObject* name = PyList_GET_ITEM(names.get(), i);
    const char* text = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : nullptr;
    if (text == nullptr || !std::string_view(text).starts_with("test_")) continue;
    PyObject* function = PyDict_GetItem(scope, name);
    if (function == nullptr || !PyFunction_Check(function)) continue;
    const auto* code = reinterpret_cast<PyCodeObject*>(PyFunction_GetCode(function));
    if (PyUnicode_CompareWithASCIIString(code->co_filename, kTestsName) != 0) continue;
    if (!Object(PyObject_CallNoArgs(function))) return Object();
  }
  return Object::borrowed(Py_None);
}

}  // namespace

CallRecord& call_record() {
  static CallRecord record;
  return record;
}

void CallRecord::raise(const std::string& name, std::string code, std::string reason) {
  PyObject* type = PyDict_GetItemString(PyEval_GetBuiltins(), name.c_str());
  // Classes that steer the interpreter rather than report a failure would end a loop of the tests,
  // or the tests, as if all were well.
  const bool is_failure = type != nullptr && PyExceptionClass_Check(type) &&
                          PyObject_IsSubclass(type, PyExc_Exception) == 1 &&
                          PyObject_IsSubclass(type, PyExc_StopIteration) == 0 &&
                          PyObject_IsSubclass(type, PyExc_StopAsyncIteration) == 0;
  const Object exception(
      PyObject_CallFunction(is_failure ? type : PyExc_RuntimeError, "s", reason.c_str()));
  if (!exception) {
    PyErr_Clear();
    PyErr_SetString(PyExc_RuntimeError, reason.c_str());
    return;
  }
  raised = Py_NewRef(exception.get());
  raised_code = std::move(code);
  raised_reason = std::move(reason);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.get())), exception.get());
}

Judgement run_tests(const std::string& setup, const std::string& tests, PyObject* scope,
                    PyObject* candidate) {
  for (const auto& [text, name] : {std::pair{&setup, kSetupName}, std::pair{&tests, kTestsName}}) {
    if (!run_text(*text, name, scope)) return judge_exception(take_exception());
  }
  if (!call_check(scope, candidate) || !call_test_functions(scope)) {
    return judge_exception(take_exception());
  }
  Judgement judgement;
  if (judge_border(judgement)) return judgement;
  if (call_record().call_count == 0) {
    return {"wrong_answer", "the tests never called the program"};
  }
  return {"correct", "all tests hold"};
}

std::string judgement_frame(const Judgement& judgement, const std::string& nonce) {
  std::string borrowed;
  for (const std::string& name : call_record().borrowed_names) {
    borrowed += (borrowed.empty() ? "" : ", ") + name;
  }
  return pack_fields({judgement.code, judgement.reason, borrowed, nonce});
}

}  // namespace assay::verifiers::python
