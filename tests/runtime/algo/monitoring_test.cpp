// Controls, health alerts and evaluation.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/algo/control.h"
#include "runtime/algo/evaluation.h"
#include "runtime/algo/health.h"
#include "tests/support/seed.h"

namespace assay::algo {
namespace {

RewardArmOptions arm(RewardArm kind, std::uint64_t seed = 7, double mean = 0.5) {
  return {kind, seed, mean};
}

TEST(RewardArms, PermutingKeepsEveryRewardAndEveryHole) {
  const GroupRewards rewards{1, std::nullopt, 0, 0.5, 0};
  bool has_moved = false;
  for (std::uint64_t group = 1; group <= 20; ++group) {
    const GroupRewards permuted = arm_rewards(rewards, {group}, arm(RewardArm::kRandomPermute));
    EXPECT_FALSE(permuted[1].has_value());
    std::vector<double> sorted;
    for (const auto& reward : permuted) {
      if (reward) sorted.push_back(*reward);
    }
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(sorted, (std::vector<double>{0, 0, 0.5, 1}));
    has_moved |= permuted != rewards;
  }
  EXPECT_TRUE(has_moved);
}

TEST(RewardArms, PermutingLeavesZeroSignalGroupsAsTheyWere) {
  const GroupRewards rewards{1, 1, 1};
  EXPECT_EQ(arm_rewards(rewards, {5}, arm(RewardArm::kRandomPermute)), rewards);
}

TEST(RewardArms, PermutingUnlinksRewardFromPosition) {
  int first = 0;  // how often the single reward of 1 lands on rollout 0 of 4
  for (std::uint64_t group = 1; group <= 2000; ++group) {
    first +=
        *arm_rewards(GroupRewards{1, 0, 0, 0}, {group}, arm(RewardArm::kRandomPermute))[0] == 1;
  }
  EXPECT_NEAR(first, 500, 116);  // six standard deviations of 19.4
}

TEST(RewardArms, AReplayGivesTheSameRewards) {
  const GroupRewards rewards{1, 0, 1, 0, std::nullopt, 1, 0, 0};
  for (const RewardArm kind : {RewardArm::kRandomPermute, RewardArm::kRandomIid}) {
    EXPECT_EQ(arm_rewards(rewards, {9}, arm(kind)), arm_rewards(rewards, {9}, arm(kind)));
  }
}

TEST(RewardArms, CoinsHaveTheGivenMeanAndIgnoreTheVerdict) {
  double sum = 0, count = 0;
  for (std::uint64_t group = 1; group <= 1000; ++group) {
    const GroupRewards zeros(8, 0.0), ones(8, 1.0);
    const auto coins = arm_rewards(zeros, {group}, arm(RewardArm::kRandomIid, 3, 0.3));
    EXPECT_EQ(coins, arm_rewards(ones, {group}, arm(RewardArm::kRandomIid, 3, 0.3)));
    for (const auto& coin : coins) sum += *coin, count += 1;
  }
  EXPECT_NEAR(sum / count, 0.3, 0.031);  // six standard deviations of 0.0051
}

TEST(RewardArms, ALateVerdictDoesNotMoveItsNeighboursCoins) {
  const auto all = arm_rewards(GroupRewards{1, 1, 1}, {4}, arm(RewardArm::kRandomIid));
  const auto hole = arm_rewards(GroupRewards{1, std::nullopt, 1}, {4}, arm(RewardArm::kRandomIid));
  EXPECT_EQ(hole[0], all[0]);
  EXPECT_EQ(hole[2], all[2]);
}

TEST(RewardArms, NamesRoundTrip) {
  for (const RewardArm kind :
       {RewardArm::kTrue, RewardArm::kRandomPermute, RewardArm::kRandomIid, RewardArm::kInverted}) {
    EXPECT_EQ(parse_reward_arm(to_string(kind)), kind);
  }
  EXPECT_EQ(parse_reward_arm("random"), std::nullopt);
}

using Rates = std::vector<std::optional<double>>;

// `count` prompts with rates around `mean`, +-0.1 with a phase of their own.
Rates rates_around(double mean, int count, int phase) {
  Rates rates;
  for (int i = 0; i < count; ++i) rates.push_back(mean + ((i * 7 + phase * 3) % 5 - 2) * 0.05);
  return rates;
}

ControlFinding judge(double true_gain, double control_gain, int count) {
  const Rates base = rates_around(0.4, count, 0);
  const Rates after = rates_around(0.4 + true_gain, count, 1);
  const Rates control = rates_around(0.4 + control_gain, count, 2);
  ControlOptions options;
  options.bootstrap.replicates = 500;
  return judge_control({base, after, control, {}}, options);
}

TEST(ControlVerdict, PassesWhenEmptyRewardsAreShownToDoNothing) {
  const ControlFinding finding = judge(0.25, 0.0, 300);
  EXPECT_EQ(finding.verdict, ControlVerdict::kPass);
  EXPECT_NEAR(finding.true_gain.value, 0.25, 1e-9);
  EXPECT_NEAR(*finding.share.value, 0, 0.05);
}

TEST(ControlVerdict, FlagsAGainWithoutAVerifier) {
  EXPECT_EQ(judge(0.25, 0.10, 300).verdict, ControlVerdict::kFlag);
  EXPECT_EQ(judge(0.25, 0.03, 300).verdict, ControlVerdict::kFlag);  // small, but beyond the noise
}

TEST(ControlVerdict, TheMarginIsAFractionNotPercent) {
  // 4 points beyond no interval: below the margin of 0.05, though above it when read as 4.0.
  const Rates base{0.2, 0.6, 0.1, 0.9}, after{0.9, 0.9, 0.8, 1.0}, control{0.5, 0.4, 0.26, 0.8};
  const ControlFinding finding = judge_control({base, after, control, {}}, {});
  EXPECT_NEAR(finding.control_gain.value, 0.04, 1e-12);
  EXPECT_NE(finding.verdict, ControlVerdict::kFlag);
}

TEST(ControlVerdict, FewPromptsProveNothing) {
  // Not above 0 beyond its interval, but the 90 % interval does not fit the margin either.
  const ControlFinding finding = judge(0.25, 0.01, 6);
  EXPECT_EQ(finding.verdict, ControlVerdict::kInconclusive);
}

TEST(ControlVerdict, ATrueArmThatIsNoBetterCannotPass) {
  EXPECT_EQ(judge(0.0, 0.0, 300).verdict, ControlVerdict::kInconclusive);
}

TEST(ControlVerdict, WithoutATrueGainThereIsNoShare) {
  const ControlFinding finding = judge(-0.1, -0.1, 300);
  EXPECT_FALSE(finding.share.value.has_value());
  EXPECT_EQ(finding.share.null_reason, "no_true_gain");
}

TEST(ControlVerdict, PromptsWithoutARateLeaveTheComparison) {
  const Rates base{0.2, std::nullopt, 0.4}, after{0.6, 0.9, 0.8}, control{0.2, 0.0, 0.4};
  EXPECT_NEAR(judge_control({base, after, control, {}}, {}).true_gain.value, 0.4, 1e-12);
  const Rates none(3);
  EXPECT_EQ(judge_control({none, after, control, {}}, {}).verdict, ControlVerdict::kInconclusive);
}

// A run told in entropies: each step's value, and the steps that raised an alert.
std::vector<HealthAlert> watch(const HealthOptions& options, const std::vector<double>& entropies) {
  HealthMonitor monitor(options);
  std::vector<HealthAlert> alerts;
  for (std::size_t step = 0; step < entropies.size(); ++step) {
    HealthMetrics metrics;
    metrics.step = step;
    metrics.entropy = entropies[step];
    for (HealthAlert& alert : monitor.observe(metrics)) alerts.push_back(std::move(alert));
  }
  return alerts;
}

std::vector<double> entropies(std::size_t steps, std::size_t drop_at, double low) {
  std::vector<double> values(steps, 1.0);
  std::fill(values.begin() + static_cast<std::ptrdiff_t>(drop_at), values.end(), low);
  return values;
}

TEST(Health, ASustainedDropIsRaisedOnceAtTheFifthObservation) {
  const auto alerts = watch({}, entropies(60, 30, 0.2));  // below 30 % of 1.0
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].signal, "entropy");
  EXPECT_EQ(alerts[0].level, HealthLevel::kWarn);
  EXPECT_EQ(alerts[0].step, 34u);  // steps 30 to 34 make five of eight
  EXPECT_NEAR(alerts[0].threshold, 0.3, 1e-12);
}

TEST(Health, ASingleBadStepIsNoAlert) {
  std::vector<double> values(60, 1.0);
  for (std::size_t i = 25; i < 60; i += 4) values[i] = 0.1;  // two of any eight
  EXPECT_TRUE(watch({}, values).empty());
}

TEST(Health, NothingIsRaisedDuringWarmUp) {
  const auto alerts = watch({}, entropies(60, 12, 0.2));
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].step, 20u);
}

TEST(Health, WorseningIsRaisedInsideTheCoolDownRepeatingIsNot) {
  std::vector<double> values = entropies(130, 30, 0.2);
  std::fill(values.begin() + 45, values.end(), 0.05);  // below 10 %: critical
  const auto alerts = watch({}, values);
  ASSERT_EQ(alerts.size(), 3u);
  EXPECT_EQ(alerts[1].level, HealthLevel::kCritical);
  EXPECT_EQ(alerts[1].step, 49u);
  EXPECT_EQ(alerts[2].step, 99u);  // fifty steps later
}

TEST(Health, EntropyIsJudgedAgainstItsOwnStart) {
  // 0.5 nats are little against the article's 2.0, and normal for a vocabulary of 17.
  EXPECT_TRUE(watch({}, std::vector<double>(60, 0.5)).empty());
  const auto alerts = watch(article_health_options(), std::vector<double>(60, 0.5));
  ASSERT_FALSE(alerts.empty());
  EXPECT_EQ(alerts[0].signal, "entropy_absolute");
}

TEST(Health, ARiseIsRaisedToo) {
  const auto alerts = watch({}, entropies(60, 30, 2.5));
  ASSERT_FALSE(alerts.empty());
  EXPECT_EQ(alerts[0].signal, "entropy_rise");
}

// Alerts of a run in which so many of 1000 verdicts a step trip a wire, from step 12 on.
std::vector<HealthAlert> watch_tripwires(double before, double after, std::uint64_t judged = 1000) {
  HealthMonitor monitor;
  std::vector<HealthAlert> alerts;
  for (std::uint64_t step = 0; step < 40; ++step) {
    HealthMetrics metrics;
    metrics.step = step;
    metrics.judged_count = judged;
    metrics.tripwire_fraction = step < 12 ? before : after;
    for (HealthAlert& alert : monitor.observe(metrics)) alerts.push_back(std::move(alert));
  }
  return alerts;
}

TEST(Health, ATripwireWarnsFromATenthOfAPercent) {
  EXPECT_TRUE(watch_tripwires(0, 0.001).empty());
  const auto alerts = watch_tripwires(0, 0.002);
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].signal, "tripwire");
  EXPECT_EQ(alerts[0].level, HealthLevel::kWarn);
  EXPECT_EQ(alerts[0].threshold, 0.001);
}

TEST(Health, TripwiresAreCriticalFromAPercentOrThreeDeviations) {
  // 0.001 + 3 * sqrt(0.001 * 0.999 / n): 0.0040 for 1000 verdicts, 0.0195 for 26.
  const auto many = watch_tripwires(0, 0.005);
  ASSERT_EQ(many.size(), 1u);
  EXPECT_EQ(many[0].level, HealthLevel::kCritical);
  EXPECT_NEAR(many[0].threshold, 0.0040, 1e-4);
  const auto few = watch_tripwires(0, 0.011, 26);
  ASSERT_EQ(few.size(), 1u);
  EXPECT_EQ(few[0].threshold, 0.01) << "a percent is critical however few there are";
  // What a run began with is no surprise: 0.004 + 3 * sqrt(0.004 * 0.996 / 1000) = 0.0100.
  const auto usual = watch_tripwires(0.004, 0.005);
  ASSERT_EQ(usual.size(), 1u);
  EXPECT_EQ(usual[0].level, HealthLevel::kWarn);
}

TEST(Health, MissingMetricsAreNotZeros) {
  HealthMonitor monitor;
  for (std::uint64_t step = 0; step < 100; ++step) {
    HealthMetrics metrics;
    metrics.step = step;
    EXPECT_TRUE(monitor.observe(metrics).empty());  // a reward std of 0 would alarm
  }
}

TEST(Health, BrokenInvariantsDoNotWait) {
  HealthMonitor monitor;
  HealthMetrics metrics;
  metrics.staleness_max = 3;
  metrics.staleness_bound = 2;
  metrics.grad_norm = std::numeric_limits<double>::quiet_NaN();
  const auto alerts = monitor.observe(metrics);
  ASSERT_EQ(alerts.size(), 2u);
  EXPECT_EQ(alerts[0].level, HealthLevel::kCritical);
}

TEST(Health, AGradientIsJudgedAgainstItsOwnMedian) {
  HealthMonitor monitor;
  std::vector<HealthAlert> alerts;
  for (std::uint64_t step = 0; step < 60; ++step) {
    HealthMetrics metrics;
    metrics.step = step;
    metrics.grad_norm = step < 40 ? 100.0 : 2000.0;  // large is normal here; twenty times is not
    for (HealthAlert& alert : monitor.observe(metrics)) alerts.push_back(std::move(alert));
  }
  ASSERT_FALSE(alerts.empty());
  EXPECT_EQ(alerts[0].signal, "grad_norm");
  EXPECT_EQ(alerts[0].step, 44u);
}

TEST(Health, AnAbsoluteLimitOnTheGradientIsOffUnlessSet) {
  HealthOptions options;
  options.grad_norm_absolute_max.critical = 50;
  std::size_t raised = 0, unset = 0;
  HealthMonitor limited(options), unlimited;
  for (std::uint64_t step = 0; step < 60; ++step) {
    HealthMetrics metrics;
    metrics.step = step;
    metrics.grad_norm = 100;  // its own median, but above the limit
    raised += limited.observe(metrics).size();
    unset += unlimited.observe(metrics).size();
  }
  EXPECT_EQ(raised, 1u);
  EXPECT_EQ(unset, 0u);
}

TEST(Health, TheArticlesKlRuleIsASumOverTheCompletion) {
  // 0.6 nats a token over 20 tokens: 12 nats. Read a token, 0.6 would never reach 10.
  HealthMonitor monitor(article_health_options());
  std::vector<HealthAlert> alerts;
  for (std::uint64_t step = 0; step < 30; ++step) {
    HealthMetrics metrics;
    metrics.step = step;
    metrics.kl_reference_token = 0.6;
    metrics.kl_reference_sequence = 12;
    for (HealthAlert& alert : monitor.observe(metrics)) alerts.push_back(std::move(alert));
  }
  ASSERT_EQ(alerts.size(), 1u);
  EXPECT_EQ(alerts[0].signal, "kl_reference");
}

EvaluatedPrompt prompt(const std::string& name, std::uint64_t n, std::uint64_t correct) {
  EvaluatedPrompt one;
  one.prompt = name;
  one.n = n;
  one.correct = correct;
  return one;
}

EvaluationOptions with_ks(std::vector<std::uint32_t> ks, std::uint32_t headline_k) {
  EvaluationOptions options;
  options.ks = std::move(ks);
  options.headline_k = headline_k;
  options.bootstrap.replicates = 500;
  return options;
}

TEST(Evaluation, AveragesPromptsNotCompletions) {
  // 1/2 and 1/8: mean 0.3125. Pooled it would be 2/10.
  const std::vector<EvaluatedPrompt> prompts{prompt("a", 2, 1), prompt("b", 8, 1)};
  const auto result = evaluate_policy(prompts, with_ks({1, 2}, 2)).value();
  EXPECT_NEAR(result.pass_curve[0].rate.value, 0.3125, 1e-12);
  EXPECT_NEAR(result.pass_curve[1].rate.value, (1.0 + 0.25) / 2, 1e-12);
  EXPECT_EQ(result.completion_count, 10u);
}

TEST(Evaluation, PromptsShortOfKAreExcludedAndCounted) {
  std::vector<EvaluatedPrompt> prompts{prompt("a", 4, 4), prompt("b", 2, 0)};
  prompts[1].unscored = 2;
  const auto result = evaluate_policy(prompts, with_ks({1, 4}, 4)).value();
  EXPECT_EQ(result.pass_curve[1].excluded, 1u);
  EXPECT_EQ(result.pass_curve[1].rate.value, 1);  // of the prompt that remains
  EXPECT_EQ(result.unscored, 2u);
}

TEST(Evaluation, AFailedJudgeIsNotAWrongAnswer) {
  std::vector<EvaluatedPrompt> prompts{prompt("a", 2, 2)};
  prompts[0].unscored = 6;
  const auto result = evaluate_policy(prompts, with_ks({1}, 1)).value();
  EXPECT_EQ(result.pass_curve[0].rate.value, 1);  // not 2/8
  EXPECT_EQ(*result.prompt_rates[0], 1);
}

TEST(Evaluation, ChainsAndVotesAppearOnlyWhereTheyWereKept) {
  std::vector<EvaluatedPrompt> prompts{prompt("a", 4, 2)};
  EXPECT_TRUE(evaluate_policy(prompts, with_ks({1}, 1)).value().chain_curve.empty());

  prompts[0].chain_correct = 1;
  prompts[0].answers = {{"7", 2, true}, {"8", 1, false}, {"", 1, false}};
  const auto result = evaluate_policy(prompts, with_ks({1, 4}, 4)).value();
  EXPECT_NEAR(result.chain_curve[0].rate.value, 0.25, 1e-12);
  EXPECT_NEAR(*result.chain_fraction, 0.5, 1e-12);
  EXPECT_EQ(result.majority_curve[1].rate.value, 1);  // 2 votes to 1
}

TEST(Evaluation, ContradictionsAreErrors) {
  const auto fails = [](std::vector<EvaluatedPrompt> prompts, const EvaluationOptions& options) {
    return !evaluate_policy(prompts, options).has_value();
  };
  const EvaluatedPrompt good = prompt("a", 4, 2);
  EXPECT_FALSE(fails({good}, with_ks({1, 2}, 2)));
  EXPECT_TRUE(fails({}, with_ks({1}, 1)));
  EXPECT_TRUE(fails({prompt("a", 2, 3)}, with_ks({1}, 1)));
  EXPECT_TRUE(fails({good}, with_ks({1, 8}, 8)));     // more tries than completions
  EXPECT_TRUE(fails({good}, with_ks({1, 2, 2}, 2)));  // not ascending
  EXPECT_TRUE(fails({good}, with_ks({2, 4}, 4)));     // pass@1 is always needed
  EXPECT_TRUE(fails({good}, with_ks({1, 2}, 4)));     // headline not among ks
  EvaluatedPrompt bad = good;
  bad.chain_correct = 3;
  EXPECT_TRUE(fails({bad}, with_ks({1}, 1)));
  bad = good;
  bad.answers = {{"7", 3, true}};
  EXPECT_TRUE(fails({bad}, with_ks({1}, 1)));
}

TEST(Evaluation, SharpeningWithoutReachReadsAsCompression) {
  std::vector<EvaluatedPrompt> base, after;
  for (int i = 0; i < 60; ++i) {  // two thirds within reach, one third not
    base.push_back(prompt(std::to_string(i), 16, i % 3 == 0 ? 0 : 5));
    after.push_back(prompt(std::to_string(i), 16, i % 3 == 0 ? 0 : 15));
  }
  const auto result = evaluate_source(base, after, with_ks({1, 8, 16}, 16)).value();
  ASSERT_TRUE(result.comparison.has_value());
  EXPECT_EQ(result.comparison->reading, Reading::kPureCompression);
  EXPECT_NEAR(result.comparison->compression_gain.value, 2.0 / 3 * 10 / 16, 1e-9);
  EXPECT_NEAR(*result.comparison->ratio.value, 10.0 / 11, 1e-9);  // gain 10/16 over gap 11/16
  EXPECT_EQ(result.comparison->crossing_k, std::nullopt);
}

TEST(Evaluation, ReachThatShrinksReadsAsNarrowing) {
  std::vector<EvaluatedPrompt> base, after;
  for (int i = 0; i < 60; ++i) {
    base.push_back(prompt(std::to_string(i), 16, 4));
    after.push_back(prompt(std::to_string(i), 16, i % 3 == 0 ? 0 : 12));
  }
  const auto comparison = *evaluate_source(base, after, with_ks({1, 16}, 16)).value().comparison;
  EXPECT_EQ(comparison.reading, Reading::kNarrowing);
  EXPECT_EQ(comparison.crossing_k, 16u);
  EXPECT_EQ(comparison.shift.lost, 20u);
}

TEST(Evaluation, ClustersWidenEveryIntervalAndAreNamed) {
  std::vector<EvaluatedPrompt> base, after;
  for (int i = 0; i < 24; ++i) {  // six templates of four prompts, alike within
    base.push_back(prompt(std::to_string(i), 16, 4 + static_cast<std::uint64_t>(i / 4 % 2)));
    after.push_back(prompt(std::to_string(i), 16, 6 + static_cast<std::uint64_t>(i / 4)));
    base.back().stratum = after.back().stratum = "template " + std::to_string(i / 4);
  }
  EvaluationOptions options = with_ks({1, 4}, 4);
  const auto alone = evaluate_source(base, after, options).value();
  options.is_clustered = true;
  const auto together = evaluate_source(base, after, options).value();
  const auto width = [](const Interval& interval) { return interval.high - interval.low; };

  EXPECT_EQ(alone.clustered_by, "prompt");
  EXPECT_EQ(together.clustered_by, "stratum");
  EXPECT_GT(width(together.base.pass_curve[0].rate), 1.5 * width(alone.base.pass_curve[0].rate));
  EXPECT_GT(width(together.comparison->compression_gain),
            1.5 * width(alone.comparison->compression_gain));
  EXPECT_GT(*together.comparison->ratio.high - *together.comparison->ratio.low,
            1.5 * (*alone.comparison->ratio.high - *alone.comparison->ratio.low));
}

TEST(Evaluation, FloorsAreFlaggedWhereGuessingExplainsAQuarter) {
  EvaluationOptions options = with_ks({1, 8}, 8);
  options.guess_chance = 0.1;  // 0.57 at k = 8
  const std::vector<EvaluatedPrompt> prompts{prompt("a", 16, 8)};
  const auto floors = evaluate_source(prompts, {}, options).value().guess_floors;
  EXPECT_FALSE(floors[0].is_prominent);  // 0.1 against 0.5
  EXPECT_TRUE(floors[1].is_prominent);
}

TEST(Evaluation, PairsMustBeTheSamePrompts) {
  const std::vector<EvaluatedPrompt> base{prompt("a", 4, 2)}, other{prompt("b", 4, 2)};
  EXPECT_FALSE(evaluate_source(base, other, with_ks({1}, 1)));
}

TEST(Evaluation, NothingScoredAfterwardsMeansNoComparison) {
  const std::vector<EvaluatedPrompt> base{prompt("a", 4, 2)};
  std::vector<EvaluatedPrompt> after{prompt("a", 0, 0)};
  after[0].unscored = 4;
  const auto result = evaluate_source(base, after, with_ks({1, 4}, 4)).value();
  EXPECT_TRUE(result.after.has_value());
  EXPECT_FALSE(result.comparison.has_value());  // rather than "no effect"
}

}  // namespace
}  // namespace assay::algo
