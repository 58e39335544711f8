#include "verifiers/verifier_bench.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "runtime/core/clock.h"
#include "verifiers/registry.h"

namespace assay::verifiers {
namespace {

std::unique_ptr<Verifier> math() {
  return std::move(*make_verifier("math"));
}

TEST(BenchCases, SolutionsAreTheSameForTheSameSeedAndSomeAreWrong) {
  const std::vector<BenchCase> cases = math_bench_cases(64, 5);
  const std::vector<BenchCase> again = math_bench_cases(64, 5);

  ASSERT_EQ(cases.size(), 64u);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_EQ(cases[i].completion, again[i].completion);
  }
  const auto correct = std::count_if(cases.begin(), cases.end(),
                                     [](const BenchCase& one) { return one.is_correct; });
  EXPECT_GT(correct, 16);
  EXPECT_LT(correct, 48);
}

TEST(BenchCases, AlgebraAndIdentitiesAreJudgedRightAndBallsAreNamed) {
  std::vector<BenchCase> cases = algebra_bench_cases(60, 5);
  const std::vector<BenchCase> numeric = numeric_bench_cases(60, 5);
  cases.insert(cases.end(), numeric.begin(), numeric.end());
  std::size_t numeric_count = 0;
  for (const BenchCase& one : cases) {
    const wire::Verdict verdict = math()->verify(one.prompt, one.completion);
    EXPECT_EQ(verdict.outcome == wire::Outcome::kCorrect, one.is_correct)
        << one.prompt.reference << " | " << one.completion << ": " << verdict.reason;
    numeric_count += verdict.reason.find("numerically") != std::string::npos;
  }
  EXPECT_GT(numeric_count, 20u);
}

TEST(BenchCases, HardOnesAreJudgedRightInATenthOfASecond) {
  for (const BenchCase& one : hard_math_bench_cases()) {
    const auto start = thread_cpu_time();
    const wire::Verdict verdict = math()->verify(one.prompt, one.completion);
    EXPECT_LT((thread_cpu_time() - start).count(), 100'000) << one.completion.substr(0, 40);  // us
    EXPECT_EQ(verdict.outcome == wire::Outcome::kCorrect, one.is_correct)
        << one.completion.substr(0, 40) << ": " << verdict.reason;
  }
}

TEST(VerifierBench, NamesItsFiguresAndOrdersItsPercentiles) {
  const auto figures =
      verifier_bench(*math(), math_bench_cases(16, 1),
                     {.name = "math", .threads = 2, .round_s = 0.01, .repeats = 3});

  ASSERT_TRUE(figures) << figures.error().message;
  ASSERT_EQ(figures->size(), 5u);
  const char* names[] = {"math_checks_per_s_1_thread", "math_checks_per_s_all_threads",
                         "math_p50_us", "math_p95_us", "math_p99_us"};
  for (std::size_t i = 0; i < figures->size(); ++i) {
    EXPECT_EQ((*figures)[i].kind.name, names[i]);
    EXPECT_EQ((*figures)[i].repeats, 3u);
    EXPECT_GT((*figures)[i].value, 0);
    EXPECT_GT((*figures)[i].ceiling, 0);
  }
}

TEST(VerifierBench, RefusesACaseThatIsNotJudgedAsKnown) {
  std::vector<BenchCase> cases = math_bench_cases(4, 1);
  cases[2].is_correct = !cases[2].is_correct;

  const auto figures = verifier_bench(*math(), cases, {.name = "math", .repeats = 1});

  ASSERT_FALSE(figures);
  EXPECT_EQ(figures.error().code, ErrorCode::kCorrupt);
  EXPECT_NE(figures.error().message.find(cases[2].prompt.reference), std::string::npos);
}

TEST(VerifierBench, RefusesToMeasureNothing) {
  const auto figures = verifier_bench(*math(), {}, {.name = "math"});

  ASSERT_FALSE(figures);
  EXPECT_EQ(figures.error().code, ErrorCode::kInvalidInput);
}

}  // namespace
}  // namespace assay::verifiers
