#include <Python.h>

#include "verifiers/code/python/tester.h"

#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "runtime/core/limits.h"
#include "verifiers/code/fields.h"
#include "verifiers/code/python/call_line.h"
#include "verifiers/code/python/program.h"
#include "verifiers/code/python/program_proxy.h"
#include "verifiers/code/python/test_run.h"
#include "verifiers/sandbox/confinement.h"
#include "verifiers/sandbox/frame.h"

namespace assay::verifiers::python {

namespace {

constexpr std::size_t kPaperBytesMax = 8 * limits::kMiB;

int answer(const Judgement& judgement, const std::string& nonce) {
  const auto sent =
      sandbox::write_plain_frame(sandbox::kControl, judgement_frame(judgement, nonce));
  return sent ? 0 : 1;
}

std::vector<std::string> read_paper(std::size_t field_count) {
  const auto paper = sandbox::read_plain_frame(sandbox::kControl, kPaperBytesMax);
  return paper ? unpack_fields(*paper, field_count) : std::vector<std::string>();
}

Judgement raised_at_start(const std::string& name) {
  if (name == "MemoryError") return {"memory_limit", "the program ran out of memory"};
  return {"runtime_error", "the program raised " + name};
}

Judgement test_program(const TestPaper& paper) {
  const std::string state = program_state();
  const std::string& end = call_record().program_end;
  if (!end.empty()) return {"runtime_error", end};
  if (state.front() == kProgramRaised) return raised_at_start(state.substr(1, 60));
  const std::string& entry = paper.entry_point;
  Object candidate = Object::borrowed(Py_None);
  if (!entry.empty()) candidate = entry_proxy(entry);
  if (!end.empty()) return {"runtime_error", end};
  if (!candidate) return {"runtime_error", "the program does not define " + entry};
  const Object names = names_for_tests(entry.empty());
  if (!names) return {"internal_error", "the tester has no memory"};
  PyObject* scope = make_scope("__main__");
  PyDict_SetItemString(scope, "__builtins__", names.get());
  if (!entry.empty()) PyDict_SetItemString(scope, entry.c_str(), candidate.get());
  return run_tests(paper, scope, candidate.get());
}

// Counts the calls of a function in the same process.
PyObject* call_counted(PyObject* function, PyObject* positional, PyObject* keywords) {
  ++call_record().call_count;
  call_record().was_asked = true;
  PyObject* result = PyObject_Call(function, positional, keywords);
  if (result != nullptr || PyErr_ExceptionMatches(PyExc_AssertionError) != 0) return result;
  call_record().raise(take_exception());
  return nullptr;
}

PyMethodDef counted_method = {"candidate",
                              reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_counted)),
                              METH_VARARGS | METH_KEYWORDS, nullptr};

Judgement test_together(const std::string& program, const TestPaper& paper) {
  PyObject* solution = make_scope("solution");
  if (!run_text(program, "<program>", solution)) return raised_at_start(take_exception().name);
  PyObject* scope = make_scope("__main__");
  // Only the tests' own check(), test_*() and classes are run.
  const Object name = Object::borrowed(PyDict_GetItemString(scope, "__name__"));
  PyDict_Update(scope, solution);
  PyDict_SetItemString(scope, "__name__", name.get());
  if (PyDict_DelItemString(scope, "check") != 0) PyErr_Clear();
  Object candidate = Object::borrowed(Py_None);
  const std::string& entry = paper.entry_point;
  if (entry.empty()) {
    call_record().call_count = 1;  // whom the tests call, nobody can say
  } else {
    PyObject* found = PyDict_GetItemString(solution, entry.c_str());
    if (found == nullptr || !PyCallable_Check(found)) {
      return {"runtime_error", "the program does not define " + entry};
    }
    candidate = PyType_Check(found) ? Object::borrowed(found)
                                    : Object(PyCFunction_New(&counted_method, found));
    if (PyType_Check(found)) call_record().call_count = 1;
    PyDict_SetItemString(scope, entry.c_str(), candidate.get());
  }
  return run_tests(paper, scope, candidate.get());
}

// From the fields of a paper, from `first` on.
TestPaper paper_of(std::vector<std::string>& fields, std::size_t first) {
  TestPaper paper;
  paper.entry_point = std::move(fields[first]);
  paper.setup = std::move(fields[first + 1]);
  paper.tests = std::move(fields[first + 2]);
  const std::string &lines = fields[first + 3], &seed = fields[first + 4];
  paper.lines.resize(lines.size() / sizeof(std::uint32_t));
  std::memcpy(paper.lines.data(), lines.data(), paper.lines.size() * sizeof(std::uint32_t));
  if (!seed.empty()) paper.seed = std::strtoull(seed.c_str(), nullptr, 10);
  return paper;
}

}  // namespace

int run_tester() {
  std::vector<std::string> fields = read_paper(5);
  if (fields.empty()) return 1;
  return answer(test_program(paper_of(fields, 0)), "");
}

int run_whole() {
  std::vector<std::string> fields = read_paper(7);
  if (fields.empty()) return 1;
  return answer(test_together(fields[1], paper_of(fields, 2)), fields[0]);
}

}  // namespace assay::verifiers::python
