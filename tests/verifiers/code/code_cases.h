// What the tests of the verifier `code` share: cases from a file, run at a level of isolation.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/wire/verdict.h"
#include "tests/support/sanitizer.h"
#include "verifiers/sandbox/jail_pool.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

struct CodeCase {
  std::string id;
  std::string category;
  std::string options_json;
  std::string completion;
  std::vector<std::string> expect;
  std::vector<std::string> expect_code;
};

// The cases of a file of this folder, e.g. "escapes.jsonl"; fails the test when it is not readable.
std::vector<CodeCase> read_code_cases(const std::string& path);

// Where the case files of this folder are.
std::string code_case_path(const std::string& name);

wire::Verdict judge(const CodeCase& one, const std::shared_ptr<sandbox::JailPool>& pool);

// A verdict for a program with tests, at the machine's highest level.
wire::Verdict judge_program(const std::string& options_json, const std::string& completion,
                            const std::string& reference = "");

// The verdict is among those that the case accepts, its code too where it names codes.
void expect_agreement(const CodeCase& one, const wire::Verdict& verdict);

}  // namespace assay::verifiers
