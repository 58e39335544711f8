// Intervals, bootstrap, compression and the reading: against tables and numbers worked by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/algo/bootstrap.h"
#include "runtime/algo/compression.h"
#include "runtime/algo/confidence.h"
#include "runtime/algo/reading.h"
#include "tests/support/seed.h"

namespace assay::algo {
namespace {

TEST(Quantiles, MatchTheTables) {
  EXPECT_NEAR(normal_quantile(0.975), 1.959964, 1e-6);
  EXPECT_NEAR(student_t_quantile(0.975, 1), 12.7062, 1e-4);
  EXPECT_NEAR(student_t_quantile(0.975, 4), 2.776445, 1e-6);
  EXPECT_NEAR(student_t_quantile(0.95, 30), 1.697261, 1e-6);
  EXPECT_NEAR(student_t_quantile(0.025, 4), -2.776445, 1e-6);
  EXPECT_NEAR(student_t_quantile(0.975, 1e6), 1.959966, 1e-5);
}

TEST(IncompleteBeta, HasItsClosedForms) {
  EXPECT_NEAR(incomplete_beta(0.3, 1, 1), 0.3, 1e-14);
  EXPECT_NEAR(incomplete_beta(0.3, 2, 1), 0.09, 1e-14);
  EXPECT_NEAR(incomplete_beta(0.3, 1, 3), 1 - std::pow(0.7, 3), 1e-14);
  EXPECT_NEAR(incomplete_beta(0.5, 40, 40), 0.5, 1e-12);
}

TEST(ClopperPearson, MatchesKnownIntervals) {
  const Interval none = clopper_pearson(0, 29);  // 1 - 0.025^(1/29)
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 1 - std::pow(0.025, 1.0 / 29), 1e-9);
  const Interval some = clopper_pearson(4, 10);
  EXPECT_NEAR(some.low, 0.12155, 1e-4);
  EXPECT_NEAR(some.high, 0.73762, 1e-4);
  EXPECT_EQ(clopper_pearson(5, 5).high, 1);
  EXPECT_EQ(clopper_pearson(0, 0).high, 1);
}

TEST(ClopperPearson, TwentyNineCatchesWithoutAMissProveNinetyPerCent) {
  // One-sided 95 %: the lower bound of a 90 % interval.
  EXPECT_GE(clopper_pearson(29, 29, 0.90).low, 0.90);
  EXPECT_LT(clopper_pearson(28, 28, 0.90).low, 0.90);
  EXPECT_GE(clopper_pearson(45, 46, 0.90).low, 0.90);
  EXPECT_LT(clopper_pearson(44, 45, 0.90).low, 0.90);
}

TEST(StandardError, OfPromptsAndOfClusters) {
  const std::vector<double> values{0, 0, 1, 1};
  // sqrt(4 * 0.25 * 4/3) / 4
  EXPECT_NEAR(standard_error(values, {}), std::sqrt(4.0 / 3) / 4, 1e-12);
  // Two clusters of equals: deviations -1 and +1: sqrt(2 * 2) / 4, larger than without clusters.
  EXPECT_NEAR(standard_error(values, std::vector<std::uint32_t>{7, 7, 9, 9}), 0.5, 1e-12);
  EXPECT_EQ(standard_error(std::vector<double>{1}, {}), 0);
}

TEST(MeanInterval, OneUnitSaysNothingAboutSpread) {
  const Interval interval = mean_interval(std::vector<double>{0.3}, {});
  EXPECT_EQ(interval.value, 0.3);
  EXPECT_EQ(interval.low, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(mean_interval(std::vector<double>{0.3, 0.5}, std::vector<std::uint32_t>{7, 7}).high,
            std::numeric_limits<double>::infinity());
}

TEST(MeanInterval, UsesStudentsTOverClusters) {
  const std::vector<double> values{0, 0, 1, 1};
  const Interval interval = mean_interval(values, {});
  EXPECT_NEAR(interval.high - 0.5, 3.182446 * std::sqrt(4.0 / 3) / 4, 1e-5);  // 3 degrees
}

TEST(RateInterval, IsWilsonsForOneDrawAPrompt) {
  // 2 of 10, error^2 = 10 * 0.16 * 10/9 / 100, hence 9 effective trials; t of 9 degrees, 2.262157.
  std::vector<double> values(10, 0.0);
  values[0] = values[1] = 1;
  const double spread = 2.262157 * 2.262157 / 9;
  const double centre = (0.2 + spread / 2) / (1 + spread);
  const double reach = 2.262157 / (1 + spread) * std::sqrt(0.16 / 9 + spread / 36);
  const Interval interval = rate_interval(values, {});
  EXPECT_EQ(interval.value, 0.2);
  EXPECT_NEAR(interval.low, centre - reach, 1e-6);
  EXPECT_NEAR(interval.high, centre + reach, 1e-6);
}

TEST(RateInterval, StaysBetweenZeroAndOneAndGrowsWithClusters) {
  const std::vector<double> values{0, 0, 0, 0, 0, 0, 0, 0.9};
  const Interval alone = rate_interval(values, {});
  EXPECT_GE(alone.low, 0);
  EXPECT_LE(alone.high, 1);
  const std::vector<double> pairs{0, 0, 0.3, 0.3, 0.6, 0.6, 0.9, 0.9};
  const std::vector<std::uint32_t> clusters{0, 0, 1, 1, 2, 2, 3, 3};
  EXPECT_GT(rate_interval(pairs, clusters).high, rate_interval(pairs, {}).high + 0.05);
}

TEST(RateInterval, AllWrongIsNotCertainty) {
  const Interval interval = rate_interval(std::vector<double>(100, 0.0), {});
  EXPECT_EQ(interval.value, 0);
  EXPECT_NEAR(interval.high, 0.0362, 1e-4);  // 1 - 0.025^(1/100)
  EXPECT_EQ(rate_interval({}, {}).high, 1);
}

TEST(RateInterval, AgreementAmongFewIsNotCertainty) {
  const Interval halves = rate_interval(std::vector<double>{0.5, 0.5, 0.5, 0.5}, {});
  // Wilson's for 2 of 4 trials: 0.150 to 0.850.
  EXPECT_NEAR(halves.low, 0.150, 1e-3);
  EXPECT_NEAR(halves.high, 0.850, 1e-3);
  const std::vector<std::uint32_t> one_cluster(50, 3);
  EXPECT_GT(rate_interval(std::vector<double>(50, 0.0), one_cluster).high, 0.97);
}

TEST(PairedInterval, PairingRemovesTheSpreadBetweenPrompts) {
  const std::vector<double> before{0.0, 0.2, 0.5, 0.7}, after{0.1, 0.31, 0.6, 0.79};
  const Interval paired = paired_interval(before, after, {});
  EXPECT_NEAR(paired.value, 0.1, 1e-12);
  EXPECT_TRUE(paired.excludes_zero());
  EXPECT_LT(paired.high - paired.low, 0.05);
}

TEST(PairedInterval, NoDifferenceAnywhereIsNotProofOfNone) {
  const std::vector<double> zeros(50, 0.0);
  const Interval interval = paired_interval(zeros, zeros, {});
  EXPECT_LT(interval.low, 0);
  EXPECT_GT(interval.high, 0);
}

TEST(PairedInterval, AnEqualChangeOfFewPromptsIsNotCertain) {
  // One prompt that went from 0 to 1 proves no gain; five hundred do.
  const Interval one = paired_interval(std::vector<double>{0}, std::vector<double>{1}, {});
  EXPECT_EQ(one.value, 1);
  EXPECT_FALSE(paired_interval(std::vector<double>{0.2}, std::vector<double>{0.7}, {}).low > 0);
  EXPECT_EQ(one.high, 1);  // a difference of rates is at most 1
  const std::vector<double> before(500, 0.2), after(500, 0.7);
  EXPECT_NEAR(paired_interval(before, after, {}).low, 0.5 - 0.00735, 1e-4);  // 1 - 0.025^(1/500)
  EXPECT_EQ(paired_interval({}, {}, {}).low, -1);
}

TEST(PairedInterval, PromptsOfOneTemplateAreOneObservation) {
  const std::vector<double> before(20, 0.2),
      after{0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4,
            0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3};
  std::vector<std::uint32_t> clusters(20, 0);
  std::fill(clusters.begin() + 10, clusters.end(), 1u);
  EXPECT_TRUE(paired_interval(before, after, {}).excludes_zero());
  // Two clusters, differences 0.2 and 0.1: 0.15 +- 12.7 * 0.05.
  EXPECT_NEAR(paired_interval(before, after, clusters).low, 0.15 - 12.7062 * 0.05, 1e-4);
}

// Prompts with the given base pass@1, base pass@k, after pass@1 and after pass@k.
std::vector<GainRates> prompts_like(GainRates mean, double spread, int count) {
  std::vector<GainRates> prompts;
  for (int i = 0; i < count; ++i) {
    const double shift = i % 2 == 0 ? spread : -spread;
    prompts.push_back(
        {mean.base_1 + shift, mean.base_k + shift, mean.after_1 + shift, mean.after_k + shift});
  }
  return prompts;
}

TEST(Gains, ReproduceTheArticlesExample) {
  const Gains gains = gains_of({0.40, 0.75, 0.65, 0.77});
  EXPECT_NEAR(*gains.ratio, 0.25 / 0.35, 1e-12);  // 0.714
  EXPECT_NEAR(gains.capability_gain, 0.02, 1e-12);
  EXPECT_NEAR(*gains.gap_closed, 1 - 0.12 / 0.35, 1e-12);
}

TEST(Gains, WithoutAGapThereIsNoRatio) {
  EXPECT_FALSE(gains_of({0.5, 0.5, 0.6, 0.7}).ratio.has_value());  // not 0
}

TEST(Gains, RegressionAndOvershootAreNotClamped) {
  EXPECT_NEAR(*gains_of({0.4, 0.6, 0.3, 0.6}).ratio, -0.5, 1e-12);
  EXPECT_NEAR(*gains_of({0.4, 0.6, 0.7, 0.8}).ratio, 1.5, 1e-12);
}

TEST(CompressionRatio, HasAnIntervalAroundTheQuotientOfMeans) {
  BootstrapOptions options;
  options.replicates = 2000;
  std::vector<GainRates> prompts = prompts_like({0.40, 0.75, 0.65, 0.77}, 0.1, 200);
  for (std::size_t i = 0; i < prompts.size(); ++i) prompts[i].after_1 += i % 3 == 0 ? 0.2 : -0.1;
  const RatioEstimate estimate = compression_ratio(prompts, {}, options);
  ASSERT_TRUE(estimate.value.has_value());
  EXPECT_NEAR(*estimate.value, 0.714, 0.01);
  EXPECT_LT(*estimate.low, *estimate.value);
  EXPECT_GT(*estimate.high, *estimate.value);
  EXPECT_EQ(compression_ratio(prompts, {}, options).low, estimate.low);  // same seed
}

TEST(CompressionRatio, IsWithheldWhereTheGapIsNoise) {
  BootstrapOptions options;
  options.replicates = 2000;
  EXPECT_EQ(compression_ratio(prompts_like({0.5, 0.5, 0.6, 0.6}, 0.1, 50), {}, options).null_reason,
            "no_gap");
  // Gaps of +0.11 and -0.10: the mean is above 0, many replicates are not.
  std::vector<GainRates> noisy;
  for (int i = 0; i < 50; ++i) noisy.push_back({0.5, i % 2 ? 0.61 : 0.40, 0.6, 0.6});
  const RatioEstimate estimate = compression_ratio(noisy, {}, options);
  EXPECT_EQ(estimate.null_reason, "unstable_gap");
  EXPECT_FALSE(estimate.value.has_value());
  EXPECT_GT(estimate.dropped_fraction, 0.05);
  EXPECT_EQ(compression_ratio({}, {}, options).null_reason, "no_prompts");
}

TEST(CompressionRatio, OnePromptHasNoInterval) {
  const std::vector<GainRates> one{{0.4, 0.8, 0.6, 0.8}};
  const RatioEstimate estimate = compression_ratio(one, {}, {});
  EXPECT_EQ(estimate.null_reason, "one_prompt");
  EXPECT_NEAR(*estimate.point_anyway, 0.5, 1e-12);
  const std::vector<GainRates> template_mates(9, one.front());
  EXPECT_EQ(compression_ratio(template_mates, std::vector<std::uint32_t>(9, 4), {}).null_reason,
            "one_prompt");
}

TEST(CompressionRatio, ClustersAreResampledWhole) {
  BootstrapOptions options;
  options.replicates = 2000;
  std::vector<GainRates> prompts;
  std::vector<std::uint32_t> clusters;
  for (std::uint32_t i = 0; i < 80; ++i) {  // within a cluster all gains are alike
    prompts.push_back({0.4, 0.8, i / 10 % 2 ? 0.8 : 0.5, 0.8});
    clusters.push_back(i / 10);
  }
  const RatioEstimate alone = compression_ratio(prompts, {}, options);
  const RatioEstimate together = compression_ratio(prompts, clusters, options);
  EXPECT_GT(*together.high - *together.low, 2 * (*alone.high - *alone.low));
}

TEST(CrossedInterval, AddsTheSpreadOfSeedsAndOfPrompts) {
  // Seed means 0.1, 0.2, 0.3: variance 0.01, of their mean 0.01 / 3. Both prompts alike, and no
  // noise of the cells' own. Degrees 2: t = 4.302653.
  const std::vector<std::vector<double>> seeds{{0.1, 0.1}, {0.2, 0.2}, {0.3, 0.3}};
  const Interval by_seed = crossed_interval(seeds);
  EXPECT_NEAR(by_seed.value, 0.2, 1e-12);
  EXPECT_NEAR(by_seed.high - 0.2, 4.302653 * std::sqrt(0.01 / 3), 1e-5);
  // Prompts 0 and 1 on top: variance 0.5, of their mean 0.25; degrees near 1.
  const std::vector<std::vector<double>> both{{0.1, 1.1}, {0.2, 1.2}, {0.3, 1.3}};
  const double variance = 0.01 / 3 + 0.25;
  const double degrees = variance * variance / (std::pow(0.01 / 3, 2) / 2 + 0.25 * 0.25);
  const Interval crossed = crossed_interval(both);
  EXPECT_NEAR(crossed.high - crossed.value,
              student_t_quantile(0.975, degrees) * std::sqrt(variance), 1e-9);
}

TEST(CrossedInterval, WhatWasNotRepeatedIsNotInIt) {
  const std::vector<std::vector<double>> one_seed{{0.0, 0.0, 1.0, 1.0}};
  EXPECT_NEAR(crossed_interval(one_seed).high,
              mean_interval(std::vector<double>{0, 0, 1, 1}, {}).high, 1e-12);
  EXPECT_EQ(crossed_interval(std::vector<std::vector<double>>{{0.5}}).high,
            std::numeric_limits<double>::infinity());
}

TEST(CrossingK, IsTheSmallestKWhereTheBaseLeads) {
  const std::vector<std::uint32_t> ks{1, 2, 4, 8};
  EXPECT_EQ(crossing_k(ks, std::vector{0.4, 0.5, 0.6, 0.7}, std::vector{0.6, 0.6, 0.6, 0.65}), 8u);
  EXPECT_EQ(crossing_k(ks, std::vector{0.4, 0.5, 0.6, 0.7}, std::vector{0.6, 0.6, 0.6, 0.7}),
            std::nullopt);
}

TEST(FisherExact, MatchesTheLadyTastingTea) {
  EXPECT_NEAR(fisher_exact_greater(4, 0, 4, 4), 1.0 / 70, 1e-12);
  EXPECT_NEAR(fisher_exact_greater(4, 1, 4, 3), 17.0 / 70, 1e-12);
  EXPECT_NEAR(fisher_exact_greater(4, 4, 4, 0), 1, 1e-12);
}

TEST(PromptShift, CountsWhatBecameOfEachPrompt) {
  const std::vector<PromptCounts> prompts{
      {8, 2, 8, 7},  // reached, now solved
      {8, 0, 8, 8},  // newly reached, beyond chance
      {8, 0, 8, 1},  // one lucky draw: nothing
      {8, 3, 8, 0},  // lost
      {8, 6, 8, 2},  // forgotten
      {8, 8, 8, 8},  // solved all along
      {0, 0, 8, 8},  // never scored before: not counted
  };
  const PromptShift shift = prompt_shift(prompts);
  EXPECT_EQ(shift.self_distilled, 1u);
  EXPECT_EQ(shift.newly_reached, 1u);
  EXPECT_EQ(shift.newly_reached_significant, 1u);
  EXPECT_EQ(shift.lost, 1u);
  EXPECT_EQ(shift.forgotten, 1u);
}

TEST(PromptShift, ManyUnreachedPromptsRaiseTheBar) {
  // 0 of 8 then 4 of 8: p = 0.038 alone, but among 100 prompts a few such are chance.
  std::vector<PromptCounts> prompts(99, {8, 0, 8, 0});
  prompts.push_back({8, 0, 8, 4});
  EXPECT_EQ(prompt_shift(prompts).newly_reached, 1u);
  EXPECT_EQ(prompt_shift(prompts).newly_reached_significant, 0u);
}

TEST(Reading, CoversAllNineCases) {
  using enum Direction;
  EXPECT_EQ(read(kUp, kUp), Reading::kCapabilityAndCompression);
  EXPECT_EQ(read(kUp, kFlat), Reading::kPureCompression);
  EXPECT_EQ(read(kUp, kDown), Reading::kNarrowing);
  EXPECT_EQ(read(kFlat, kUp), Reading::kExploration);
  EXPECT_EQ(read(kFlat, kFlat), Reading::kNoEffect);
  EXPECT_EQ(read(kFlat, kDown), Reading::kModeCollapse);
  EXPECT_EQ(read(kDown, kDown), Reading::kModeCollapse);
  EXPECT_EQ(read(kDown, kFlat), Reading::kRegression);
  EXPECT_EQ(read(kDown, kUp), Reading::kRegression);
}

TEST(Reading, DirectionsComeFromIntervalsNotFromSigns) {
  EXPECT_EQ(direction_of({0.05, -0.01, 0.11}), Direction::kFlat);
  EXPECT_EQ(direction_of({0.05, 0.01, 0.09}), Direction::kUp);
  EXPECT_EQ(direction_of({-0.05, -0.09, -0.01}), Direction::kDown);
}

TEST(Reading, EveryRowStandsAtItsOwnPlace) {
  for (const ReadingRow& row : reading_table()) EXPECT_EQ(&row_of(row.reading), &row);
}

}  // namespace
}  // namespace assay::algo
