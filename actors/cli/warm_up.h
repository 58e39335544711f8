// Supervised warm-up: the stage that makes the base policy, cached by what it depends on.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "actors/cli/run_setup.h"

namespace assay::cli {

struct WarmUpProgress {
  std::uint64_t step = 0, step_count = 0;
  double loss = 0;
  double tokens_per_s = 0;
};

struct WarmUpOutcome {
  bool is_cached = false;
  bool is_interrupted = false;
  double wall_s = 0;
  double final_loss = 0;
};

// Puts the base policy into `folder` (as Learner::save() writes it, version 0, fresh optimiser):
// from the cache where an earlier run made the same one, otherwise by training on demonstrations.
// Does nothing when the folder is there already.
Result<WarmUpOutcome> make_base_policy(const RunSetup& setup, const std::string& folder,
                                       const std::function<void(const WarmUpProgress&)>& progress,
                                       const std::atomic<bool>& interrupt);

}  // namespace assay::cli
