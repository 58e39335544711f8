// pass@k, maj@k, KL, importance, staleness and selection: each against numbers worked by hand.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "runtime/algo/importance.h"
#include "runtime/algo/kl.h"
#include "runtime/algo/majority.h"
#include "runtime/algo/pass_at_k.h"
#include "runtime/algo/selection.h"
#include "runtime/algo/staleness.h"
#include "tests/support/seed.h"

namespace assay::algo {
namespace {

TEST(PassAtK, MatchesThePublishedCases) {
  EXPECT_NEAR(pass_at_k(10, 3, 1).value(), 0.3, 1e-15);
  EXPECT_NEAR(pass_at_k(10, 3, 5).value(), 0.916667, 1e-6);  // 1 - C(7,5) / C(10,5) = 1 - 21/252
  EXPECT_EQ(pass_at_k(10, 0, 5).value(), 0);
  EXPECT_EQ(pass_at_k(10, 1, 10).value(), 1);
  EXPECT_EQ(pass_at_k(10, 0, 10).value(), 0);
}

TEST(PassAtK, MoreDrawsThanMadeIsAnErrorNotAClamp) {
  EXPECT_FALSE(pass_at_k(4, 2, 5));
  EXPECT_FALSE(pass_at_k(4, 2, 0));
  EXPECT_FALSE(pass_at_k(4, 5, 1));
}

TEST(PassAtK, EqualsTheShareOfSubsetsThatHoldASuccess) {
  for (unsigned n = 1; n <= 9; ++n) {
    for (unsigned c = 0; c <= n; ++c) {
      for (unsigned k = 1; k <= n; ++k) {
        double subsets = 0, hits = 0;
        for (unsigned subset = 0; subset < (1u << n); ++subset) {
          if (std::popcount(subset) != static_cast<int>(k)) continue;
          subsets += 1;
          hits += (subset & ((1u << c) - 1)) != 0;
        }
        EXPECT_NEAR(pass_at_k(n, c, k).value(), hits / subsets, 1e-12) << n << " " << c << " " << k;
      }
    }
  }
}

TEST(PassAtK, StaysExactForLargeCounts) {
  // One success in 10,000: pass@k = k / n.
  EXPECT_NEAR(pass_at_k(10'000, 1, 2'500).value(), 0.25, 1e-12);
}

TEST(GuessFloor, IsWhatBlindGuessingReaches) {
  EXPECT_NEAR(guess_floor(0.1, 8), 0.5695, 1e-4);
  EXPECT_NEAR(guess_floor(0.01, 8), 0.0773, 1e-4);
  EXPECT_NEAR(guess_floor(0.01, 256), 0.9237, 1e-4);
  EXPECT_EQ(guess_floor(0, 8), 0);
  EXPECT_EQ(guess_floor(1, 3), 1);
}

TEST(MatchChance, IsTheShareOfPairsWithEqualAnswers) {
  // 7 7 7 8 8 9: 3 * 2 + 2 * 1 equal ordered pairs of 6 * 5.
  EXPECT_NEAR(match_chance(std::vector<std::string>{"7", "8", "7", "9", "8", "7"}), 8.0 / 30,
              1e-12);
  EXPECT_EQ(match_chance(std::vector<std::string>{"1", "2", "3"}), 0);
  EXPECT_EQ(match_chance(std::vector<std::string>{"1", "1"}), 1);
  EXPECT_EQ(match_chance(std::vector<std::string>{"1"}), 0);
}

double majority(const std::vector<AnswerClass>& classes, std::uint64_t k) {
  return majority_at_k(classes, k, {}).value();
}

TEST(Majority, PluralityWins) {
  EXPECT_NEAR(majority({{"7", 3, true}, {"8", 2, false}}, 5), 1, 1e-12);
  EXPECT_NEAR(majority({{"7", 2, true}, {"8", 3, false}}, 5), 0, 1e-12);
}

TEST(Majority, TiesAreWorthTheirShareOfRightAnswers) {
  EXPECT_NEAR(majority({{"7", 2, true}, {"8", 2, false}}, 4), 0.5, 1e-12);
  EXPECT_NEAR(majority({{"8", 2, false}, {"7", 2, true}}, 4), 0.5, 1e-12);  // not the first one
}

TEST(Majority, UnreadableAnswersCastNoVote) {
  EXPECT_NEAR(majority({{"", 9, false}, {"7", 1, true}}, 10), 1, 1e-12);
  EXPECT_NEAR(majority({{"", 3, false}}, 3), 0, 1e-12);
}

TEST(Majority, OfOneIsPassAtOne) {
  EXPECT_NEAR(majority({{"7", 3, true}, {"8", 4, false}, {"", 1, false}}, 1), 3.0 / 8, 1e-12);
}

TEST(Majority, SubsetsAreCountedExactly) {
  // 3 of {7 7 8}: one way. 2 of them: 77 (right), 78, 78 (ties): (1 + 0.5 + 0.5) / 3.
  EXPECT_NEAR(majority({{"7", 2, true}, {"8", 1, false}}, 2), 2.0 / 3, 1e-12);
}

TEST(Majority, RandomSubsetsAgreeWithCountingAll) {
  const std::vector<AnswerClass> classes{{"7", 6, true}, {"8", 5, false}, {"9", 4, false}};
  MajorityOptions sampled;
  sampled.is_exact = false;
  sampled.subsets = 20'000;  // standard error at most 0.5 / sqrt(20,000) = 0.0035
  EXPECT_NEAR(majority_at_k(classes, 7, sampled).value(), majority(classes, 7), 0.015);
}

TEST(Majority, CountingIsTheMeanOverEverySubset) {
  Rng rng = test_rng();
  SCOPED_TRACE(seed_text());
  for (int trial = 0; trial < 30; ++trial) {
    std::vector<AnswerClass> classes{
        {"7", 0, true}, {"7.0", 0, true}, {"8", 0, false}, {"9", 0, false}, {"", 0, false}};
    std::vector<std::size_t> draws;
    for (int i = 0; i < 8; ++i) {
      draws.push_back(rng.below(5));
      ++classes[draws.back()].count;
    }
    for (int k = 1; k <= 8; ++k) {
      double sum = 0, subsets = 0;
      for (unsigned subset = 0; subset < 256; ++subset) {
        if (std::popcount(subset) != k) continue;
        std::vector<AnswerClass> drawn = classes;
        for (AnswerClass& one : drawn) one.count = 0;
        for (std::size_t i = 0; i < 8; ++i) drawn[draws[i]].count += subset >> i & 1;
        std::uint32_t most = 1;
        for (std::size_t i = 0; i < 4; ++i) most = std::max(most, drawn[i].count);
        double tied = 0, right = 0;
        for (std::size_t i = 0; i < 4; ++i) {
          tied += drawn[i].count == most;
          right += drawn[i].count == most && drawn[i].is_correct;
        }
        sum += tied > 0 ? right / tied : 0;
        subsets += 1;
      }
      EXPECT_NEAR(majority(classes, static_cast<std::uint64_t>(k)), sum / subsets, 1e-12);
    }
  }
}

TEST(Majority, ManyCompletionsFallBackToRandomSubsets) {
  const std::vector<AnswerClass> classes{{"7", 3000, true}, {"8", 1000, false}};
  EXPECT_EQ(majority(classes, 2000), 1);
}

TEST(Majority, MoreVotesThanCastIsAnError) {
  const std::vector<AnswerClass> classes{{"7", 2, true}};
  EXPECT_FALSE(majority_at_k(classes, 3, {}));
  EXPECT_FALSE(majority_at_k(classes, 0, {}));
}

TEST(Kl, EstimatorsHaveTheirPublishedValues) {
  // d = lp_ref - lp_th = 0.5
  EXPECT_NEAR(kl_term(KlEstimator::kK1, -1.5, -1).value, -0.5, 1e-12);
  EXPECT_NEAR(kl_term(KlEstimator::kK2, -1.5, -1).value, 0.125, 1e-12);
  EXPECT_NEAR(kl_term(KlEstimator::kK3, -1.5, -1).value, std::exp(0.5) - 1.5, 1e-12);
}

TEST(Kl, SlopesMatchFiniteDifferencesInsideTheClamp) {
  for (const KlEstimator estimator : {KlEstimator::kK1, KlEstimator::kK2, KlEstimator::kK3}) {
    for (const double current : {-3.0, -1.2, -0.1}) {
      const double h = 1e-6;
      const double slope =
          (kl_term(estimator, current + h, -1).value - kl_term(estimator, current - h, -1).value) /
          (2 * h);
      EXPECT_NEAR(kl_term(estimator, current, -1).slope, slope, 1e-6);
    }
  }
}

TEST(Kl, StraightThroughFormHasTheValueOfK3AndTheGradientOfK2) {
  const KlTerm term = kl_term(KlEstimator::kK3Plus, -1.5, -1);
  EXPECT_EQ(term.value, kl_term(KlEstimator::kK3, -1.5, -1).value);
  EXPECT_EQ(term.slope, kl_term(KlEstimator::kK2, -1.5, -1).slope);
}

TEST(Kl, HugeDifferencesAreCappedAndPullNoMore) {
  const KlTerm term = kl_term(KlEstimator::kK3, -500, 0);
  EXPECT_EQ(term.value, 10);
  EXPECT_EQ(term.slope, 0);
}

TEST(Importance, DiagnosticsOfTwoTokens) {
  const std::vector<float> old{0, -1, -1};
  const float shift = static_cast<float>(std::log(4.0));
  const std::vector<float> mu{0, -1 - shift, -1 + shift};  // ratios 4 and 1/4
  const std::vector<std::uint8_t> mask{0, 1, 1};
  const std::vector<std::uint32_t> offsets{0, 3};

  const auto result = importance_diagnostics(old, mu, mask, offsets, 2);
  EXPECT_EQ(result.token_count, 2u);
  EXPECT_NEAR(result.kl_k1, 0, 1e-6);
  EXPECT_NEAR(result.ratio_mean, 2.125, 1e-6);
  EXPECT_NEAR(result.chi2_token, (16 + 1.0 / 16) / 2 - 1, 1e-5);
  EXPECT_NEAR(result.chi2_sequence, 0, 1e-5);  // the product of ratios is 1
  EXPECT_NEAR(result.perplexity_ratio, 1, 1e-6);
  EXPECT_EQ(result.above_fraction, 0.5);
  EXPECT_EQ(result.below_fraction, 0.5);
  EXPECT_NEAR(result.ess, 6.25 / 8.5, 1e-6);  // clipped to 2 and 1/2
}

TEST(Importance, NothingTrainedIsNeutral) {
  const auto result = importance_diagnostics({}, {}, {}, {}, 2);
  EXPECT_EQ(result.ess, 1);
  EXPECT_EQ(result.ratio_mean, 1);
}

TEST(Importance, OneTokenCarryingAllIsOneOverN) {
  EXPECT_NEAR(effective_sample_size(std::vector<double>{0, 0, 5, 0}), 0.25, 1e-12);
  EXPECT_EQ(effective_sample_size({}), 1);
}

TEST(Staleness, CapacityFollowsTheRule) {
  AdmissionState state;
  state.batch_groups = 32;
  state.staleness_max = 2;
  EXPECT_EQ(admission_capacity(state), 96u);  // (2 + 0 + 1) * 32
  state.running = 40;
  state.accepted = 50;
  EXPECT_EQ(admission_capacity(state), 6u);
  state.policy_version = 1;
  EXPECT_EQ(admission_capacity(state), 38u);
  state.running_max = 41;
  EXPECT_EQ(admission_capacity(state), 1u);
  state.accepted = 1000;
  EXPECT_EQ(admission_capacity(state), 0u);
}

TEST(Staleness, BoundZeroIsSynchronous) {
  AdmissionState state;
  state.batch_groups = 4;
  state.accepted = 4;
  EXPECT_EQ(admission_capacity(state), 0u);
  state.policy_version = 1;
  EXPECT_EQ(admission_capacity(state), 4u);
}

TEST(Staleness, RecoveryDoesNotBurst) {
  AdmissionState state;
  state.batch_groups = 8;
  state.policy_version = 10;
  state.accepted = accepted_after_recovery(10, 8);
  EXPECT_EQ(admission_capacity(state), 8u);  // not 88
}

// A run as the admission rule sees it: groups start, finish or are rejected, and are trained.
class AdmittedRun {
 public:
  explicit AdmittedRun(std::uint64_t bound) {
    state_.batch_groups = 3;
    state_.staleness_max = bound;
  }

  void start() {
    if (admission_capacity(state_) == 0) return;
    groups_.push_back({state_.policy_version, false});
    ++state_.running;
  }

  void finish(Rng& rng) {
    std::vector<std::size_t> running;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      if (!groups_[i].is_finished) running.push_back(i);
    }
    if (running.empty()) return;
    const std::size_t chosen = running[rng.below(running.size())];
    --state_.running;
    if (rng.next_bool(0.9)) {
      groups_[chosen].is_finished = true;
      ++state_.accepted;
    } else {
      groups_.erase(groups_.begin() + static_cast<std::ptrdiff_t>(chosen));
    }
  }

  // Trains a batch of finished groups; in order of start it waits for the slow ones.
  void update(bool is_in_order_of_start) {
    if (!is_in_order_of_start) {
      std::stable_sort(groups_.begin(), groups_.end(), [](const Group& a, const Group& b) {
        return a.is_finished > b.is_finished;
      });
    }
    for (std::size_t i = 0; i < state_.batch_groups; ++i) {
      if (i >= groups_.size() || !groups_[i].is_finished) return;
    }
    for (std::uint64_t i = 0; i < state_.batch_groups; ++i) {
      staleness_max_ = std::max(
          staleness_max_, staleness_of({state_.policy_version}, {groups_.front().started_at}));
      groups_.erase(groups_.begin());
    }
    ++state_.policy_version;
  }

  std::uint64_t version() const { return state_.policy_version; }
  std::uint64_t staleness_max() const { return staleness_max_; }

 private:
  struct Group {
    std::uint64_t started_at = 0;
    bool is_finished = false;
  };

  AdmissionState state_;
  std::vector<Group> groups_;  // running or waiting to be trained, in order of start
  std::uint64_t staleness_max_ = 0;
};

TEST(StalenessProperties, NoGroupIsTrainedBeyondTheBoundInOrderOfStart) {
  Rng rng = test_rng();
  SCOPED_TRACE(seed_text());
  for (std::uint64_t bound = 0; bound <= 3; ++bound) {
    AdmittedRun run(bound);
    for (int event = 0; event < 5000; ++event) {
      const auto kind = rng.below(3);
      if (kind == 0) run.start();
      if (kind == 1) run.finish(rng);
      if (kind == 2) run.update(true);
    }
    EXPECT_GT(run.version(), 50u);
    EXPECT_EQ(run.staleness_max(), bound);  // the bound holds and is used
  }
}

TEST(StalenessProperties, InOrderOfFinishTheRuleAloneDoesNotBind) {
  Rng rng = test_rng();
  SCOPED_TRACE(seed_text());
  AdmittedRun run(2);
  for (int event = 0; event < 20'000; ++event) {
    const auto kind = rng.below(3);
    if (kind == 0) run.start();
    if (kind == 1) run.finish(rng);
    if (kind == 2) run.update(false);
  }
  EXPECT_GT(run.staleness_max(), 2u);
}

TEST(Staleness, HistogramKeepsWhatMustNotHappenApart) {
  StalenessHistogram histogram(2);
  for (const std::uint64_t staleness : {0, 0, 1, 2, 5}) histogram.add(staleness);
  EXPECT_EQ(histogram.counts(), (std::vector<std::uint64_t>{2, 1, 1}));
  EXPECT_EQ(histogram.overflow(), 1u);
  EXPECT_EQ(histogram.max(), 5u);
  EXPECT_NEAR(histogram.mean(), 8.0 / 5, 1e-12);
}

TEST(Staleness, ProximalIsInterpolatedByVersion) {
  EXPECT_NEAR(interpolated_proximal({-2, -1, 4, 5, 8}), -1.75, 1e-12);  // a quarter of the way
  EXPECT_EQ(interpolated_proximal({-2, -1, 5, 5, 8}), -2);              // drawn by the proximal
  EXPECT_EQ(interpolated_proximal({-2, -2, 5, 5, 5}), -2);
}

std::vector<std::uint8_t> kept(const GroupId group, RolloutSelection rule, double fraction,
                               const std::vector<std::optional<double>>& rewards) {
  return select_rollouts(rewards, {rule, fraction, 7}, group).value();
}

TEST(Selection, MaxVarianceKeepsBothEnds) {
  EXPECT_EQ(kept({1}, RolloutSelection::kMaxVariance, 0.5, {0.9, 0.1, 0.5, 0.6}),
            (std::vector<std::uint8_t>{1, 1, 0, 0}));
}

TEST(Selection, MaxVarianceOfBinaryRewardsKeepsAllOfTheMinority) {
  // One success of eight, four kept: it and three failures.
  const auto keep = kept({1}, RolloutSelection::kMaxVariance, 0.5, {0, 0, 1, 0, 0, 0, 0, 0});
  EXPECT_EQ(keep[2], 1);
  EXPECT_EQ(std::count(keep.begin(), keep.end(), 1), 4);
}

TEST(Selection, MaxVarianceIsTheBestOfAllSubsets) {
  Rng rng = test_rng();
  SCOPED_TRACE(seed_text());
  const auto variance = [](const std::vector<std::optional<double>>& rewards, auto&& is_kept) {
    double sum = 0, square = 0, n = 0;
    for (std::size_t i = 0; i < rewards.size(); ++i) {
      if (!is_kept(i)) continue;
      sum += *rewards[i], square += *rewards[i] * *rewards[i], n += 1;
    }
    return square / n - sum / n * sum / n;
  };
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<std::optional<double>> rewards;
    for (int i = 0; i < 8; ++i) rewards.push_back(static_cast<double>(rng.below(5)));
    const auto keep = kept({2}, RolloutSelection::kMaxVariance, 0.5, rewards);
    double best = 0;
    for (unsigned subset = 0; subset < 256; ++subset) {
      if (std::popcount(subset) != 4) continue;
      best = std::max(best, variance(rewards, [&](std::size_t i) { return subset >> i & 1; }));
    }
    EXPECT_NEAR(variance(rewards, [&](std::size_t i) { return keep[i] == 1; }), best, 1e-9);
  }
}

TEST(Selection, UnscoredRolloutsAreNeverKept) {
  for (const auto rule : {RolloutSelection::kNone, RolloutSelection::kTopReward,
                          RolloutSelection::kMaxVariance, RolloutSelection::kRandom}) {
    const auto keep = kept({3}, rule, 1.0, {1, std::nullopt, 0});
    EXPECT_EQ(keep, (std::vector<std::uint8_t>{1, 0, 1}));
  }
}

TEST(Selection, TopRewardKeepsTheHighestAndDrawsAmongEquals) {
  EXPECT_EQ(kept({1}, RolloutSelection::kTopReward, 0.5, {0.1, 0.9, 0.8, 0.2}),
            (std::vector<std::uint8_t>{0, 1, 1, 0}));
  int first = 0;  // with all equal, position must not decide
  for (std::uint64_t group = 1; group <= 200; ++group) {
    first += kept({group}, RolloutSelection::kTopReward, 0.5, {1, 1})[0];
  }
  EXPECT_NEAR(first, 100, 45);  // six standard deviations of 7.1
}

TEST(Selection, FractionsOutOfRangeAreRefused) {
  const std::vector<std::optional<double>> rewards{1, 0};
  EXPECT_FALSE(select_rollouts(rewards, {RolloutSelection::kRandom, 0, 1}, {1}));
  EXPECT_FALSE(select_rollouts(rewards, {RolloutSelection::kRandom, 1.5, 1}, {1}));
}

TEST(DynamicSampling, KeepsGroupsThatAreNeitherAllRightNorAllWrong) {
  using Correct = std::vector<std::optional<bool>>;
  EXPECT_TRUE(is_mixed(Correct{true, false}));
  EXPECT_FALSE(is_mixed(Correct{true, true}));
  EXPECT_FALSE(is_mixed(Correct{false, false}));
  EXPECT_FALSE(is_mixed(Correct{true, std::nullopt}));  // a failed judge is not a wrong answer
  EXPECT_FALSE(is_mixed(Correct{}));
}

}  // namespace
}  // namespace assay::algo
