// What stands for the program in the tester: objects that pass calls on and bring values back.
#pragma once

#include <string>

#include "verifiers/code/python/python_object.h"

namespace assay::verifiers::python {

// Makes the classes of this file. Once, in the zygote. False with the interpreter's error set.
bool make_proxy_types();

// What came of the program's first run, as kStart is answered: empty where no answer comes, and the
// record says why.
std::string program_state();

// The program's object of this name, looked up in the runner: null where there is none that can be
// called; no error is set.
Object entry_proxy(const std::string& name);

// The built-in names, and behind them the library's modules, and behind them the program's names:
// for the tests to run under. Names of the program other than the entry point are recorded as
// borrowed, or, where `names_are_entries`, count as entry points.
Object names_for_tests(bool names_are_entries);

}  // namespace assay::verifiers::python
