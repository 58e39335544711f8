// metrics.jsonl: what every update did, a line an update; written as the run goes, read on resume.
//
// The keys are those people know from GRPO trainers (reward/all/mean, frac_reward_zero_std,
// off_policy/steps/mean, ...). A line holds all of a StepReport that later stages look at, so a run
// that was killed and resumed reports its whole course.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "actors/arm.h"
#include "runtime/core/result.h"

namespace assay::cli {

struct StepMetrics {
  actors::StepReport report;
  std::map<std::string, double> pass_at_1;  // by eval source, where one was evaluated at this step
};

// One JSON object without a line break.
std::string metrics_line(const std::string& arm, const StepMetrics& step);

// The updates that `path` records, in order; none when there is no file.
// A line that cannot be read is passed over: metrics are for looking at, the ledger is the truth.
// Errors: those of reading a file that exists.
Result<std::vector<StepMetrics>> read_metrics(const std::string& path);

}  // namespace assay::cli
