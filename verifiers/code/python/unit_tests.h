// Tests that are classes of unittest.TestCase.
#pragma once

#include <cstdint>
#include <optional>

#include "verifiers/code/python/python_object.h"

namespace assay::verifiers::python {

// Compiles the Python part of this file. Once, in the zygote. False with the interpreter's error
// set.
bool prepare_unit_tests();

// Loads unittest before tests that import it. Their call of main() does nothing: the classes are
// run afterwards. False with the interpreter's error set.
bool load_unit_tests();

// Runs the test methods of the classes that tests have defined in `scope`, the module __main__,
// until one does not pass: with a seed, classes in an order drawn from it and the methods of each
// too, unless it has a setUpClass() for them to share. A test that skips itself has shown nothing
// and is no pass; one that a decorator skips is as if it were not written, where `may_leave_out`
// says that the program had no part in it. Null, with the interpreter's error as it was raised,
// where a test fails; else a text: why the classes as a whole do not pass, empty where they do.
Object run_unit_tests(PyObject* scope, std::optional<std::uint64_t> seed, bool may_leave_out);

}  // namespace assay::verifiers::python
