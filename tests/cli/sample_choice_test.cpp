#include "actors/cli/sample_choice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "actors/cli/provenance.h"
#include "runtime/core/file.h"
#include "tests/support/temporary_folder.h"

namespace assay::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Sample sample(const std::string& prompt, std::uint64_t index, const std::string& outcome) {
  const std::string code = outcome == "incorrect"  ? "wrong_answer"
                           : outcome == "unscored" ? "internal_error"
                                                   : "correct";
  return {prompt, prompt + "=", "7", index, {prompt + " " + outcome, outcome, code, "because"}};
}

// `correct` of four completions right, the others wrong.
std::vector<Sample> four(const std::string& prompt, std::uint64_t correct) {
  std::vector<Sample> samples;
  for (std::uint64_t i = 0; i < 4; ++i) {
    samples.push_back(sample(prompt, i, i < correct ? "correct" : "incorrect"));
  }
  return samples;
}

std::vector<Sample> operator+(std::vector<Sample> left, const std::vector<Sample>& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

std::vector<std::string> prompts_of(const std::vector<web::ComparedPrompt>& compared) {
  std::vector<std::string> prompts;
  for (const web::ComparedPrompt& one : compared) prompts.push_back(one.prompt);
  return prompts;
}

TEST(ComparePrompts, RisenFallenAndUnsolvedInThisOrder) {
  const auto before = four("a", 1) + four("b", 4) + four("c", 0) + four("d", 2) + four("e", 0);
  const auto after = four("a", 4) + four("b", 1) + four("c", 0) + four("d", 2) + four("e", 1);

  // a rose by 3/4, e by 1/4; b fell; c was never solved; d stayed as it was.
  EXPECT_THAT(prompts_of(compare_prompts("s", before, after, 3)),
              ElementsAre("a=", "e=", "b=", "c="));
  EXPECT_THAT(prompts_of(compare_prompts("s", before, after, 1)), ElementsAre("a=", "b=", "c="));
}

TEST(ComparePrompts, ShowsTheCommonerKindOfEachSide) {
  const auto compared = compare_prompts("s", four("a", 1), four("a", 3), 1);

  ASSERT_EQ(compared.size(), 1u);
  EXPECT_EQ(compared[0].before_correct, 1u);
  EXPECT_EQ(compared[0].after_correct, 3u);
  EXPECT_EQ(compared[0].before.outcome, "incorrect");
  EXPECT_EQ(compared[0].after.outcome, "correct");
}

TEST(ComparePrompts, APromptWithoutAScoreOnOneSideIsLeftOut) {
  const std::vector<Sample> unscored{sample("a", 0, "unscored")};

  EXPECT_TRUE(compare_prompts("s", unscored, four("a", 4), 3).empty());
  EXPECT_TRUE(compare_prompts("s", four("a", 4), {}, 3).empty());
}

TEST(CountVerdicts, CountsByCodeOnBothSides) {
  std::vector<web::VerdictCount> counts;
  count_verdicts(four("a", 1), four("a", 4), counts);
  count_verdicts({sample("b", 0, "unscored")}, {}, counts);

  ASSERT_EQ(counts.size(), 3u);
  EXPECT_EQ(counts[0].code, "wrong_answer");
  EXPECT_EQ(counts[0].before, 3u);
  EXPECT_EQ(counts[0].after, 0u);
  EXPECT_EQ(counts[1].code, "correct");
  EXPECT_EQ(counts[1].after, 4u);
  EXPECT_EQ(counts[2].code, "internal_error");
}

TrainedRollout trained(std::uint32_t index, wire::Verdict verdict, float logprob) {
  TrainedRollout one;
  one.rollout.id = {GroupId{11}, index};
  one.rollout.completion = "completion " + std::to_string(index);
  one.rollout.logprobs = {logprob};
  one.rollout.versions = {3, 4};
  one.verdict = std::move(verdict);
  return one;
}

TEST(ChooseRollouts, TheMostDoubtfulVerdictsComeFirst) {
  wire::Verdict half_right = wire::Verdict::correct("the answer is 7");
  half_right.checks = {{"chain", false, 0, "55 + 2 is not 58"}};
  const std::vector<TrainedRollout> rollouts{
      trained(0, wire::Verdict::correct("yes"), -0.1F),
      trained(1, wire::Verdict::incorrect(wire::VerdictCode::kWrongAnswer, "no"), -2.0F),
      trained(2, wire::Verdict::incorrect(wire::VerdictCode::kWrongAnswer, "no"), -0.2F),
      trained(3, wire::Verdict::incorrect(wire::VerdictCode::kNoAnswer, "nothing"), -1.0F),
      trained(4, half_right, -1.0F),
      trained(5, wire::Verdict::unscored(wire::VerdictCode::kTimeout, "late"), -1.0F)};

  const std::vector<web::InspectedRollout> chosen = choose_rollouts(9, rollouts);

  std::vector<std::string> ids;
  for (const web::InspectedRollout& one : chosen) ids.push_back(one.id.substr(one.id.find(':')));
  EXPECT_THAT(ids, ElementsAre(":5", ":4", ":3", ":2", ":1", ":0"));
  EXPECT_THAT(chosen[1].judged.reason, HasSubstr("chain: 55 + 2 is not 58"));
  EXPECT_EQ(chosen[0].step, 9u);
  EXPECT_EQ(chosen[0].version_first, 3u);
  EXPECT_EQ(chosen[0].version_last, 4u);
}

TEST(ChooseRollouts, AtMostTwoOfAKind) {
  std::vector<TrainedRollout> rollouts;
  for (std::uint32_t i = 0; i < 9; ++i) {
    rollouts.push_back(trained(i, wire::Verdict::correct("yes"), -0.1F));
  }
  EXPECT_EQ(choose_rollouts(1, rollouts).size(), 2u);
}

TEST(ChooseRollouts, TheSameWordsInAGroupAreShownOnce) {
  std::vector<TrainedRollout> rollouts;
  for (std::uint32_t i = 0; i < 9; ++i) {
    rollouts.push_back(trained(i, wire::Verdict::correct("yes"), -0.1F));
    rollouts.back().rollout.completion = "7";
  }
  EXPECT_EQ(choose_rollouts(1, rollouts).size(), 1u);
}

TEST(ReadSamples, SortsThemAndNamesABrokenLine) {
  const testing::TemporaryFolder folder;
  const std::string good =
      R"({"checks":[{"name":"chain","is_passed":false,"reason":"a state is missing"}],)"
      R"("code":"correct","completion":"7","index":1,"prompt":"a=","prompt_id":"a","reason":"r",)"
      R"("reference":"7","stratum":"","verdict":"correct"})";
  std::string first = good;
  first.replace(first.find("\"index\":1"), 9, "\"index\":0");
  ASSERT_TRUE(write_file_durably(folder.path("good"), good + "\n" + first + "\n"));
  ASSERT_TRUE(write_file_durably(folder.path("bad"), good + "\n{\"prompt\":1}\n"));

  const auto samples = read_samples(folder.path("good"));
  ASSERT_TRUE(samples);
  EXPECT_EQ((*samples)[0].index, 0u);
  EXPECT_EQ((*samples)[1].judged.completion, "7");
  EXPECT_EQ((*samples)[1].judged.reason, "r; chain: a state is missing");
  const auto broken = read_samples(folder.path("bad"));
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, HasSubstr("line 2"));
  EXPECT_FALSE(read_samples(folder.path("absent")));
}

TEST(ShellLine, CanBeTypedAgain) {
  EXPECT_EQ(shell_line({"@", "a.toml", "--learner.optim.lr", "1e-4"}),
            "@ a.toml --learner.optim.lr 1e-4");
  EXPECT_EQ(shell_line({"--run.name", "it's mine", ""}), R"(--run.name 'it'\''s mine' '')");
}

TEST(UtcTime, IsReadable) {
  EXPECT_EQ(utc_time(0), "1970-01-01 00:00:00 UTC");
  EXPECT_EQ(utc_time(1'700'000'000'999), "2023-11-14 22:13:20 UTC");
}

}  // namespace
}  // namespace assay::cli
