// metrics.jsonl: what every update did, a line an update; written as the run goes, read on resume.
//
// The keys are those people know from GRPO trainers (reward/all/mean, frac_reward_zero_std,
// off_policy/steps/mean, ...). A line holds all of a StepReport that later stages look at, so a run
// that was killed and resumed reports its whole course.
#pragma once

#include <string>
#include <vector>

#include "actors/arm.h"
#include "runtime/core/result.h"

namespace assay::cli {

// One JSON object without a line break.
std::string metrics_line(const std::string& arm, const actors::StepReport& step);

// The updates that `path` records, in order; none when there is no file.
// A line that cannot be read is passed over: metrics are for looking at, the ledger is the truth.
// Errors: those of reading a file that exists.
Result<std::vector<actors::StepReport>> read_metrics(const std::string& path);

}  // namespace assay::cli
