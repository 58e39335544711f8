// Running tests and saying how they ended, wherever the program is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "verifiers/code/python/program.h"
#include "verifiers/code/python/python_object.h"

namespace assay::verifiers::python {

// What happened at the border to the program, noted by whatever stands for it in the tests. Native
// memory, out of reach of Python code.
struct CallRecord {
  std::size_t call_count = 0;  // of the entry point, or of its objects
  bool was_asked = false;      // the program had a part in something that the tests did
  PyObject* raised = nullptr;  // the last exception that a call raised on the program's behalf
  std::string raised_code;     // and the verdict code, if the tests let it through
  std::string raised_reason;
  std::string program_end;                  // how the program stopped answering; empty: it has not
  std::string unsplittable;                 // why the tests cannot be run apart from the program
  std::vector<std::string> borrowed_names;  // of the program's, that the tests use besides
  std::string missing_name;                 // that neither the tests nor the program define

  // Sets the interpreter's error: an exception of the built-in class named, or RuntimeError, with
  // these arguments where the class takes them, or else the reason.
  void raise(const std::string& class_name, std::string code, std::string reason,
             PyObject* arguments = nullptr);
  // The same for what the program raised in a call.
  void raise(const ProgramException& exception);
};

CallRecord& call_record();

// A code of wire::VerdictCode by name, and a sentence. Shows no address, time or process id.
struct Judgement {
  std::string code;
  std::string reason;
};

// What one check asks. An empty entry point stands for whatever the tests call.
struct TestPaper {
  std::string entry_point;
  std::string setup;
  std::string tests;
  std::vector<std::uint32_t> lines;   // of each line of `tests` the number that people know it by
  std::optional<std::uint64_t> seed;  // of the order of functions and classes; none: as they stand
};

// Runs setup and tests in `scope`, then check(candidate) where the tests define that, then their
// functions test_*(), then their classes (see unit_tests.h). Correct only when nothing was raised
// and the program was called.
Judgement run_tests(const TestPaper& paper, PyObject* scope, PyObject* candidate);

// The judgement of the record as a frame's payload: code, reason, borrowed names, nonce.
std::string judgement_frame(const Judgement& judgement, const std::string& nonce);

}  // namespace assay::verifiers::python
