// Exit codes of `assay`: scripts rely on them, so a number never changes its meaning.
#pragma once

namespace assay::cli {

enum class ExitCode : int {
  kDone = 0,
  kFailed = 1,         // the run failed
  kUsage = 2,          // wrong usage or a wrong config; nothing was started
  kGate = 3,           // a gate was not met: health stop, expectation, coverage
  kUnreachable = 4,    // the run or cluster cannot be reached
  kDegraded = 5,       // finished, but with lost actors or too many unscored verdicts
  kTimedOut = 124,     // `wait` ran out of time
  kInterrupted = 130,  // SIGINT, after a checkpoint
  kTerminated = 143,   // SIGTERM, after a checkpoint
};

}  // namespace assay::cli
