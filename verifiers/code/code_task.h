// What a `code` verifier is asked to check: its options and, prompt by prompt, its tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/result.h"
#include "verifiers/registry.h"
#include "verifiers/sandbox/limits.h"

namespace assay::verifiers {

// One run of a program that reads its input and writes its output.
struct IoTest {
  std::string input;
  std::string output;
};

struct CodeTask {
  std::string language = "python";  // or "cpp"
  std::string entry_point;          // the function or class under test; empty: what the tests call
  std::string setup;                // runs before the tests, where they run
  std::string tests;  // Python: assertions, check(candidate), test_*(), classes of TestCase
  std::vector<IoTest> io_tests;  // instead: pairs of input and expected output
  std::string solution;          // a program that passes, to try the tests with
  bool is_same_process = false;  // tests beside the program: weak, and flagged in the verdict
  bool has_fixed_order = false;  // the tests are a sequence: none is moved
  double rerun_fraction = 0.02;  // of the programs that pass, how many must pass a second time
  sandbox::Limits limits;

  bool has_tests() const { return !tests.empty() || !io_tests.empty(); }
};

// Options: language, entry_point, setup, tests (text, or a list of {"input", "output"}), oracle
// ("split" or "same_process"), order ("shuffled" or "fixed"), rerun_fraction, limits {cpu_s,
// wall_s, memory_mb, output_kb, pids}. Errors: kInvalidInput E403.
Result<CodeTask> read_code_task(const VerifierContext& context, std::string_view options_json);

// The task with the tests of one prompt: a reference that is a JSON object gives entry_point,
// setup, tests and perhaps a solution, any other text is the tests. Only for a task without tests
// of its own. Errors: kInvalidInput with what is wrong in the reference.
Result<CodeTask> with_reference(CodeTask task, std::string_view reference);

}  // namespace assay::verifiers
