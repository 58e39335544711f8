// The rollouts of a step for people and scripts: zstd-compressed JSON lines.
//
// Not the truth (that is the ledger): a convenience that may be deleted. Model text that is not
// valid UTF-8 is shown with replacement characters.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runtime/core/result.h"
#include "runtime/wire/prompt.h"
#include "runtime/wire/rollout.h"
#include "runtime/wire/verdict.h"

namespace assay::store {

struct LoggedRollout {
  const wire::Prompt* prompt = nullptr;
  const wire::Rollout* rollout = nullptr;
  const wire::Verdict* verdict = nullptr;  // null when it was never judged
  std::optional<double> advantage;         // absent when it was not trained on
};

// One object without the newline: {"rollout","prompt_id","source","prompt","completion","finish",
// "token_count","version_min","version_max","logprob_mean","outcome","reward","code","reason",
// "advantage"}.
std::string to_json_line(const LoggedRollout& logged);

class RolloutLog {
 public:
  // Creates `<path>` (by convention rollouts/step_N/<name>.jsonl.zst) and its folder.
  static Result<RolloutLog> create(const std::string& path);
  ~RolloutLog();
  RolloutLog(RolloutLog&&) noexcept;
  RolloutLog& operator=(RolloutLog&&) noexcept;

  Result<void> write(const LoggedRollout& logged);
  // Ends the frame and closes the file. Without it the file lacks its last block.
  Result<void> close();

 private:
  struct State;
  explicit RolloutLog(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace assay::store
