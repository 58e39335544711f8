// Replay: a run's updates done again from nothing but its base policy and its ledger.
#pragma once

#include <memory>
#include <vector>

#include "actors/arm.h"
#include "gpu/learner.h"
#include "runtime/store/ledger_event.h"
#include "runtime/store/ledger_reader.h"

namespace assay::actors {

// A learner of the arm's shape, which knows the base policy as its reference where the loss asks
// for one; its weights do not matter yet. Errors: those of the engine and of reading the base
// policy.
Result<std::unique_ptr<gpu::Learner>> make_arm_learner(const ArmOptions& options);

// Makes the learner the base policy: version 0, a fresh optimiser. Errors: as Learner::restore().
Result<void> restore_base(const ArmOptions& options, gpu::Learner& learner);

// Does one committed step again. The learner holds the weights before it and afterwards those
// after it, whose digest is returned: the recorded one, if nothing was altered. `groups` are those
// of the step, in batch order. The bits do not depend on threads or instruction set.
// Errors: kCorrupt when the step does not follow the learner's version, or a group lacks a rollout
// or a verdict or comes from the future; those of build_train_batch() and of the learner.
Result<Digest> replay_step(const ArmOptions& options, gpu::Learner& learner,
                           const store::StepRecord& step,
                           const std::vector<store::GroupRecord>& groups);

}  // namespace assay::actors
