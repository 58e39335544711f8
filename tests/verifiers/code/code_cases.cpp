#include "tests/verifiers/code/code_cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "runtime/core/json.h"
#include "verifiers/code/code_verifier.h"
#include "verifiers/registry.h"

namespace assay::verifiers {

std::vector<CodeCase> read_code_cases(const std::string& path) {
  std::vector<CodeCase> cases;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    Json object = parse_json(line);
    if (!object.is_object()) {
      ADD_FAILURE() << path << ": " << line.substr(0, 80);
      continue;
    }
    CodeCase one;
    one.id = object["id"].get<std::string>();
    one.category = object.value("category", "");
    one.completion = object["completion"].get<std::string>();
    one.expect = object["expect"].get<std::vector<std::string>>();
    if (object.contains("expect_code")) {
      one.expect_code = object["expect_code"].get<std::vector<std::string>>();
    }
    object["verifier"].erase("type");
    one.options_json = json_text(object["verifier"]);
    cases.push_back(std::move(one));
  }
  EXPECT_FALSE(cases.empty()) << path;
  return cases;
}

std::string code_case_path(const std::string& name) {
  return std::string(ASSAY_SOURCE_DIR) + "/tests/verifiers/code/" + name;
}

wire::Verdict judge(const CodeCase& one, const std::shared_ptr<sandbox::JailPool>& pool) {
  const auto task = read_code_task({}, one.options_json);
  EXPECT_TRUE(task) << one.id << ": " << task.error().message;
  return make_code_verifier(*task, pool)->verify({}, one.completion);
}

wire::Verdict judge_program(const std::string& options_json, const std::string& completion,
                            const std::string& reference) {
  const auto verifier = make_verifier("code", options_json);
  EXPECT_TRUE(verifier) << verifier.error().message;
  wire::Prompt prompt;
  prompt.reference = reference;
  return (*verifier)->verify(prompt, completion);
}

void expect_agreement(const CodeCase& one, const wire::Verdict& verdict) {
  const auto holds = [](const std::vector<std::string>& list, std::string_view word) {
    return std::find(list.begin(), list.end(), word) != list.end();
  };
  EXPECT_TRUE(holds(one.expect, wire::to_string(verdict.outcome)) &&
              (one.expect_code.empty() || holds(one.expect_code, wire::to_string(verdict.code))))
      << one.id << " at " << verdict.isolation << ": " << wire::to_string(verdict.outcome) << " "
      << wire::to_string(verdict.code) << ": " << verdict.reason;
}

}  // namespace assay::verifiers
