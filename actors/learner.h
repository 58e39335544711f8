// The learner actor: asks for a batch, updates the policy, makes checkpoints, hands the weights on.
#pragma once

#include <caf/behavior.hpp>

#include <chrono>
#include <memory>
#include <string>

#include "actors/duration_window.h"
#include "actors/messages.h"
#include "gpu/learner.h"
#include "runtime/flow/dispatch_plan.h"
#include "runtime/store/checkpoint.h"
#include "runtime/telemetry/log.h"

namespace assay::actors {

struct LearnerSetup {
  std::shared_ptr<gpu::Learner> learner;
  gpu::UpdateOptions update;
  std::string checkpoints_folder;
  std::uint64_t checkpoint_interval = 0;
  std::uint32_t checkpoint_keep = 0;  // 0: all
  flow::DispatchOptions dispatch;
  telemetry::ActorLog log;
};

struct LearnerState {
  LearnerSetup setup;
  Digest weights;  // of the current version
  bool is_finishing = false;
  std::chrono::steady_clock::time_point asked;
  double busy_s = 0;
  DurationWindow durations;  // of one update
  static inline const char* name = "learner";
};

// Detached: it computes. Checkpoint files are durable before Trained is sent.
caf::behavior learner(caf::stateful_actor<LearnerState>* self, LearnerSetup setup,
                      caf::actor curator, caf::actor supervisor, caf::actor status);

// Saves and seals `step`'s folder. Shared with resuming.
Result<void> write_checkpoint(const gpu::Learner& learner, const store::CheckpointStore& folders,
                              std::uint64_t step, const Digest& weights);

}  // namespace assay::actors
