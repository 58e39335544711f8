// Programs judged by their output, compiled ones among them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>

#include "tests/verifiers/code/code_cases.h"
#include "verifiers/code/io_check.h"

namespace assay::verifiers {
namespace {

using sandbox::IsolationLevel;
using sandbox::JailPool;
using wire::VerdictCode;

constexpr const char* kNative = "assay-native";

class Cpp : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::kIsSanitized) GTEST_SKIP() << "jailed programs have no room for sanitizers";
    if (::access("/usr/bin/g++", X_OK) != 0) GTEST_SKIP() << "there is no g++";
  }
};

TEST_F(Cpp, NoNativeProgramEscapes) {
  const auto pool = std::make_shared<JailPool>(kNative);
  for (const CodeCase& one : read_code_cases(code_case_path("escapes_cpp.jsonl"))) {
    expect_agreement(one, judge(one, pool));
  }
}

class CppLevel : public Cpp, public ::testing::WithParamInterface<int> {};

TEST_P(CppLevel, JudgesAlike) {
  const auto level = static_cast<IsolationLevel>(GetParam());
  const auto pool = std::make_shared<JailPool>(kNative, level);
  const auto reached = pool->level();
  if (!reached || *reached != level) {
    GTEST_SKIP() << "this machine has no " << sandbox::to_string(level);
  }
  for (const CodeCase& one : read_code_cases(code_case_path("escapes_cpp.jsonl"))) {
    if (one.category != "control" && one.category != "compile") continue;
    const wire::Verdict verdict = judge(one, pool);
    expect_agreement(one, verdict);
    EXPECT_EQ(verdict.isolation, sandbox::to_string(level));
  }
}

INSTANTIATE_TEST_SUITE_P(All, CppLevel, ::testing::Values(2, 3),
                         [](const auto& one) { return "L" + std::to_string(one.param); });

// A compiler reads and writes files: where nothing can keep it in its folder it is not run.
TEST_F(Cpp, WithoutLandlockAndMountsNothingIsCompiled) {
  const auto pool = std::make_shared<JailPool>(kNative, IsolationLevel::kL1);
  const auto cases = read_code_cases(code_case_path("escapes_cpp.jsonl"));

  EXPECT_EQ(judge(cases.front(), pool).outcome, wire::Outcome::kUnscored);
}

TEST_F(Cpp, PythonProgramsMayBeJudgedByTheirOutputToo) {
  const char* options =
      R"({"tests": [{"input": "2 3\n", "output": "5"}, {"input": "4 4", "output": "8\n"}]})";
  const auto code = [&](const char* program) { return judge_program(options, program).code; };

  EXPECT_EQ(code("a, b = map(int, input().split())\nprint(a + b)"), VerdictCode::kCorrect);
  EXPECT_EQ(code("import sys\nprint(sum(map(int, sys.stdin.read().split())))\nsys.exit(0)"),
            VerdictCode::kCorrect);
  EXPECT_EQ(code("if __name__ == '__main__':\n    print(sum(map(int, input().split())))"),
            VerdictCode::kCorrect);
  EXPECT_EQ(code("print(5)"), VerdictCode::kWrongAnswer);
  EXPECT_EQ(code("1 / 0"), VerdictCode::kRuntimeError);
  EXPECT_EQ(code("while True: print('x' * 1000)"), VerdictCode::kOutputLimit);
}

TEST(CppReference, TextIsNoTestOfAProgramThatIsJudgedByItsOutput) {
  const auto verdict = judge_program(R"({"language": "cpp"})", "int main() {}", "assert f(1)");

  EXPECT_EQ(verdict.outcome, wire::Outcome::kUnscored);
  EXPECT_EQ(verdict.code, VerdictCode::kInternalError);
}

TEST(SameOutput, BlanksAtTheEndsDoNotCount) {
  EXPECT_TRUE(is_same_output("5", "5\n"));
  EXPECT_TRUE(is_same_output("a  \r\nb\n\n\n", "a\nb"));
  EXPECT_TRUE(is_same_output("", "\n \n"));
  EXPECT_FALSE(is_same_output(" a", "a"));
  EXPECT_FALSE(is_same_output("a\n\nb", "a\nb"));
  EXPECT_FALSE(is_same_output("5\n6", "5"));
  EXPECT_FALSE(is_same_output("", "5"));
}

}  // namespace
}  // namespace assay::verifiers
