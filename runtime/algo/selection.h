// Selection: which rollouts of a group are trained, and which groups.
//
// Advantages are computed from the full group before selection. Computing them afterwards would
// make any group with half its rollouts correct look all-correct when the best half is kept, and
// teach nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "runtime/core/ids.h"
#include "runtime/core/result.h"

namespace assay::algo {

enum class RolloutSelection : std::uint8_t {
  kNone,         // keep every scored rollout
  kTopReward,    // keep the highest rewards; failures vanish, entropy falls
  kMaxVariance,  // the subset of largest reward variance (PODS arXiv:2504.13818)
  kRandom,       // the baseline any other rule must beat
};

struct SelectionOptions {
  RolloutSelection rule = RolloutSelection::kNone;
  double keep_fraction = 0.5;  // of scored rollouts, rounded up; at least 1
  std::uint64_t seed = 0;      // kRandom, and ties
};

// Which rollouts to train: [group_size], 1 = keep. Unscored rollouts are never kept. Ties are
// broken by a draw keyed with (seed, group), so neither position nor arrival order matters.
// kMaxVariance keeps the k highest and (m - k) lowest rewards for the best k, O(n log n).
// Errors: kInvalidInput when keep_fraction is outside (0, 1] or a reward is not finite.
Result<std::vector<std::uint8_t>> select_rollouts(std::span<const std::optional<double>> rewards,
                                                  const SelectionOptions& options, GroupId group);

// Dynamic sampling: a group is kept when some but not all of its scored rollouts are correct.
//   correct  [group_size]; nullopt = unscored
// Judged on raw correctness, never on the shaped reward: partial credit would make every group look
// useful. Source: DAPO, arXiv:2503.14476.
bool is_mixed(std::span<const std::optional<bool>> correct);

}  // namespace assay::algo
