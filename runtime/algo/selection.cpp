#include "runtime/algo/selection.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "runtime/core/rng.h"

namespace assay::algo {
namespace {

struct Candidate {
  std::size_t index = 0;
  double reward = 0;
  std::uint64_t tie = 0;  // random order among equals
};

// Scored rollouts, highest reward first.
std::vector<Candidate> ranked(std::span<const std::optional<double>> rewards, std::uint64_t seed,
                              GroupId group) {
  std::vector<Candidate> candidates;
  Rng rng(seed, group.value);
  for (std::size_t i = 0; i < rewards.size(); ++i) {
    const std::uint64_t tie = rng.next_u64();
    if (rewards[i]) candidates.push_back({i, *rewards[i], tie});
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return a.reward != b.reward ? a.reward > b.reward : a.tie < b.tie;
  });
  return candidates;
}

// How many of the highest to take so that they and the lowest (keep - k) vary most.
std::size_t best_split(const std::vector<Candidate>& candidates, std::size_t keep) {
  const std::size_t n = candidates.size();
  std::vector<double> sums(n + 1, 0), squares(n + 1, 0);
  for (std::size_t i = 0; i < n; ++i) {
    sums[i + 1] = sums[i] + candidates[i].reward;
    squares[i + 1] = squares[i] + candidates[i].reward * candidates[i].reward;
  }
  const auto count = static_cast<double>(keep);
  std::size_t best = 0;
  double best_variance = -1;
  for (std::size_t k = 0; k <= keep; ++k) {
    const double sum = sums[k] + sums[n] - sums[n - (keep - k)];
    const double square = squares[k] + squares[n] - squares[n - (keep - k)];
    const double variance = square / count - (sum / count) * (sum / count);
    // Of equal splits the most even one, so that neither side is dropped without need.
    const auto skew = [&](std::size_t split) {
      return std::abs(2.0 * static_cast<double>(split) - count);
    };
    if (variance > best_variance + 1e-12 ||
        (variance > best_variance - 1e-12 && skew(k) < skew(best))) {
      best = k;
      best_variance = std::max(best_variance, variance);
    }
  }
  return best;
}

}  // namespace

Result<std::vector<std::uint8_t>> select_rollouts(std::span<const std::optional<double>> rewards,
                                                  const SelectionOptions& options, GroupId group) {
  if (!(options.keep_fraction > 0 && options.keep_fraction <= 1)) {
    return Error{ErrorCode::kInvalidInput, "keep_fraction must lie in (0, 1]", "use 0.5", "", ""};
  }
  for (const std::optional<double>& reward : rewards) {
    if (reward && !std::isfinite(*reward)) {
      return Error{ErrorCode::kInvalidInput, "a reward is not finite", "", "", ""};
    }
  }
  std::vector<Candidate> candidates = ranked(rewards, options.seed, group);
  const std::size_t n = candidates.size();
  std::size_t keep = n;
  if (options.rule != RolloutSelection::kNone && n > 0) {
    const double wanted = std::ceil(options.keep_fraction * static_cast<double>(n) - 1e-9);
    keep = std::clamp(static_cast<std::size_t>(wanted), std::size_t{1}, n);
  }
  if (options.rule == RolloutSelection::kRandom) {
    std::sort(candidates.begin(), candidates.end(),
              [](const Candidate& a, const Candidate& b) { return a.tie < b.tie; });
  }
  const std::size_t top =
      options.rule == RolloutSelection::kMaxVariance ? best_split(candidates, keep) : keep;
  std::vector<std::uint8_t> kept(rewards.size(), 0);
  for (std::size_t i = 0; i < top; ++i) kept[candidates[i].index] = 1;
  for (std::size_t i = n - (keep - top); i < n; ++i) kept[candidates[i].index] = 1;
  return kept;
}

bool is_mixed(std::span<const std::optional<bool>> correct) {
  const auto is = [&](bool wanted) {
    return std::any_of(correct.begin(), correct.end(),
                       [&](const std::optional<bool>& one) { return one == wanted; });
  };
  return is(true) && is(false);
}

}  // namespace assay::algo
