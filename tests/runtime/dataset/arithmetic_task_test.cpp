#include "runtime/dataset/arithmetic_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>
#include <string>

#include "verifiers/arithmetic/chain_check.h"

namespace assay::dataset {
namespace {

using ::testing::HasSubstr;
using verifiers::check_chain;

ArithmeticTask make(ArithmeticOptions options = {}) {
  return *ArithmeticTask::create(std::move(options));
}

std::size_t operands_of(const std::string& text) {
  return (text.size() - 1) / 2;
}  // ddodod=

TEST(ArithmeticTask, APromptDependsOnItsPlaceOnly) {
  const ArithmeticTask task = make();
  const wire::Prompt late = task.prompt(3, 1000);

  for (std::uint64_t index = 0; index < 100; ++index) {
    EXPECT_EQ(task.prompt(0, index).text, make().prompt(0, index).text);
  }
  EXPECT_EQ(task.prompt(3, 1000).text, late.text);
  EXPECT_EQ(task.prompt(3, 1000).id, late.id);
}

TEST(ArithmeticTask, AnIndexPastTheEpochRunsOnIntoTheNext) {
  const ArithmeticTask task = make({.prompts_per_epoch = 10});

  EXPECT_EQ(task.prompt(0, 23).text, task.prompt(2, 3).text);
  EXPECT_EQ(task.prompt(0, 23).row, 23u);
}

TEST(ArithmeticTask, AnotherSeedAsksOtherProblems) {
  const ArithmeticTask one = make({.seed = 1});
  const ArithmeticTask two = make({.seed = 2});
  int equal_count = 0;
  for (std::uint64_t index = 0; index < 200; ++index) {
    equal_count += one.prompt(0, index).text == two.prompt(0, index).text;
  }

  EXPECT_LT(equal_count, 5);  // problems with two operands meet now and then
}

TEST(ArithmeticTask, PromptsStateTheirReferenceStratumAndVerifier) {
  const ArithmeticTask task = make();
  for (std::uint64_t index = 0; index < 200; ++index) {
    const wire::Prompt prompt = task.prompt(0, index);

    EXPECT_TRUE(check_chain(prompt.text, prompt.reference)->is_answer_correct) << prompt.text;
    EXPECT_EQ(prompt.stratum, "n=" + std::to_string(operands_of(prompt.text)));
    EXPECT_EQ(prompt.verifier, "chain");
    EXPECT_EQ(prompt.source, "arithmetic");
  }
}

TEST(ArithmeticTask, DrawsOperandCountsByWeight) {
  const ArithmeticTask task =
      make({.operand_count_min = 2, .operand_count_max = 4, .operand_count_weights = {1, 0, 3}});
  std::map<std::string, int> count_of;
  for (std::uint64_t index = 0; index < 4000; ++index) ++count_of[task.prompt(0, index).stratum];

  EXPECT_EQ(count_of.count("n=3"), 0u);
  // 3000 expected of 4000 with p = 3/4: the deviation is sqrt(4000 * 3/16) = 27.4; five of them.
  EXPECT_NEAR(count_of["n=4"], 3000, 137);
}

TEST(ArithmeticTask, OperandsAreOneDigitAndFactorsTwoOrThree) {
  const ArithmeticTask task = make({.operators = "*"});
  for (std::uint64_t index = 0; index < 300; ++index) {
    const std::string text = task.prompt(0, index).text;
    for (std::size_t i = 2; i + 1 < text.size(); i += 2) {
      EXPECT_EQ(text[i], '*');
      EXPECT_TRUE(text[i + 1] == '2' || text[i + 1] == '3') << text;
    }
  }
}

TEST(ArithmeticTask, TrainingAndEvaluationNeverShareAProblem) {
  const ArithmeticTask train = make({.split = Split::kTrain, .seed = 5});
  const ArithmeticTask evaluation = make({.split = Split::kEvaluation, .seed = 6});
  std::set<std::string> trained;
  for (std::uint64_t index = 0; index < 20'000; ++index) {
    trained.insert(train.prompt(0, index).text);
    trained.insert(train.demonstration(index, 0.5).prompt);
  }

  const auto evaluated = evaluation.distinct_prompts(100);
  ASSERT_TRUE(evaluated);
  for (const wire::Prompt& prompt : *evaluated) {
    EXPECT_FALSE(trained.contains(prompt.text)) << prompt.text;
  }
  for (std::uint64_t index = 0; index < 2000; ++index) {
    EXPECT_FALSE(trained.contains(evaluation.prompt(0, index).text));
  }
}

TEST(ArithmeticTask, TrainingSharesNoThirteenGramWithEvaluation) {
  // Problems of up to five operands have at most 11 characters, so any shared run of 13 would mean
  // that whole problems are glued together somewhere.
  const ArithmeticTask train = make();
  const ArithmeticTask evaluation =
      make({.operand_count_min = 2, .operand_count_max = 8, .split = Split::kEvaluation});
  std::set<std::string> grams;
  const auto grams_of = [](const std::string& text, auto&& visit) {
    for (std::size_t i = 0; i + 13 <= text.size(); ++i) visit(text.substr(i, 13));
  };
  for (std::uint64_t index = 0; index < 5000; ++index) {
    grams_of(train.prompt(0, index).text, [&](std::string gram) { grams.insert(gram); });
  }

  const auto evaluated = evaluation.distinct_prompts(40);
  ASSERT_TRUE(evaluated);
  std::size_t evaluated_grams = 0;
  for (const wire::Prompt& prompt : *evaluated) {
    grams_of(prompt.text, [&](const std::string& gram) {
      ++evaluated_grams;
      EXPECT_FALSE(grams.contains(gram)) << gram;
    });
  }
  EXPECT_GT(evaluated_grams, 0u);
}

TEST(ArithmeticTask, OneProblemInEightIsForEvaluation) {
  int evaluation_count = 0;
  for (int start = 0; start < 100; ++start) {
    for (int operand = 0; operand < 10; ++operand) {
      const std::string text = std::string(1, static_cast<char>('0' + start / 10)) +
                               static_cast<char>('0' + start % 10) + "+" +
                               static_cast<char>('0' + operand) + "=";
      evaluation_count += arithmetic_split(text) == Split::kEvaluation;
    }
  }

  EXPECT_NEAR(evaluation_count, 125, 53);  // five deviations of sqrt(1000 * 7/64) = 10.5
}

TEST(ArithmeticTask, DistinctPromptsAreDistinctAndGroupedByOperandCount) {
  const ArithmeticTask task = make(
      {.operand_count_min = 2, .operand_count_max = 8, .split = Split::kEvaluation, .seed = 1});

  const auto prompts = task.distinct_prompts(40);

  ASSERT_TRUE(prompts);
  ASSERT_EQ(prompts->size(), 280u);
  std::set<std::string> texts;
  for (std::size_t i = 0; i < prompts->size(); ++i) {
    texts.insert((*prompts)[i].text);
    EXPECT_EQ((*prompts)[i].stratum, "n=" + std::to_string(2 + i / 40));
    EXPECT_EQ((*prompts)[i].row, i);
  }
  EXPECT_EQ(texts.size(), 280u);
}

TEST(ArithmeticTask, SaysWhenASplitHoldsTooFewProblems) {
  // 100 starts times two factors are 200 problems, of which about 25 are for evaluation.
  const ArithmeticTask task = make({.operand_count_min = 2,
                                    .operand_count_max = 2,
                                    .operators = "*",
                                    .split = Split::kEvaluation});

  const auto prompts = task.distinct_prompts(150);

  ASSERT_FALSE(prompts);
  EXPECT_THAT(prompts.error().message, HasSubstr("150 were asked for"));
}

TEST(ArithmeticTask, DemonstrationsAreCorrectInTheStyleAsked) {
  const ArithmeticTask task = make();
  int chain_count = 0;
  for (std::uint64_t index = 0; index < 2000; ++index) {
    const Demonstration demonstration = task.demonstration(index, 0.25);
    const auto check = check_chain(demonstration.prompt, demonstration.completion);

    ASSERT_TRUE(check);
    EXPECT_TRUE(check->is_answer_correct);
    EXPECT_TRUE(check->is_chain_correct || !demonstration.is_chain) << demonstration.completion;
    EXPECT_FALSE(check->is_chain && !demonstration.is_chain) << demonstration.completion;
    chain_count += demonstration.is_chain;
  }

  EXPECT_NEAR(chain_count, 500, 97);  // five deviations of sqrt(2000 * 3/16) = 19.4
}

TEST(ArithmeticTask, TheAlphabetWritesEveryPromptAndCompletion) {
  const ArithmeticTask task = make();
  for (std::uint64_t index = 0; index < 200; ++index) {
    const Demonstration demonstration = task.demonstration(index, 0.5);
    const std::string text = demonstration.prompt + demonstration.completion;
    EXPECT_EQ(text.find_first_not_of(kArithmeticAlphabet), std::string::npos) << text;
  }
}

TEST(ArithmeticTask, RefusesOptionsThatDescribeNoTask) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const ArithmeticOptions broken[] = {
      {.operand_count_min = 1},
      {.operand_count_min = 5, .operand_count_max = 4},
      {.operand_count_max = 65},
      {.operand_count_weights = {1, 1}},
      {.operand_count_weights = {0, 0, 0, 0}},
      {.operand_count_weights = {1, -1, 1, 1}},
      {.operand_count_weights = {1, nan, 1, 1}},
      {.operators = ""},
      {.operators = "+/"},
      {.operators = "++"},
      {.prompts_per_epoch = 0},
  };
  for (const ArithmeticOptions& options : broken) {
    const auto task = ArithmeticTask::create(options);
    ASSERT_FALSE(task);
    EXPECT_EQ(task.error().code, ErrorCode::kInvalidInput);
    EXPECT_FALSE(task.error().remedy.empty());
  }
}

}  // namespace
}  // namespace assay::dataset
