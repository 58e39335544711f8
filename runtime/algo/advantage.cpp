#include "runtime/algo/advantage.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

namespace assay::algo {
namespace {

constexpr double kEqualRewardsMargin = 1e-9;
constexpr double kWhitenVarianceFloor = 1e-8;

Error invalid(std::string message, std::string remedy = "") {
  return {ErrorCode::kInvalidInput, std::move(message), std::move(remedy), "", ""};
}

double mean_of(std::span<const double> values) {
  if (values.empty()) return 0;
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

// Dividing by n - 1; 0 below two values.
double variance_of(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double mean = mean_of(values);
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / static_cast<double>(values.size() - 1);
}

bool has_spread(std::span<const double> rewards) {
  const auto [low, high] = std::minmax_element(rewards.begin(), rewards.end());
  return !(*high - *low < kEqualRewardsMargin);
}

// The `index`-th smallest.
double order_statistic(std::vector<double> values, std::size_t index) {
  const auto position = values.begin() + static_cast<std::ptrdiff_t>(index);
  std::nth_element(values.begin(), position, values.end());
  return *position;
}

double median_of(std::span<const double> values) {
  const std::vector<double> copy(values.begin(), values.end());
  const std::size_t half = copy.size() / 2;
  const double upper = order_statistic(copy, half);
  return copy.size() % 2 == 1 ? upper : (order_statistic(copy, half - 1) + upper) / 2;
}

// inf{x : F(x) >= level}: the smallest reward with at least that share of rewards at or below it.
double quantile_of(std::span<const double> values, double level) {
  const double rank = std::ceil(level * static_cast<double>(values.size()) - 1e-9);
  const auto index = static_cast<std::size_t>(std::max(rank, 1.0)) - 1;
  return order_statistic({values.begin(), values.end()}, std::min(index, values.size() - 1));
}

// What one reward is worth against the rewards of its scope.
class Credit {
 public:
  Credit(std::span<const double> scope, const AdvantageOptions& options)
      : baseline_(options.baseline),
        mean_(mean_of(scope)),
        count_(static_cast<double>(scope.size())) {
    if (baseline_ == Baseline::kMedian) centre_ = median_of(scope);
    if (baseline_ == Baseline::kQuantile) centre_ = quantile_of(scope, options.quantile);
    if (options.scale == AdvantageScale::kGroupStd) {
      divisor_ = std::sqrt(variance_of(scope)) + options.std_floor;
    }
  }

  double of(double reward) const { return difference(reward) / divisor_; }

 private:
  double difference(double reward) const {
    switch (baseline_) {
      case Baseline::kMean:
        return reward - mean_;
      case Baseline::kLeaveOneOut:
        return count_ / (count_ - 1) * (reward - mean_);
      case Baseline::kMedian:
      case Baseline::kQuantile:
        return reward - centre_;
      case Baseline::kMaxRl:
        return mean_ > 0 ? (reward - mean_) / mean_ : 0;
    }
    return 0;
  }

  Baseline baseline_;
  double mean_;
  double count_;
  double centre_ = 0;
  double divisor_ = 1;
};

// A group under work: the result and the rewards that were given.
struct Group {
  std::span<const std::optional<double>> rewards;
  std::vector<double> scored;
  GroupAdvantages result;
};

Group describe(std::span<const std::optional<double>> rewards) {
  Group group{rewards, {}, {}};
  group.result.advantages.assign(rewards.size(), 0);
  for (const std::optional<double>& reward : rewards) {
    group.result.is_scored.push_back(reward.has_value());
    if (reward) group.scored.push_back(*reward);
  }
  group.result.scored_count = static_cast<std::uint32_t>(group.scored.size());
  group.result.reward_mean = mean_of(group.scored);
  group.result.reward_std = std::sqrt(variance_of(group.scored));
  if (group.scored.size() < 2) {
    group.result.signal = GroupSignal::kTooFewScored;
  } else if (!has_spread(group.scored)) {
    group.result.signal = GroupSignal::kEqualRewards;
  }
  return group;
}

void credit(Group& group, const Credit& credit) {
  for (std::size_t i = 0; i < group.rewards.size(); ++i) {
    if (group.rewards[i]) group.result.advantages[i] = credit.of(*group.rewards[i]);
  }
}

bool can_teach(const Group& group, BaselineScope scope) {
  return group.result.signal == GroupSignal::kUseful ||
         (scope == BaselineScope::kBatch && group.result.scored_count > 0);
}

void credit_by_group(std::vector<Group>& groups, const AdvantageOptions& options) {
  for (Group& group : groups) {
    if (can_teach(group, BaselineScope::kGroup)) credit(group, Credit(group.scored, options));
  }
}

void credit_by_batch(std::vector<Group>& groups, const AdvantageOptions& options) {
  std::vector<double> all;
  for (const Group& group : groups) {
    all.insert(all.end(), group.scored.begin(), group.scored.end());
  }
  if (all.size() < 2 || !has_spread(all)) return;
  const Credit batch_credit(all, options);
  for (Group& group : groups) credit(group, batch_credit);
}

// Groups without signal count in the statistics, as in the source, but stay exactly 0.
void whiten(std::vector<Group>& groups, BaselineScope scope) {
  std::vector<double> all;
  for (const Group& group : groups) {
    for (std::size_t i = 0; i < group.rewards.size(); ++i) {
      if (group.rewards[i]) all.push_back(group.result.advantages[i]);
    }
  }
  const double mean = mean_of(all);
  const double divisor = std::sqrt(variance_of(all) + kWhitenVarianceFloor);
  for (Group& group : groups) {
    if (!can_teach(group, scope)) continue;
    for (std::size_t i = 0; i < group.rewards.size(); ++i) {
      double& advantage = group.result.advantages[i];
      if (group.rewards[i]) advantage = (advantage - mean) / divisor;
    }
  }
}

Result<void> check_rewards(std::span<const std::optional<double>> rewards) {
  if (rewards.empty()) return invalid("a group without rollouts has no advantages");
  for (std::size_t i = 0; i < rewards.size(); ++i) {
    if (rewards[i] && !std::isfinite(*rewards[i])) {
      return invalid("the reward of rollout " + std::to_string(i) + " of its group is not finite",
                     "a verifier that cannot judge must say unscored");
    }
  }
  return {};
}

}  // namespace

Result<void> check_advantage_options(const AdvantageOptions& options) {
  const bool is_skewed =
      options.baseline == Baseline::kMedian || options.baseline == Baseline::kQuantile;
  if (is_skewed && options.scale == AdvantageScale::kBatchWhiten) {
    return invalid(
        "baseline median or quantile is undone by batch whitening, which re-centres on the mean",
        "do without whitening, or use the mean baseline");
  }
  if (options.baseline == Baseline::kMaxRl && options.scale != AdvantageScale::kNone) {
    return invalid("baseline max_rl is scaled by the group's mean already",
                   "divide by nothing else: normalise_std = false");
  }
  if (!(options.quantile > 0 && options.quantile < 1)) {
    return invalid("quantile must lie between 0 and 1, both excluded", "use 0.4");
  }
  if (!(options.std_floor > 0)) return invalid("std_floor must be above 0", "use 1e-6");
  return {};
}

Result<std::vector<GroupAdvantages>> batch_advantages(std::span<const GroupRewards> groups,
                                                      const AdvantageOptions& options) {
  if (const auto checked = check_advantage_options(options); !checked) return checked.error();
  std::vector<Group> described;
  for (const GroupRewards& rewards : groups) {
    if (const auto checked = check_rewards(rewards); !checked) return checked.error();
    described.push_back(describe(rewards));
  }
  if (options.scope == BaselineScope::kGroup) {
    credit_by_group(described, options);
  } else {
    credit_by_batch(described, options);
  }
  if (options.scale == AdvantageScale::kBatchWhiten) whiten(described, options.scope);

  std::vector<GroupAdvantages> results;
  for (Group& group : described) results.push_back(std::move(group.result));
  return results;
}

Result<GroupAdvantages> group_advantages(std::span<const std::optional<double>> rewards,
                                         const AdvantageOptions& options) {
  if (options.scope == BaselineScope::kBatch || options.scale == AdvantageScale::kBatchWhiten) {
    return invalid("these advantages look at the whole batch, not at one group");
  }
  const GroupRewards group(rewards.begin(), rewards.end());
  auto results = batch_advantages(std::span(&group, 1), options);
  if (!results) return results.error();
  return std::move(results->front());
}

}  // namespace assay::algo
