// What a run is made of: its evaluation sets, and how their completions are counted.
#include "actors/cli/run_setup.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <set>
#include <string>

#include "actors/cli/policy_eval.h"
#include "runtime/dataset/arithmetic_task.h"

namespace assay::cli {
namespace {

const std::atomic<bool> kNever = false;

RunSetup setup_of(const std::string& config, const std::vector<config::Override>& overrides) {
  const auto loaded =
      load_run_config({{std::string(ASSAY_SOURCE_DIR) + "/configs/" + config}, overrides});
  EXPECT_TRUE(loaded) << (loaded ? "" : loaded.error().message);
  auto setup = make_run_setup(*loaded);
  EXPECT_TRUE(setup) << (setup ? "" : setup.error().message);
  return std::move(*setup);
}

config::Override override_of(const std::string& key, const std::string& value) {
  return {key, value, "--" + key};
}

TEST(RunSetup, NoEvaluationProblemIsEverTrainedOn) {
  const RunSetup setup = setup_of("arithmetic.toml", {});
  std::set<std::string> evaluated;
  for (const EvalSet& set : setup.eval_sets) {
    for (const wire::Prompt& prompt : set.prompts) {
      EXPECT_EQ(dataset::arithmetic_split(prompt.text), dataset::Split::kEvaluation);
      EXPECT_TRUE(evaluated.insert(prompt.text).second) << prompt.text;
    }
  }
  EXPECT_EQ(evaluated.size(), 263u);  // 200 in range, 63 longer

  // Every demonstration of the warm-up, and far more prompts than the run's updates can use.
  const std::uint64_t demonstrations = setup.config.sft.steps * setup.config.sft.batch_size;
  for (std::uint64_t i = 0; i < demonstrations; ++i) {
    const auto shown = setup.warm_up_task->demonstration(i, setup.config.sft.chain_fraction);
    ASSERT_FALSE(evaluated.contains(shown.prompt)) << shown.prompt;
  }
  const std::uint64_t groups = setup.config.max_steps * setup.config.curator.batch_size;
  for (std::uint64_t i = 0; i < 8 * groups; ++i) {
    const wire::Prompt prompt = setup.prompts->prompt(0, i);
    ASSERT_EQ(dataset::arithmetic_split(prompt.text), dataset::Split::kTrain);
    ASSERT_FALSE(evaluated.contains(prompt.text)) << prompt.text;
  }
}

TEST(RunSetup, GuessFloorsAreThoseOfTheAnswers) {
  for (const EvalSet& set : setup_of("arithmetic.toml", {}).eval_sets) {
    EXPECT_EQ(set.guess_chance, 0.01);  // one of a hundred answers
  }
  const std::string data = std::string(ASSAY_SOURCE_DIR) + "/../shared/data/gsm8k";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << "no GSM8K at " << data;
  const RunSetup gsm8k =
      setup_of("gsm8k.toml", {override_of("curator.train.source.gsm8k.path", data + "/train.jsonl"),
                              override_of("curator.eval.source.0.path", data + "/test.jsonl"),
                              override_of("curator.eval.source.0.prompts", "0")});
  ASSERT_EQ(gsm8k.eval_sets.size(), 1u);
  EXPECT_EQ(gsm8k.eval_sets[0].prompts.size(), 1319u);
  EXPECT_GT(gsm8k.eval_sets[0].guess_chance, 0.002);  // answers are mostly small numbers
  EXPECT_LT(gsm8k.eval_sets[0].guess_chance, 0.03);
}

TEST(PolicyEval, WhatWasCutOffIsNotCorrectAndCastsItsVoteForNothing) {
  // Two tokens are two digits and no end: one in a hundred of these reads like the right answer.
  RunSetup setup = setup_of("arithmetic.toml", {override_of("sft.cache_dir", "")});
  setup.config.generator.sampling.max_completion_tokens = 2;
  auto learner = make_run_learner(setup, setup.config.learner.optim);
  ASSERT_TRUE(learner);
  const EvalRequest request{64, 40, 1, ""};

  const auto results = evaluate_set(
      setup, (*learner)->publish(), setup.eval_sets[0], request, [](const EvalProgress&) {},
      kNever);

  ASSERT_TRUE(results);
  std::uint64_t votes = 0;
  for (const algo::EvaluatedPrompt& prompt : *results) {
    EXPECT_EQ(prompt.n, 64u);  // cut off is incorrect, not left out
    EXPECT_EQ(prompt.correct, 0u);
    for (const algo::AnswerClass& answer : prompt.answers) {
      EXPECT_TRUE(answer.answer.empty() || answer.answer.size() == 2) << answer.answer;
      votes += answer.answer.empty() ? 0 : answer.count;
    }
  }
  EXPECT_GT(votes, 100u);  // two digits and the limit: an answer, wrong
}

}  // namespace
}  // namespace assay::cli
