#include <Python.h>

#include "verifiers/code/python/unit_tests.h"

namespace assay::verifiers::python {

namespace {

// Nobody reads how two values differ, and working it out can take longer than the tests.
constexpr const char* kSource = R"python(
import random, types, unittest

unittest.main = lambda *args, **options: None
unittest.case.difflib = types.SimpleNamespace(ndiff=lambda *args: ())
unittest.case.pprint = types.SimpleNamespace(pformat=lambda value: '')

class Outcome(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.passed = 0
        self.error = None
        self.problem = ''
    def end(self, problem):
        self.problem = self.problem or problem
        self.stop()
    def addSuccess(self, test):
        self.passed += 1
    def addError(self, test, error):
        if self.error is None:
            self.error = error[1]
        self.stop()
    addFailure = addError
    def addSubTest(self, test, part, error):
        if error is not None:
            self.addError(test, error)
    def addSkip(self, test, reason):
        self.end(f'{name_of(test)} was skipped, which shows nothing')
    def addExpectedFailure(self, test, error):
        pass
    def addUnexpectedSuccess(self, test):
        self.end(f'{name_of(test)} passed, which it must not')

def name_of(test):
    return test.id().removeprefix('__main__.')

def is_skipped(kind, name):
    return (getattr(kind, '__unittest_skip__', False) or
            getattr(getattr(kind, name), '__unittest_skip__', False))

def shares_state(kind):
    return kind.setUpClass.__func__ is not unittest.TestCase.setUpClass.__func__

def run(scope, seed, may_leave_out):
    kinds = list(dict.fromkeys(
        kind for kind in scope.values() if isinstance(kind, type) and
        issubclass(kind, unittest.TestCase) and kind.__module__ == '__main__'))
    if not kinds:
        return ''
    shuffle = (lambda items: None) if seed is None else random.Random(seed).shuffle
    shuffle(kinds)
    suite = unittest.TestSuite()
    for kind in kinds:
        names = unittest.TestLoader().getTestCaseNames(kind)
        if not shares_state(kind):
            shuffle(names)
        suite.addTests(kind(name) for name in names
                       if not (may_leave_out and is_skipped(kind, name)))
    outcome = Outcome()
    suite.run(outcome)
    if outcome.error is not None:
        raise outcome.error
    return outcome.problem or ('' if outcome.passed else 'the classes of the tests ran no test')
)python";

PyObject* code = nullptr;
PyObject* run_function = nullptr;

}  // namespace

bool prepare_unit_tests() {
  code = Py_CompileString(kSource, "unit_tests", Py_file_input);
  return code != nullptr;
}

bool load_unit_tests() {
  const Object names(PyDict_New());
  if (!names) return false;
  PyDict_SetItemString(names.get(), "__builtins__", PyEval_GetBuiltins());
  if (!Object(PyEval_EvalCode(code, names.get(), names.get()))) return false;
  run_function = Py_XNewRef(PyDict_GetItemString(names.get(), "run"));
  return run_function != nullptr;
}

Object run_unit_tests(PyObject* scope, std::optional<std::uint64_t> seed, bool may_leave_out) {
  const Object drawn(seed ? PyLong_FromUnsignedLongLong(*seed) : Py_NewRef(Py_None));
  PyObject* left_out = may_leave_out ? Py_True : Py_False;
  return Object(PyObject_CallFunctionObjArgs(run_function, scope, drawn.get(), left_out, nullptr));
}

}  // namespace assay::verifiers::python
