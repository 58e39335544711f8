// Advantages: the credit of each rollout relative to its own group, or to the whole batch.
//
// A rollout whose judge failed has no reward. It is left out of baseline, spread and loss; it is
// never a reward of 0. A group without a preference in it (fewer than two scored rollouts, or equal
// rewards) gets advantages of exactly 0: subtracting a rounded mean and dividing by a tiny spread
// would otherwise turn rounding noise into gradient.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/core/result.h"

namespace assay::algo {

enum class Baseline : std::uint8_t {
  kMean,         // reward - mean (Dr. GRPO arXiv:2503.20783; GRPO when scaled)
  kLeaveOneOut,  // reward - mean of the others = n / (n - 1) * (reward - mean) (RLOO)
  kMedian,       // reward - median, the middle of the two central rewards when n is even
  kQuantile,     // reward - inf{x : F(x) >= quantile} (QAE arXiv:2509.22611)
  kMaxRl,        // (reward - mean) / mean, 0 where the mean is not positive
};

// Whose rewards make the baseline. Over the batch, a group of equal rewards has signal too.
enum class BaselineScope : std::uint8_t { kGroup, kBatch };

enum class AdvantageScale : std::uint8_t {
  kNone,
  kGroupStd,     // / (std + std_floor), std of the scope's rewards dividing by n - 1 (GRPO)
  kBatchWhiten,  // (x - mean) / sqrt(var + 1e-8) over all scored rollouts (REINFORCE++ baseline)
};

struct AdvantageOptions {
  Baseline baseline = Baseline::kMean;
  BaselineScope scope = BaselineScope::kGroup;
  AdvantageScale scale = AdvantageScale::kNone;
  double quantile = 0.4;
  double std_floor = 1e-6;  // TRL 1e-4, AReaL 1e-5, verl 1e-6
};

enum class GroupSignal : std::uint8_t {
  kUseful,
  kEqualRewards,  // largest - smallest reward < 1e-9
  kTooFewScored,  // fewer than two rewards: no baseline
};

struct GroupAdvantages {
  std::vector<double> advantages;       // [group_size]; 0 for unscored rollouts
  std::vector<std::uint8_t> is_scored;  // [group_size]; 0 = mask the rollout out of the loss
  GroupSignal signal = GroupSignal::kUseful;
  std::uint32_t scored_count = 0;
  double reward_mean = 0;  // over scored rollouts; 0 when there are none
  double reward_std = 0;   // dividing by n - 1; 0 below two
};

using GroupRewards = std::vector<std::optional<double>>;  // [group_size]; nullopt = unscored

// Advantages of every group of a batch, in order.
//   groups  any number of groups, each of its own size
// Median and quantile baselines refuse batch whitening, which would re-centre them on the mean.
// Errors: kInvalidInput for an empty group, a reward that is not finite, or options that contradict
// each other. Source of the estimators: see Baseline.
Result<std::vector<GroupAdvantages>> batch_advantages(std::span<const GroupRewards> groups,
                                                      const AdvantageOptions& options);

// The same for one group. Errors also when the options look at the whole batch.
Result<GroupAdvantages> group_advantages(std::span<const std::optional<double>> rewards,
                                         const AdvantageOptions& options);

// Errors: kInvalidInput, its message beginning with the option.
Result<void> check_advantage_options(const AdvantageOptions& options);

}  // namespace assay::algo
