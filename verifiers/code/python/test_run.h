// Running tests and saying how they ended, wherever the program is.
#pragma once

#include <string>
#include <vector>

#include "verifiers/code/python/python_object.h"

namespace assay::verifiers::python {

// What happened at the border to the program, noted by whatever stands for it in the tests. Native
// memory, out of reach of Python code.
struct CallRecord {
  std::size_t call_count = 0;  // of the entry point, or of its objects
  PyObject* raised = nullptr;  // the last exception that a call raised on the program's behalf
  std::string raised_code;     // and the verdict code, if the tests let it through
  std::string raised_reason;
  std::string program_end;                  // how the program stopped answering; empty: it has not
  std::string unsplittable;                 // why the tests cannot be run apart from the program
  std::vector<std::string> borrowed_names;  // of the program's, that the tests use besides
  std::string missing_name;                 // that neither the tests nor the program define

  // Sets the interpreter's error: an exception of the built-in class named, or RuntimeError.
  void raise(const std::string& class_name, std::string code, std::string reason);
};

CallRecord& call_record();

// A code of wire::VerdictCode by name, and a sentence. Shows no address, time or process id.
struct Judgement {
  std::string code;
  std::string reason;
};

// Runs `setup` and `tests` in `scope`, then check(candidate) where the tests define that, then
// their functions test_*(). Correct only when nothing was raised and the program was called.
Judgement run_tests(const std::string& setup, const std::string& tests, PyObject* scope,
                    PyObject* candidate);

// The judgement of the record as a frame's payload: code, reason, borrowed names, nonce.
std::string judgement_frame(const Judgement& judgement, const std::string& nonce);

}  // namespace assay::verifiers::python
