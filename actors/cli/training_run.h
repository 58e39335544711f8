// One run from its folder to its report: warm-up, base evaluation, training, final evaluation,
// controls. Every stage that an earlier attempt finished is passed over.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/arm.h"
#include "actors/cli/command.h"
#include "actors/cli/policy_eval.h"
#include "actors/cli/run_launch.h"
#include "actors/cli/run_report.h"
#include "actors/cli/run_setup.h"
#include "actors/cli/stage_status.h"
#include "actors/cli/step_metrics.h"
#include "runtime/store/run_folder.h"
#include "runtime/telemetry/log.h"
#include "runtime/telemetry/metrics_file.h"
#include "runtime/telemetry/progress.h"

namespace assay::cli {

class TrainingRun {
 public:
  // Borrows everything. `command` is what was typed. `interrupt` becomes true on Ctrl-C.
  TrainingRun(CommandContext& context, const RunSetup& setup, const store::RunPaths& paths,
              std::string command, bool is_resume, const std::atomic<bool>& interrupt);

  // Where the workers live; before go(). Without it: in this process.
  void set_place(const WorkPlace& place) { place_ = place; }

  // Errors: what a stage said. An interrupted run is no error: it returns the signal's exit code
  // after a checkpoint.
  Result<ExitCode> go();

 private:
  Result<ExitCode> go_through_stages();
  Result<void> open_logs();
  Result<void> warm_up();
  Result<EvalResults> evaluate(const std::string& folder, const std::string& arm,
                               std::uint64_t step, const std::string& title);
  struct EvalJob {
    std::string policy;  // folder of the checkpoint
    std::string place;   // folder of the results
    std::string title;
    std::uint32_t samples = 0;
  };
  // The results of an earlier attempt, or those of evaluate_one.
  Result<std::vector<algo::EvaluatedPrompt>> results_of(
      std::shared_ptr<const gpu::Weights>& weights, const EvalSet& set, const EvalJob& job);
  Result<std::vector<algo::EvaluatedPrompt>> evaluate_one(
      std::shared_ptr<const gpu::Weights>& weights, const EvalSet& set, const EvalJob& job);
  Result<void> announce(const std::string& title, const EvalResults& results);
  Result<void> announce_one(const std::string& title, const std::string& source,
                            const std::vector<algo::EvaluatedPrompt>& prompts, const EvalSet& set);
  // Nothing when the arm was interrupted.
  Result<std::optional<EvalResults>> train_and_evaluate(const std::string& arm);
  Result<actors::ArmOutcome> train(const std::string& arm, actors::ArmOptions options);
  // Returns the last step that an earlier attempt announced; 0 when none did.
  Result<std::uint64_t> restore_steps(const std::string& arm, const std::string& metrics_path);
  actors::StepFinding observe(const std::string& arm, const StepMetrics& step,
                              telemetry::MetricsFile& metrics);
  // The evaluations that are due at this step, by source. Without weights none is.
  std::map<std::string, double> evaluate_meanwhile(
      std::uint64_t step, const std::shared_ptr<const gpu::Weights>& weights);
  bool is_eval_due(const EvalSourceSettings& settings, std::uint64_t step) const;
  std::string step_line(const std::string& arm, const actors::StepReport& step);
  // The mean reward of the base policy on training prompts, drawn once a run.
  Result<double> base_reward();
  Result<ExitCode> finish(const EvalResults& base, const EvalResults& after,
                          const std::map<std::string, EvalResults>& controls);
  std::string eval_folder(const std::string& arm, std::uint64_t step,
                          const std::string& source) const;
  ExitCode interrupted();
  void tick(const std::string& progress);
  void say(const std::string& text);

  CommandContext& context_;
  const RunSetup& setup_;
  const store::RunPaths& paths_;
  const std::atomic<bool>& interrupt_;
  SystemClock clock_;
  telemetry::Progress progress_;
  RunReport report_;
  StageStatus stage_;
  std::shared_ptr<const telemetry::LogFolder> logs_;
  telemetry::ActorLog log_;
  std::vector<double> rewards_;  // of the arm in hand, for the sparkline
  std::uint32_t lost_workers_ = 0;
  WorkPlace place_;
  bool is_resume_ = false;
  bool is_health_stop_ = false;
  double stage_s_ = 0;  // of the last evaluation
};

}  // namespace assay::cli
