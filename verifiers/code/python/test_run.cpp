#include <Python.h>
#include <frameobject.h>

#include "verifiers/code/python/test_run.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "runtime/core/rng.h"
#include "verifiers/code/fields.h"
#include "verifiers/code/python/unit_tests.h"

namespace assay::verifiers::python {

namespace {

constexpr const char* kTestsName = "<tests>";
constexpr const char* kSetupName = "<setup>";

// An exception that ended the tests.
struct Raised {
  Object type, value, traceback;
};

Raised take_raised() {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  return {Object(type), Object(value), Object(traceback)};
}

// The line of the tests where the exception passed, innermost; 0 where it passed none.
std::size_t line_of(const Raised& raised, const std::vector<std::uint32_t>& lines) {
  std::size_t line = 0;
  auto* at = reinterpret_cast<PyTracebackObject*>(raised.traceback.get());
  for (; at != nullptr; at = at->tb_next) {
    const Object code(reinterpret_cast<PyObject*>(PyFrame_GetCode(at->tb_frame)));
    const auto* names = reinterpret_cast<PyCodeObject*>(code.get());
    if (PyUnicode_CompareWithASCIIString(names->co_filename, kTestsName) == 0) {
      line = static_cast<std::size_t>(at->tb_lineno);
    }
  }
  return line > 0 && line <= lines.size() ? lines[line - 1] : line;
}

std::string in_line(std::size_t line) {
  return line > 0 ? " in line " + std::to_string(line) + " of the tests" : " in the tests";
}

bool is(const Raised& raised, PyObject* type) {
  return PyErr_GivenExceptionMatches(raised.type.get(), type) != 0;
}

std::string class_name(const Raised& raised) {
  PyErr_SetNone(raised.type.get());
  return take_exception().name;
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

Judgement judge_exception(const Raised& raised, const std::vector<std::uint32_t>& lines) {
  const CallRecord& record = call_record();
  Judgement judgement;
  if (judge_border(judgement)) return judgement;
  if (record.raised != nullptr && raised.value.get() == record.raised) {
    return {record.raised_code, record.raised_reason};
  }
  const std::size_t line = line_of(raised, lines);
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

bool is_test_function(PyObject* name, PyObject* function) {
  const char* text = PyUnicode_Check(name) ? PyUnicode_AsUTF8(name) : nullptr;
  if (text == nullptr || !std::string_view(text).starts_with("test_")) return false;
  if (function == nullptr || !PyFunction_Check(function)) return false;
  const auto* code = reinterpret_cast<PyCodeObject*>(PyFunction_GetCode(function));
  return PyUnicode_CompareWithASCIIString(code->co_filename, kTestsName) == 0;
}

bool call_test_functions(PyObject* scope, std::optional<std::uint64_t> seed) {
  const Object names(PyDict_Keys(scope));
  std::vector<PyObject*> functions;
  for (Py_ssize_t i = 0; names && i < PyList_GET_SIZE(names.get()); ++i) {
    PyObject* name = PyList_GET_ITEM(names.get(), i);
    PyObject* function = PyDict_GetItem(scope, name);
    // A test may take another's name away: they are held until the process ends.
    if (is_test_function(name, function)) functions.push_back(Py_NewRef(function));
  }
  if (seed) Rng(*seed).shuffle(std::span(functions));
  return std::all_of(functions.begin(), functions.end(), [](PyObject* function) {
    return static_cast<bool>(Object(PyObject_CallNoArgs(function)));
  });
}

// Whether the tests' classes pass; where not, with the judgement or the interpreter's error set.
bool pass_unit_tests(PyObject* scope, std::optional<std::uint64_t> seed, bool may_leave_out,
                     Judgement& judgement) {
  const Object problem(run_unit_tests(scope, seed, may_leave_out));
  if (!problem) return false;
  const char* text = PyUnicode_AsUTF8(problem.get());
  if (text == nullptr || *text == '\0') return text != nullptr;
  judgement = {"wrong_answer", text};
  return false;
}

// All of the tests; false as above.
bool pass(const TestPaper& paper, PyObject* scope, PyObject* candidate, Judgement& judgement) {
  const auto names_unittest = [](const std::string& text) {
    return text.find("unittest") != std::string::npos;
  };
  const bool has_classes = names_unittest(paper.setup) || names_unittest(paper.tests);
  if (has_classes && !load_unit_tests()) return false;
  if (!run_text(paper.setup, kSetupName, scope)) return false;
  if (!run_text(paper.tests, kTestsName, scope)) return false;
  const bool may_leave_out = !call_record().was_asked;
  if (!call_check(scope, candidate) || !call_test_functions(scope, paper.seed)) return false;
  return !has_classes || pass_unit_tests(scope, paper.seed, may_leave_out, judgement);
}

}  // namespace

CallRecord& call_record() {
  static CallRecord record;
  return record;
}

void CallRecord::raise(const std::string& class_name, std::string code, std::string reason,
                       PyObject* arguments) {
  PyObject* type = PyDict_GetItemString(PyEval_GetBuiltins(), class_name.c_str());
  // Classes that steer the interpreter rather than report a failure would end a loop of the tests,
  // or the tests, as if all were well.
  const bool is_failure = type != nullptr && PyExceptionClass_Check(type) &&
                          PyObject_IsSubclass(type, PyExc_Exception) == 1 &&
                          PyObject_IsSubclass(type, PyExc_StopIteration) == 0 &&
                          PyObject_IsSubclass(type, PyExc_StopAsyncIteration) == 0;
  if (!is_failure) type = PyExc_RuntimeError;
  const bool has_arguments = arguments != nullptr && PyTuple_Check(arguments);
  Object exception(has_arguments ? PyObject_CallObject(type, arguments)
                                 : PyObject_CallFunction(type, "s", reason.c_str()));
  if (!exception) {
    PyErr_Clear();
    exception = Object(PyObject_CallFunction(PyExc_RuntimeError, "s", reason.c_str()));
  }
  if (!exception) return;
  raised = Py_NewRef(exception.get());
  raised_code = std::move(code);
  raised_reason = std::move(reason);
  PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(exception.get())), exception.get());
}

void CallRecord::raise(const ProgramException& exception) {
  const bool is_memory = exception.base == "MemoryError";
  raise(exception.base, is_memory ? "memory_limit" : "runtime_error",
        is_memory ? "the program ran out of memory" : "the program raised " + exception.name,
        exception.arguments.get());
}

Judgement run_tests(const TestPaper& paper, PyObject* scope, PyObject* candidate) {
  Judgement judgement, border;
  const bool has_passed = pass(paper, scope, candidate, judgement);
  if (PyErr_Occurred() != nullptr) return judge_exception(take_raised(), paper.lines);
  if (judge_border(border)) return border;
  if (!has_passed) return judgement;
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
