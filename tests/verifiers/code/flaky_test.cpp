// Programs that pass once and not again.
#include <gtest/gtest.h>

#include <map>

#include "runtime/core/json.h"
#include "tests/verifiers/code/code_cases.h"
#include "verifiers/case_file.h"

namespace assay::verifiers {
namespace {

constexpr int kVariants = 32;

std::string options(double rerun_fraction, const std::string& oracle = "split") {
  return json_text(Json{{"entry_point", "f"},
                        {"tests", "assert f(1) == 2\nassert f(2) == 3\n"},
                        {"oracle", oracle},
                        {"rerun_fraction", rerun_fraction}});
}

// Right where f(1) is called first, and in every variant under a seed of its own.
std::string lucky_program(int variant) {
  return "first = []\ndef f(x):\n    first.append(x)\n    return x + 1 if first[0] == 1 else "
         "0\n# " +
         std::to_string(variant) + "\n";
}

bool is_flagged(const wire::Verdict& verdict) {
  for (const wire::Check& check : verdict.checks) {
    if (check.name == "flaky") return !check.is_passed;
  }
  return false;
}

class Flaky : public ::testing::Test {
 protected:
  void SetUp() override {
    if (testing::kIsSanitized) GTEST_SKIP() << "jailed programs have no room for sanitizers";
  }

  // One jail for all verifiers of a test.
  std::shared_ptr<sandbox::JailPool> warm_ = sandbox::JailPool::shared("assay-python");
};

int flagged_count(double rerun_fraction) {
  int flagged = 0;
  for (int i = 0; i < kVariants; ++i) {
    const auto verdict = judge_program(options(rerun_fraction), lucky_program(i));
    if (!is_flagged(verdict)) continue;
    ++flagged;
    EXPECT_EQ(verdict.outcome, wire::Outcome::kIncorrect);
    EXPECT_EQ(verdict.code, wire::VerdictCode::kWrongAnswer);
    EXPECT_EQ(verdict.reward, 0.0);
  }
  return flagged;
}

TEST_F(Flaky, AProgramThatDoesNotPassAgainIsIncorrectAndFlagged) {
  int passed = 0, failed = 0;
  for (int i = 0; i < kVariants; ++i) {
    const auto verdict = judge_program(options(1), lucky_program(i));
    passed += verdict.outcome == wire::Outcome::kCorrect ? 1 : 0;
    failed += verdict.outcome == wire::Outcome::kIncorrect && !is_flagged(verdict) ? 1 : 0;
  }
  const int flagged = kVariants - passed - failed;

  // About a quarter, a half and a quarter.
  EXPECT_GT(passed, 0);
  EXPECT_GT(failed, 0);
  EXPECT_GT(flagged, 0);
}

TEST_F(Flaky, OnlyTheSampleIsRunAgain) {
  EXPECT_EQ(flagged_count(0), 0);
  const int all = flagged_count(1), some = flagged_count(0.5);
  EXPECT_GT(some, 0);
  EXPECT_LT(some, all);
}

TEST_F(Flaky, TheSampleIsTheSameEachTime) {
  for (int i = 0; i < kVariants; ++i) {
    const auto once = judge_program(options(0.5), lucky_program(i));
    const auto twice = judge_program(options(0.5), lucky_program(i));
    EXPECT_EQ(verdict_record("", once), verdict_record("", twice));
  }
}

TEST_F(Flaky, AProgramThatIsRightStaysRight) {
  for (const char* oracle : {"split", "same_process"}) {
    const auto verdict = judge_program(options(1, oracle), "def f(x): return x + 1");
    EXPECT_EQ(verdict.outcome, wire::Outcome::kCorrect) << verdict.reason;
    EXPECT_FALSE(is_flagged(verdict));
  }
  const auto printed = judge_program(
      R"({"tests": [{"input": "2", "output": "3"}], "rerun_fraction": 1})", "print(3)");
  EXPECT_EQ(printed.outcome, wire::Outcome::kCorrect);
}

}  // namespace
}  // namespace assay::verifiers
