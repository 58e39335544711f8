#include "runtime/flow/batch_builder.h"

#include <algorithm>
#include <cmath>

#include "runtime/algo/staleness.h"

namespace assay::flow {

namespace {

void pack(const wire::Rollout& rollout, double advantage, wire::TrainBatch& batch) {
  if (batch.offsets.empty()) batch.offsets.push_back(0);
  const std::size_t prompt = rollout.prompt_tokens.size();
  const std::size_t completion = rollout.completion_tokens.size();
  const auto extend = [&](auto& values, auto prompt_value, auto completion_value) {
    values.insert(values.end(), prompt, prompt_value);
    values.insert(values.end(), completion, completion_value);
  };
  batch.tokens.insert(batch.tokens.end(), rollout.prompt_tokens.begin(),
                      rollout.prompt_tokens.end());
  batch.tokens.insert(batch.tokens.end(), rollout.completion_tokens.begin(),
                      rollout.completion_tokens.end());
  extend(batch.advantages, 0.0f, static_cast<float>(advantage));
  extend(batch.weights, 1.0f, 1.0f);
  extend(batch.mask, std::uint8_t{0}, std::uint8_t{1});
  batch.logprobs_behaviour.insert(batch.logprobs_behaviour.end(), prompt, 0.0f);
  batch.logprobs_behaviour.insert(batch.logprobs_behaviour.end(), rollout.logprobs.begin(),
                                  rollout.logprobs.end());
  batch.versions.insert(batch.versions.end(), prompt, 0u);
  batch.versions.insert(batch.versions.end(), rollout.versions.begin(), rollout.versions.end());
  batch.offsets.push_back(static_cast<std::uint32_t>(batch.tokens.size()));
  batch.rollouts.push_back(rollout.id);
}

void count_rollout(const wire::Rollout& rollout, PolicyVersion version, BatchSummary& summary) {
  const auto length = static_cast<std::uint32_t>(rollout.completion_tokens.size());
  const std::uint64_t staleness = algo::staleness_of(version, wire::oldest_version(rollout));
  ++summary.rollout_count;
  summary.length_mean += length;
  summary.length_max = std::max(summary.length_max, length);
  if (rollout.finish == wire::FinishReason::kLength) ++summary.truncated_count;
  summary.staleness_mean += static_cast<double>(staleness);
  summary.staleness_max = std::max(summary.staleness_max, staleness);
  if (summary.staleness_histogram.size() <= staleness) {
    summary.staleness_histogram.resize(staleness + 1);
  }
  ++summary.staleness_histogram[staleness];
}

void count_group(const algo::GroupAdvantages& group, BatchSummary& summary) {
  if (group.signal != algo::GroupSignal::kEqualRewards) return;
  ++summary.zero_signal_groups;
  ++(group.reward_mean > 0.5 ? summary.all_correct_groups : summary.all_wrong_groups);
}

void finish_means(std::span<const TrainGroup> groups, BatchSummary& summary) {
  std::vector<double> rewards;
  for (const TrainGroup& group : groups) {
    for (const std::optional<double>& reward : group.rewards) {
      reward ? rewards.push_back(*reward) : static_cast<void>(++summary.unscored_count);
    }
  }
  double sum = 0, square = 0;
  for (const double reward : rewards) sum += reward;
  summary.reward_mean = rewards.empty() ? 0 : sum / static_cast<double>(rewards.size());
  for (const double reward : rewards) square += std::pow(reward - summary.reward_mean, 2);
  if (rewards.size() > 1) {
    summary.reward_std = std::sqrt(square / static_cast<double>(rewards.size() - 1));
  }
  if (summary.rollout_count > 0) {
    summary.length_mean /= summary.rollout_count;
    summary.staleness_mean /= summary.rollout_count;
  }
}

}  // namespace

Result<BuiltBatch> build_train_batch(std::span<const TrainGroup> groups,
                                     const algo::AdvantageOptions& options, PolicyVersion version) {
  std::vector<algo::GroupRewards> rewards;
  for (const TrainGroup& group : groups) rewards.push_back(group.rewards);
  Result<std::vector<algo::GroupAdvantages>> advantages = algo::batch_advantages(rewards, options);
  if (!advantages) return advantages.error();

  BuiltBatch built;
  built.batch.offsets.push_back(0);
  built.batch.group_count = static_cast<std::uint32_t>(groups.size());
  built.summary.group_count = built.batch.group_count;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const algo::GroupAdvantages& credit = (*advantages)[g];
    count_group(credit, built.summary);
    for (std::size_t i = 0; i < groups[g].rollouts.size(); ++i) {
      const wire::Rollout& rollout = *groups[g].rollouts[i];
      count_rollout(rollout, version, built.summary);
      if (credit.is_scored[i] == 0) continue;
      pack(rollout, credit.advantages[i], built.batch);
      built.summary.advantage_min = std::min(built.summary.advantage_min, credit.advantages[i]);
      built.summary.advantage_max = std::max(built.summary.advantage_max, credit.advantages[i]);
    }
    built.advantages.push_back(credit.advantages);
  }
  finish_means(groups, built.summary);
  return built;
}

}  // namespace assay::flow
