// From complete groups to a train batch: advantages, packing and the numbers people watch.
//
// The same function serves training and replay, so a batch rebuilt from the ledger is
// bit-identical.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "runtime/algo/advantage.h"
#include "runtime/core/result.h"
#include "runtime/wire/rollout.h"
#include "runtime/wire/train_batch.h"

namespace assay::flow {

// One group as training sees it. rewards[i] belongs to rollouts[i]; an unscored rollout has none.
struct TrainGroup {
  GroupId id;
  std::vector<std::shared_ptr<const wire::Rollout>> rollouts;  // [group_size]
  std::vector<std::optional<double>> rewards;                  // [group_size], by the arm's rule
};

struct BatchSummary {
  std::uint32_t group_count = 0;
  std::uint32_t rollout_count = 0;
  std::uint32_t unscored_count = 0;
  double reward_mean = 0;  // over scored rollouts
  double reward_std = 0;   // over the batch, dividing by n - 1
  std::uint32_t zero_signal_groups = 0;
  std::uint32_t all_correct_groups = 0;  // equal rewards above one half
  std::uint32_t all_wrong_groups = 0;
  double advantage_min = 0, advantage_max = 0;
  double length_mean = 0;  // completion tokens, end token included
  std::uint32_t length_max = 0;
  std::uint32_t truncated_count = 0;
  double staleness_mean = 0;  // in versions, by the oldest token
  std::uint64_t staleness_max = 0;
  std::vector<std::uint64_t> staleness_histogram;  // [staleness_max + 1], rollouts
};

struct BuiltBatch {
  wire::TrainBatch batch;
  BatchSummary summary;
  std::vector<std::vector<double>> advantages;  // [group][rollout]
};

// Groups in order, rollouts in index order; unscored rollouts are left out of the pack, and so out
// of every denominator. `version` is the policy about to be updated. Errors: those of
// algo::batch_advantages.
Result<BuiltBatch> build_train_batch(std::span<const TrainGroup> groups,
                                     const algo::AdvantageOptions& options, PolicyVersion version);

}  // namespace assay::flow
