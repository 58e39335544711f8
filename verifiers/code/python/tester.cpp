#include <Python.h>

#include "verifiers/code/python/tester.h"

#include <string>
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

Judgement test_program(const std::string& entry, const std::string& setup,
                       const std::string& tests) {
  const auto state = sandbox::read_plain_frame(sandbox::kPeer, kMessageBytesMax);
  if (!state || state->empty()) return {"runtime_error", "the program ended its process"};
  if (state->front() == kProgramRaised) return raised_at_start(state->substr(1, 60));
  if (*state != std::string_view(&kProgramReady, 1)) return {"runtime_error", kAnsweredUnasked};
  Object candidate = Object::borrowed(Py_None);
  if (!entry.empty()) candidate = entry_proxy(entry);
  if (!call_record().program_end.empty()) return {"runtime_error", call_record().program_end};
  if (!candidate) return {"runtime_error", "the program does not define " + entry};
  const Object names = names_for_tests(entry.empty());
  const Object scope(PyDict_New());
  const Object name(PyUnicode_FromString("__main__"));
  if (!names || !scope || !name) return {"internal_error", "the tester has no memory"};
  PyDict_SetItemString(scope.get(), "__builtins__", names.get());
  PyDict_SetItemString(scope.get(), "__name__", name.get());
  if (!entry.empty()) PyDict_SetItemString(scope.get(), entry.c_str(), candidate.get());
  return run_tests(setup, tests, scope.get(), candidate.get());
}

// Counts the calls of a function in the same process.
PyObject* call_counted(PyObject* function, PyObject* positional, PyObject* keywords) {
  ++call_record().call_count;
  PyObject* result = PyObject_Call(function, positional, keywords);
  if (result != nullptr || PyErr_ExceptionMatches(PyExc_AssertionError) != 0) return result;
  const std::string name = take_exception_name();
  const bool is_memory = name == "MemoryError";
  call_record().raise(name, is_memory ? "memory_limit" : "runtime_error",
                      is_memory ? "the program ran out of memory" : "the program raised " + name);
  return nullptr;
}

PyMethodDef counted_method = {"candidate",
                              reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(call_counted)),
                              METH_VARARGS | METH_KEYWORDS, nullptr};

Judgement test_together(const std::string& program, const std::string& entry,
                        const std::string& setup, const std::string& tests) {
  PyObject* scope = make_scope("solution");
  if (!run_text(program, "<program>", scope)) return raised_at_start(take_exception_name());
  const Object own(PyDict_Copy(scope));
  // Only the tests' own check() and test_*() are called.
  if (PyDict_DelItemString(own.get(), "check") != 0) PyErr_Clear();
  Object candidate = Object::borrowed(Py_None);
  if (entry.empty()) {
    call_record().call_count = 1;  // whom the tests call, nobody can say
  } else {
    PyObject* found = PyDict_GetItemString(scope, entry.c_str());
    if (found == nullptr || !PyCallable_Check(found)) {
      return {"runtime_error", "the program does not define " + entry};
    }
    candidate = PyType_Check(found) ? Object::borrowed(found)
                                    : Object(PyCFunction_New(&counted_method, found));
    if (PyType_Check(found)) call_record().call_count = 1;
    PyDict_SetItemString(own.get(), entry.c_str(), candidate.get());
  }
  return run_tests(setup, tests, own.get(), candidate.get());
}

}  // namespace

int run_tester() {
  const std::vector<std::string> paper = read_paper(3);
  if (paper.empty()) return 1;
  return answer(test_program(paper[0], paper[1], paper[2]), "");
}

int run_whole() {
  const std::vector<std::string> paper = read_paper(5);
  if (paper.empty()) return 1;
  return answer(test_together(paper[1], paper[2], paper[3], paper[4]), paper[0]);
}

}  // namespace assay::verifiers::python
