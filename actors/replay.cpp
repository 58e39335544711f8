#include "actors/replay.h"

#include <memory>

#include "actors/arm_rules.h"

namespace assay::actors {

namespace {

Error damaged(const store::StepRecord& step, const std::string& what) {
  return Error{ErrorCode::kCorrupt,
               "step " + std::to_string(step.step) + " cannot be done again: " + what,
               {},
               {},
               {}};
}

// A ledger may have been edited by hand: nothing in it is taken for granted.
Result<void> check_group(const store::StepRecord& step, const store::GroupRecord& record) {
  const std::string name = "group " + to_string(record.group);
  for (std::size_t i = 0; i < record.rollouts.size(); ++i) {
    if (!record.rollouts[i] || !record.verdicts[i])
      return damaged(step, name + " lacks a rollout or a verdict");
    if (step.version_in < oldest_version(*record.rollouts[i]))
      return damaged(step, name + " was drawn by weights of the future");
  }
  return {};
}

flow::TrainGroup to_train_group(const store::GroupRecord& record, const flow::RewardRule& rule) {
  flow::TrainGroup group;
  group.id = record.group;
  std::vector<wire::Verdict> verdicts;
  for (std::size_t i = 0; i < record.rollouts.size(); ++i) {
    group.rollouts.push_back(std::make_shared<const wire::Rollout>(*record.rollouts[i]));
    verdicts.push_back(*record.verdicts[i]);
  }
  group.rewards = rule(record.group, verdicts);
  return group;
}

}  // namespace

Result<std::unique_ptr<gpu::Learner>> make_arm_learner(const ArmOptions& options) {
  Result<std::unique_ptr<gpu::Learner>> learner = options.make_learner();
  if (!learner || !options.has_reference) return learner;
  Result<std::shared_ptr<const gpu::Weights>> base =
      gpu::load_weights(options.backend, options.base_folder);
  if (!base) return base.error();
  (*learner)->set_reference(std::move(*base));
  return learner;
}

Result<void> restore_base(const ArmOptions& options, gpu::Learner& learner) {
  if (auto restored = learner.restore(options.base_folder); !restored) return restored.error();
  learner.reset_optimiser(options.optimiser);
  learner.set_version(PolicyVersion{0});
  return {};
}

Result<Digest> replay_step(const ArmOptions& options, gpu::Learner& learner,
                           const store::StepRecord& step,
                           const std::vector<store::GroupRecord>& groups) {
  if (step.version_in != learner.version()) {
    return damaged(step, "it starts from version " + std::to_string(step.version_in.value) +
                             ", and the steps before it lead to version " +
                             std::to_string(learner.version().value));
  }
  const flow::RewardRule rule = reward_rule(options.rewards);
  std::vector<flow::TrainGroup> batch;
  for (const store::GroupRecord& record : groups) {
    if (auto sound = check_group(step, record); !sound) return sound.error();
    batch.push_back(to_train_group(record, rule));
  }
  Result<flow::BuiltBatch> built =
      flow::build_train_batch(batch, options.advantage, step.version_in);
  if (!built) return built.error();
  if (auto done = learner.update(built->batch, options.update); !done) return done.error();
  return learner.publish()->digest();
}

}  // namespace assay::actors
