// Collects what a run did, stage by stage, into the input of its report.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "actors/arm.h"
#include "actors/cli/policy_eval.h"
#include "actors/cli/run_setup.h"
#include "actors/cli/step_metrics.h"
#include "actors/web/report_input.h"
#include "runtime/algo/health.h"
#include "runtime/core/clock.h"

namespace assay::cli {

using EvalResults = std::vector<std::vector<algo::EvaluatedPrompt>>;  // [eval source][prompt]

// Steps are appended from the observer's thread; everything else from the run's own.
class RunReport {
 public:
  RunReport(const RunSetup& setup, std::string command);

  // On resuming: the updates of an arm that an earlier process made, in order.
  void recall(const std::string& arm, const std::vector<StepMetrics>& steps);

  // One update of an arm. Returns the alerts it raised ("true" arm only).
  std::vector<algo::HealthAlert> add_step(const std::string& arm, const StepMetrics& metrics);
  void set_outcome(const std::string& arm, const actors::ArmOutcome& outcome);

  // Puts everything together, with samples from the run's folder; judges controls. Errors: those of
  // algo::evaluate_source.
  Result<web::ReportInput> finish(const store::RunPaths& paths, const EvalResults& base,
                                  const EvalResults& after,
                                  const std::map<std::string, EvalResults>& controls);

  web::WallSeconds wall;
  const std::vector<algo::HealthAlert>& alerts() const { return input_.alerts; }

 private:
  void add_provenance(const store::RunPaths& paths);
  std::optional<double> headline_rate(const StepMetrics& metrics) const;

  const RunSetup& setup_;
  web::ReportInput input_;
  algo::HealthMonitor health_;
  std::mutex mutex_;
  std::int64_t started_ms_ = SystemClock().wall_ms();
  std::uint64_t recalled_steps_ = 0;  // of the "true" arm, by an earlier process
  std::uint64_t trained_tokens_ = 0;  // of the "true" arm, by this one
  std::uint64_t tripped_rollouts_ = 0;
  std::map<std::string, std::vector<web::LearningPoint>> learning_;
  std::map<std::string, actors::ArmOutcome> outcomes_;
};

// The thresholds of the alerts as [health] sets them.
algo::HealthOptions health_options(const HealthSettings& settings);

// Whether the report also shows all sources together: with several procedural ones it does.
bool has_mixed_source(const RunSetup& setup);

// The verdict for a terminal: a sentence an item, wrapped, with a line end after each.
std::string verdict_lines(const web::ReportInput& input, std::size_t columns);

// Peak resident memory of this process, in bytes.
std::uint64_t peak_memory_bytes();

}  // namespace assay::cli
