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

struct WarmUpListener {
  std::function<void(const WarmUpProgress&)> progress;
  std::function<void(const std::string&)> tell;  // what was passed over or taken up again
};

struct WarmUpOutcome {
  bool is_cached = false;
  bool is_interrupted = false;  // what was done so far is kept and taken up by the next call
  double wall_s = 0;
  double final_loss = 0;
};

// Puts the base policy into `folder` (as Learner::save() writes it, version 0, fresh optimiser, and
// the digest of its weights beside them): from the cache where an earlier run made the same one,
// otherwise by training on demonstrations. Does nothing when it is there already. A damaged base
// policy, in the folder or in the cache, is passed over and made again: it comes out the same.
// `<folder>.part` keeps an unfinished warm-up; a kill costs at most its last ten seconds.
Result<WarmUpOutcome> make_base_policy(const RunSetup& setup, const std::string& folder,
                                       const WarmUpListener& listener,
                                       const std::atomic<bool>& interrupt);

}  // namespace assay::cli
