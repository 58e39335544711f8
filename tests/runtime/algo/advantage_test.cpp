#include "runtime/algo/advantage.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <numeric>

#include "tests/support/seed.h"

namespace assay::algo {
namespace {

constexpr auto kUnscored = std::nullopt;

std::vector<double> advantages_of(const GroupRewards& rewards, const AdvantageOptions& options) {
  return group_advantages(rewards, options).value().advantages;
}

AdvantageOptions with(Baseline baseline, AdvantageScale scale = AdvantageScale::kNone) {
  AdvantageOptions options;
  options.baseline = baseline;
  options.scale = scale;
  return options;
}

// The article's group: 37 x 29 answered eight times, five of them right. Mean 0.625.
const GroupRewards kArticle{1, 0, 1, 0, 1, 0, 1, 1};

TEST(GroupAdvantages, CentresOnTheGroupMean) {
  const std::vector<double> advantages = advantages_of(kArticle, {});
  EXPECT_DOUBLE_EQ(advantages[0], 0.375);
  EXPECT_DOUBLE_EQ(advantages[1], -0.625);
}

TEST(GroupAdvantages, GrpoDividesByTheUnbiasedDeviation) {
  // Variance 8 * 0.625 * 0.375 / 7 = 0.26786, deviation 0.51755. Dividing by 8 would give +0.7746.
  const auto advantages = advantages_of(kArticle, with(Baseline::kMean, AdvantageScale::kGroupStd));
  EXPECT_NEAR(advantages[0], 0.7246, 1e-4);
  EXPECT_NEAR(advantages[1], -1.2076, 1e-4);
}

TEST(GroupAdvantages, LeaveOneOutIsTheMeanTimesNOverNMinusOne) {
  const auto advantages = advantages_of(kArticle, with(Baseline::kLeaveOneOut));
  EXPECT_NEAR(advantages[0], 1 - 4.0 / 7, 1e-12);  // the other seven hold four right
  EXPECT_NEAR(advantages[1], 0 - 5.0 / 7, 1e-12);
}

TEST(GroupAdvantages, MedianTrainsOnlyTheRareKind) {
  const auto mostly_right = advantages_of({1, 1, 1, 0}, with(Baseline::kMedian));
  EXPECT_EQ(mostly_right, (std::vector<double>{0, 0, 0, -1}));
  const auto mostly_wrong = advantages_of({1, 0, 0, 0}, with(Baseline::kMedian));
  EXPECT_EQ(mostly_wrong, (std::vector<double>{1, 0, 0, 0}));
  const auto half = advantages_of({1, 1, 0, 0}, with(Baseline::kMedian));
  EXPECT_EQ(half, (std::vector<double>{0.5, 0.5, -0.5, -0.5}));
}

TEST(GroupAdvantages, TheMedianOfAnEvenGroupLiesBetweenTheTwoInTheMiddle) {
  // 0 0.2 0.6 1: 0.4. The lower median, 0.2, is what the quantile at one half takes.
  const GroupRewards rewards{1, 0, 0.6, 0.2};
  EXPECT_NEAR(advantages_of(rewards, with(Baseline::kMedian))[0], 0.6, 1e-12);
  AdvantageOptions lower = with(Baseline::kQuantile);
  lower.quantile = 0.5;
  EXPECT_NEAR(advantages_of(rewards, lower)[0], 0.8, 1e-12);
}

TEST(GroupAdvantages, QuantileIsTheSmallestRewardReachingItsShare) {
  AdvantageOptions options = with(Baseline::kQuantile);
  options.quantile = 0.4;  // rank ceil(0.4 * 5) = 2 of 0 0 1 1 1: the second smallest, 0
  EXPECT_EQ(advantages_of({1, 1, 1, 0, 0}, options), (std::vector<double>{1, 1, 1, 0, 0}));
  // rank 2 of 0 1 1 1 1 is 1: the successes are expected, the failure is punished.
  EXPECT_EQ(advantages_of({1, 1, 1, 1, 0}, options), (std::vector<double>{0, 0, 0, 0, -1}));
}

TEST(GroupAdvantages, MaxRlWeighsRareSuccessHigher) {
  const auto advantages = advantages_of({1, 0, 0, 0}, with(Baseline::kMaxRl));
  EXPECT_NEAR(advantages[0], 3, 1e-12);  // (1 - 1/4) / (1/4)
  EXPECT_NEAR(advantages[1], -1, 1e-12);
}

TEST(GroupAdvantages, EqualRewardsTeachNothing) {
  // 0.1 thrice has a float mean that is not 0.1; scaled by 1e-6 the rest would be gradient.
  for (const auto scale : {AdvantageScale::kNone, AdvantageScale::kGroupStd}) {
    const auto result =
        group_advantages(GroupRewards{0.1, 0.1, 0.1}, with(Baseline::kMean, scale)).value();
    EXPECT_EQ(result.advantages, (std::vector<double>{0, 0, 0}));
    EXPECT_EQ(result.signal, GroupSignal::kEqualRewards);
  }
}

TEST(GroupAdvantages, AGroupOfOneTeachesNothing) {
  const auto result =
      group_advantages(GroupRewards{1.0}, with(Baseline::kMean, AdvantageScale::kGroupStd)).value();
  EXPECT_EQ(result.advantages, std::vector<double>{0});  // not its reward
  EXPECT_EQ(result.signal, GroupSignal::kTooFewScored);
}

TEST(GroupAdvantages, UnscoredRolloutsAreNotZeroRewards) {
  // Mean of the scored 1 1 0 is 2/3. With the failed judge as a 0 it would be 1/2.
  const auto result = group_advantages(GroupRewards{1, 1, 0, kUnscored}, {}).value();
  EXPECT_NEAR(result.advantages[0], 1.0 / 3, 1e-12);
  EXPECT_EQ(result.advantages[3], 0);
  EXPECT_EQ(result.is_scored, (std::vector<std::uint8_t>{1, 1, 1, 0}));
  EXPECT_EQ(result.scored_count, 3u);
}

TEST(GroupAdvantages, UnscoredRolloutsLeaveTheDeviationAlone) {
  const auto options = with(Baseline::kMean, AdvantageScale::kGroupStd);
  const auto alone = advantages_of({1, 1, 0}, options);
  const auto beside = advantages_of({1, kUnscored, 1, 0, kUnscored}, options);
  EXPECT_EQ(beside[0], alone[0]);
  EXPECT_EQ(beside[3], alone[2]);
}

TEST(GroupAdvantages, OneScoredRolloutIsTooFew) {
  const auto result = group_advantages(GroupRewards{1, kUnscored, kUnscored}, {}).value();
  EXPECT_EQ(result.signal, GroupSignal::kTooFewScored);
  EXPECT_EQ(result.advantages, (std::vector<double>{0, 0, 0}));
}

TEST(GroupAdvantages, RewardsThatAreNotFiniteAreRefused) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(group_advantages(GroupRewards{1, nan}, {}));
  EXPECT_FALSE(group_advantages(GroupRewards{}, {}));
}

TEST(GroupAdvantages, OptionsThatContradictAreRefused) {
  EXPECT_FALSE(check_advantage_options(with(Baseline::kMedian, AdvantageScale::kBatchWhiten)));
  EXPECT_FALSE(check_advantage_options(with(Baseline::kMaxRl, AdvantageScale::kGroupStd)));
  EXPECT_FALSE(group_advantages(kArticle, with(Baseline::kMean, AdvantageScale::kBatchWhiten)));
  AdvantageOptions options;
  options.quantile = 1;
  EXPECT_FALSE(check_advantage_options(options));
}

TEST(BatchAdvantages, BatchScopeComparesAcrossGroups) {
  AdvantageOptions options;
  options.scope = BaselineScope::kBatch;
  const std::vector<GroupRewards> groups{{1, 1}, {0, 0}};
  const auto results = batch_advantages(groups, options).value();
  EXPECT_EQ(results[0].advantages, (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(results[1].advantages, (std::vector<double>{-0.5, -0.5}));
  EXPECT_EQ(results[0].signal, GroupSignal::kEqualRewards);  // still said of the group
}

TEST(BatchAdvantages, TheMedianOfTheBatchIsAsTheArticlePutsIt) {
  // Of 1 1 1 0 0: 1. Nothing re-centres afterwards, so the failures alone are trained.
  AdvantageOptions options = with(Baseline::kMedian);
  options.scope = BaselineScope::kBatch;
  const std::vector<GroupRewards> groups{{1, 1}, {1, 0, 0}};
  const auto results = batch_advantages(groups, options).value();
  EXPECT_EQ(results[0].advantages, (std::vector<double>{0, 0}));
  EXPECT_EQ(results[1].advantages, (std::vector<double>{0, -1, -1}));
}

TEST(BatchAdvantages, UnscoredRolloutsAreInNoBatchStatistic) {
  AdvantageOptions batch_mean;
  batch_mean.scope = BaselineScope::kBatch;
  for (const AdvantageOptions& options :
       {batch_mean, with(Baseline::kMean, AdvantageScale::kBatchWhiten)}) {
    const std::vector<GroupRewards> whole{{1, 0}, {1, 1, 0}};
    const std::vector<GroupRewards> holed{{1, kUnscored, 0}, {1, 1, 0, kUnscored}};
    const auto expected = batch_advantages(whole, options).value();
    const auto seen = batch_advantages(holed, options).value();
    EXPECT_EQ(seen[0].advantages,
              (std::vector<double>{expected[0].advantages[0], 0, expected[0].advantages[1]}));
    EXPECT_EQ(seen[1].advantages[2], expected[1].advantages[2]);
    EXPECT_EQ(seen[1].advantages[3], 0);
  }
}

TEST(BatchAdvantages, WhiteningLeavesGroupsWithoutSignalAtZero) {
  // Centred: +-1/2, 0 0. Variance 0.5 / 3; 0.5 / sqrt(1/6) = 1.2247.
  const std::vector<GroupRewards> groups{{1, 0}, {1, 1}};
  const auto results =
      batch_advantages(groups, with(Baseline::kMean, AdvantageScale::kBatchWhiten)).value();
  EXPECT_NEAR(results[0].advantages[0], 1.2247, 1e-4);
  EXPECT_EQ(results[1].advantages, (std::vector<double>{0, 0}));
}

TEST(GroupAdvantageProperties, MeanCentredAdvantagesSumToZeroAndIgnoreShifts) {
  Rng rng = test_rng();
  SCOPED_TRACE(seed_text());
  for (int trial = 0; trial < 200; ++trial) {
    GroupRewards rewards, shifted;
    for (std::uint64_t i = 0, n = 2 + rng.below(10); i < n; ++i) {
      const bool is_scored = rng.next_bool(0.8);
      const double reward = rng.next_normal();
      rewards.push_back(is_scored ? std::optional(reward) : kUnscored);
      shifted.push_back(is_scored ? std::optional(reward + 3) : kUnscored);
    }
    for (const Baseline baseline : {Baseline::kMean, Baseline::kLeaveOneOut, Baseline::kMedian}) {
      const auto plain = advantages_of(rewards, with(baseline));
      const auto moved = advantages_of(shifted, with(baseline));
      for (std::size_t i = 0; i < plain.size(); ++i) EXPECT_NEAR(plain[i], moved[i], 1e-12);
      if (baseline != Baseline::kMedian) {
        EXPECT_NEAR(std::accumulate(plain.begin(), plain.end(), 0.0), 0, 1e-12);
      }
    }
  }
}

TEST(GroupAdvantageProperties, OrderDoesNotMatter) {
  Rng rng = test_rng();
  SCOPED_TRACE(seed_text());
  for (int trial = 0; trial < 100; ++trial) {
    GroupRewards rewards;
    for (int i = 0; i < 7; ++i) rewards.push_back(static_cast<double>(rng.below(3)) / 2);
    GroupRewards reversed(rewards.rbegin(), rewards.rend());
    AdvantageOptions options = with(static_cast<Baseline>(rng.below(4)));
    const auto forwards = advantages_of(rewards, options);
    const auto backwards = advantages_of(reversed, options);
    for (std::size_t i = 0; i < 7; ++i) EXPECT_NEAR(forwards[i], backwards[6 - i], 1e-12);
  }
}

}  // namespace
}  // namespace assay::algo
