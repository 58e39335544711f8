#include "actors/cli/training_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "actors/cli/interrupt.h"
#include "actors/cli/step_metrics.h"
#include "actors/cli/warm_up.h"
#include "actors/web/report_page.h"
#include "actors/web/summary.h"
#include "runtime/core/file.h"

namespace assay::cli {

namespace {

constexpr std::size_t kSparklineWidth = 8;

std::string percent(const algo::Interval& rate) {
  return fmt::format("{:.1f} ±{:.1f}", 100 * rate.value, 50 * (rate.high - rate.low));
}

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

}  // namespace

TrainingRun::TrainingRun(CommandContext& context, const RunSetup& setup,
                         const store::RunPaths& paths, std::string command, bool is_resume,
                         const std::atomic<bool>& interrupt)
    : context_(context),
      setup_(setup),
      paths_(paths),
      interrupt_(interrupt),
      progress_(context.err, clock_,
                {context.is_err_terminal, context.is_quiet(),
                 static_cast<std::size_t>(std::max(context.columns, 20))}),
      report_(setup, std::move(command)),
      stage_(setup, paths),
      is_resume_(is_resume) {}

// Progress of a stage that the status knows only from here.
void TrainingRun::tick(const std::string& progress) {
  stage_.say(progress);
  progress_.tick(progress);
}

void TrainingRun::say(const std::string& text) {
  progress_.say(text);
  log_.write(telemetry::LogLevel::kInfo, text);
}

ExitCode TrainingRun::interrupted() {
  say("interrupted, nothing is lost; go on with the same command and --resume");
  return interrupt_exit_code();
}

Result<ExitCode> TrainingRun::go() {
  Result<ExitCode> code = go_through_stages();
  // A stage that was cut short says so as an error; the person who pressed Ctrl-C knows why.
  if (!code && interrupt_ && code.error().code == ErrorCode::kUnavailable) return interrupted();
  if (!code) log_.write(telemetry::LogLevel::kError, code.error().message);
  return code;
}

Result<ExitCode> TrainingRun::go_through_stages() {
  if (auto opened = open_logs(); !opened) return opened.error();
  say(fmt::format("run {}: seed {}, {} updates of {} x {} rollouts, staleness bound {}{}",
                  setup_.name, setup_.config.seed, setup_.config.max_steps,
                  setup_.config.curator.batch_size, setup_.config.curator.group_size,
                  setup_.config.curator.max_off_policy_steps,
                  setup_.config.is_deterministic ? ", deterministic" : ""));
  if (auto done = warm_up(); !done) return done.error();
  if (interrupt_) return interrupted();
  Result<EvalResults> base = evaluate(paths_.checkpoints() + "/base", "true", 0, "base");
  if (!base) return base.error();
  report_.wall.base_eval = stage_s_;

  Result<std::optional<EvalResults>> after = train_and_evaluate("true");
  if (!after) return after.error();
  if (!*after) return interrupted();
  std::map<std::string, EvalResults> controls;
  for (const std::string& arm : setup_.config.control_arms) {
    const double before = progress_.seconds();
    Result<std::optional<EvalResults>> control = train_and_evaluate(arm);
    if (!control) return control.error();
    if (!*control) return interrupted();
    controls[arm] = std::move(**control);
    report_.wall.control += progress_.seconds() - before;
  }
  return finish(*base, **after, controls);
}

Result<void> TrainingRun::open_logs() {
  const Result<telemetry::LogLevel> level = telemetry::parse_log_level(setup_.config.log_level);
  if (!level) return level.error();
  Result<telemetry::LogFolder> folder = telemetry::LogFolder::create(paths_.root(), *level);
  if (!folder) return folder.error();
  logs_ = std::make_shared<const telemetry::LogFolder>(std::move(*folder));
  Result<telemetry::ActorLog> log = logs_->open("run");
  if (!log) return log.error();
  log_ = *log;
  return {};
}

Result<void> TrainingRun::warm_up() {
  stage_.enter("warm-up", 0);
  const WarmUpListener listener = {
      [this](const WarmUpProgress& now) {
        tick(fmt::format("warm-up step {}/{}  loss {:.3f}  {:.0f} tokens/s", now.step,
                         now.step_count, now.loss, now.tokens_per_s));
      },
      [this](const std::string& text) { say(text); }};
  if (auto made = make_folders(paths_.checkpoints()); !made) return made.error();
  Result<WarmUpOutcome> outcome =
      make_base_policy(setup_, paths_.checkpoints() + "/base", listener, interrupt_);
  if (!outcome) return outcome.error();
  if (outcome->is_interrupted) return {};
  report_.wall.sft = outcome->wall_s;
  report_.wall.is_sft_cached = outcome->is_cached;
  say(outcome->is_cached
          ? "base policy: taken from an earlier warm-up with the same settings"
          : fmt::format("base policy: {} warm-up steps in {:.1f} s, loss {:.3f}",
                        setup_.config.sft.steps, outcome->wall_s, outcome->final_loss));
  return {};
}

std::string TrainingRun::eval_folder(const std::string& arm, std::uint64_t step,
                                     const std::string& source) const {
  if (arm == "true") return paths_.eval(step, source);
  return paths_.root() + "/controls/" + arm + "/eval/step_" + std::to_string(step) + "/" + source;
}

Result<EvalResults> TrainingRun::evaluate(const std::string& folder, const std::string& arm,
                                          std::uint64_t step, const std::string& title) {
  const double before = progress_.seconds();
  stage_.enter(title + " evaluation", step);
  EvalResults all;
  std::shared_ptr<const gpu::Weights> weights;
  for (const EvalSet& set : setup_.eval_sets) {
    Result<std::vector<algo::EvaluatedPrompt>> results = results_of(
        weights, set,
        {folder, eval_folder(arm, step, set.settings.source.name), title, set.settings.samples});
    if (!results) return results.error();
    all.push_back(std::move(*results));
  }
  stage_s_ = progress_.seconds() - before;
  if (auto said = announce(title, all); !said) return said.error();
  return all;
}

Result<std::vector<algo::EvaluatedPrompt>> TrainingRun::results_of(
    std::shared_ptr<const gpu::Weights>& weights, const EvalSet& set, const EvalJob& job) {
  const std::string file = job.place + "/results.json";
  return is_resume_ && path_exists(file) ? read_results(file) : evaluate_one(weights, set, job);
}

// Loads the weights for the first set that needs them.
Result<std::vector<algo::EvaluatedPrompt>> TrainingRun::evaluate_one(
    std::shared_ptr<const gpu::Weights>& weights, const EvalSet& set, const EvalJob& job) {
  if (weights == nullptr) {
    Result<std::shared_ptr<const gpu::Weights>> loaded =
        gpu::load_weights(setup_.backend, job.policy);
    if (!loaded) return loaded.error();
    weights = std::move(*loaded);
  }
  if (auto made = make_folders(job.place); !made) return made.error();
  const EvalRequest request{job.samples, 0, setup_.config.seed, job.place + "/samples.jsonl"};
  const auto progress = [&](const EvalProgress& now) {
    tick(fmt::format("{} evaluation of {}: {}/{} completions", job.title, now.source, now.done,
                     now.total));
  };
  Result<std::vector<algo::EvaluatedPrompt>> results =
      evaluate_set(setup_, weights, set, request, progress, interrupt_);
  if (!results) return results.error();
  if (auto written = write_results(job.place + "/results.json", *results); !written) {
    return written.error();
  }
  return results;
}

Result<void> TrainingRun::announce(const std::string& title, const EvalResults& results) {
  std::vector<algo::EvaluatedPrompt> all;
  for (std::size_t i = 0; i < results.size(); ++i) {
    all.insert(all.end(), results[i].begin(), results[i].end());
    const EvalSet& set = setup_.eval_sets[i];
    if (auto said = announce_one(title, set.settings.source.name, results[i], set); !said) {
      return said.error();
    }
  }
  if (!has_mixed_source(setup_)) return {};
  return announce_one(title, "mixed", all, setup_.eval_sets.front());
}

Result<void> TrainingRun::announce_one(const std::string& title, const std::string& source,
                                       const std::vector<algo::EvaluatedPrompt>& prompts,
                                       const EvalSet& set) {
  const algo::EvaluationOptions options = evaluation_options(set, setup_.config.seed);
  Result<algo::PolicyEvaluation> evaluation = algo::evaluate_policy(prompts, options);
  if (!evaluation) return evaluation.error();
  std::string line = fmt::format("{:<8} {:<9}", title, source);
  for (const algo::CurvePoint& point : evaluation->pass_curve) {
    if (point.k == 1 || point.k == options.headline_k) {
      line += fmt::format("  pass@{} {}", point.k, percent(point.rate));
    }
  }
  say(line + fmt::format("   ({} prompts)", evaluation->prompt_count));
  return {};
}

std::string TrainingRun::step_line(const std::string& arm, const actors::StepReport& step) {
  return fmt::format(
      "{}step {:>4}  reward {:.2f} {}  entropy {:.2f}  kl {:.4f}  stale {:.1f}  {:.0f} tokens/s{}",
      arm == "true" ? "" : arm + " ", step.step, step.batch.reward_mean,
      telemetry::sparkline(rewards_, kSparklineWidth), step.update.entropy,
      step.update.kl_behaviour_k3, step.batch.staleness_mean,
      static_cast<double>(step.generated_tokens) / std::max(step.seconds, 1e-3),
      step.tripped_rollouts > 0 ? fmt::format("  {} tripped", step.tripped_rollouts) : "");
}

// The last step has an evaluation of its own.
bool TrainingRun::is_eval_due(const EvalSourceSettings& settings, std::uint64_t step) const {
  return settings.interval > 0 && step % settings.interval == 0 && step < setup_.config.max_steps;
}

std::map<std::string, double> TrainingRun::evaluate_meanwhile(
    std::uint64_t step, const std::shared_ptr<const gpu::Weights>& weights) {
  std::map<std::string, double> rates;
  for (const EvalSet& set : setup_.eval_sets) {
    const EvalSourceSettings& settings = set.settings;
    if (weights == nullptr || !is_eval_due(settings, step)) continue;
    const std::uint32_t samples =
        settings.interval_samples > 0 ? settings.interval_samples : settings.samples;
    const EvalRequest request{samples, settings.interval_prompts, setup_.config.seed, ""};
    const Result<std::vector<algo::EvaluatedPrompt>> results = evaluate_set(
        setup_, weights, set, request, [](const EvalProgress&) {}, interrupt_);
    if (!results) {
      log_.write(telemetry::LogLevel::kWarn, results.error().message);
    } else if (const std::optional<double> rate = pass_at_1(*results)) {
      say(fmt::format("step {} {:<9}  pass@1 {:.1f}   ({} prompts)", step, settings.source.name,
                      100 * *rate, results->size()));
      rates[settings.source.name] = *rate;
    }
  }
  return rates;
}

actors::StepFinding TrainingRun::observe(const std::string& arm, const StepMetrics& seen,
                                         telemetry::MetricsFile& metrics) {
  const actors::StepReport& step = seen.report;
  const std::vector<algo::HealthAlert> alerts = report_.add_step(arm, seen);
  if (auto written = metrics.append(metrics_line(arm, seen)); !written) {
    log_.write(telemetry::LogLevel::kWarn, written.error().message);
  }
  rewards_.push_back(step.batch.reward_mean);
  progress_.tick(step_line(arm, step));
  bool is_critical = false;
  for (const algo::HealthAlert& alert : alerts) {
    say(fmt::format("{}: {} is {:.3g} at step {} (threshold {:.3g}). {}",
                    algo::to_string(alert.level), alert.signal, alert.value, alert.step,
                    alert.threshold, alert.advice));
    is_critical |= alert.level == algo::HealthLevel::kCritical;
  }
  is_health_stop_ |= is_critical && setup_.config.health.stop;
  return {is_health_stop_ ? actors::StepDecision::kStop : actors::StepDecision::kContinue, alerts};
}

Result<double> TrainingRun::base_reward() {
  constexpr std::uint64_t kPrompts = 256;
  constexpr std::uint32_t kSamples = 4;
  const std::string file = paths_.training_rewards();
  const EvalSet set = training_sample(setup_, kPrompts);
  std::shared_ptr<const gpu::Weights> weights;
  const EvalJob job{paths_.checkpoints() + "/base", folder_of(file), "base", kSamples};
  Result<std::vector<algo::EvaluatedPrompt>> results = results_of(weights, set, job);
  if (!results) return results.error();
  return correct_fraction(*results);
}

Result<std::uint64_t> TrainingRun::restore_steps(const std::string& arm,
                                                 const std::string& metrics_path) {
  Result<std::vector<StepMetrics>> steps = read_metrics(metrics_path);
  if (!steps) return steps.error();
  report_.recall(arm, *steps);
  for (const StepMetrics& step : *steps) rewards_.push_back(step.report.batch.reward_mean);
  return steps->empty() ? std::uint64_t{0} : steps->back().report.step;
}

Result<actors::ArmOutcome> TrainingRun::train(const std::string& arm, actors::ArmOptions options) {
  const std::string metrics_path =
      arm == "true" ? paths_.metrics() : folder_of(options.ledger_path) + "/metrics.jsonl";
  rewards_.clear();
  if (is_resume_) {
    Result<std::uint64_t> announced = restore_steps(arm, metrics_path);
    if (!announced) return announced.error();
    options.announced_steps = *announced;
  }
  Result<telemetry::MetricsFile> metrics = telemetry::MetricsFile::open(metrics_path);
  if (!metrics) return metrics.error();
  stage_.leave();  // the arm answers for itself
  // A control shows its reward curve; its evaluations are before and after.
  const auto is_any_due = [this](std::uint64_t step) {
    return std::any_of(setup_.eval_sets.begin(), setup_.eval_sets.end(),
                       [&](const EvalSet& set) { return is_eval_due(set.settings, step); });
  };
  if (arm == "true") options.wants_weights = is_any_due;
  const auto observer = [&](const actors::StepReport& step,
                            const std::shared_ptr<const gpu::Weights>& weights) {
    return observe(arm, {step, evaluate_meanwhile(step.step, weights)}, *metrics);
  };
  return actors::run_arm(options, observer, interrupt_);
}

Result<std::optional<EvalResults>> TrainingRun::train_and_evaluate(const std::string& arm) {
  const Result<double> reward = arm == "random_iid" ? base_reward() : correct_fraction({});
  if (!reward) return reward.error();
  Result<actors::ArmOptions> options = make_arm_options(setup_, paths_, arm, *reward, is_resume_);
  if (!options) return options.error();
  options->logs = logs_;
  options->cluster = place_.cluster;
  options->local_capacities = place_.local;
  options->tell = [this](const std::string& text) { say(text); };
  if (auto made = make_folders(folder_of(options->ledger_path)); !made) return made.error();
  if (auto made = make_folders(options->checkpoints_folder); !made) return made.error();
  const double before = progress_.seconds();
  Result<actors::ArmOutcome> outcome = train(arm, std::move(*options));
  if (!outcome) return outcome.error();
  report_.set_outcome(arm, *outcome);
  lost_workers_ += outcome->lost_workers;
  if (outcome->end == actors::ArmEnd::kInterrupted) return std::optional<EvalResults>();
  const double seconds = progress_.seconds() - before;
  if (arm == "true") report_.wall.rl = seconds;
  say(fmt::format("{}: {} updates in {:.1f} s, {} groups issued, {} consumed, weights {}",
                  arm == "true" ? "trained" : "control " + arm, outcome->steps, seconds,
                  outcome->accounting.issued, outcome->accounting.consumed,
                  outcome->weights.short_hex()));
  Result<EvalResults> results =
      evaluate(outcome->final_folder, arm, outcome->steps, arm == "true" ? "after" : "control");
  if (!results) return results.error();
  if (arm == "true") report_.wall.final_eval = stage_s_;
  return std::optional<EvalResults>(std::move(*results));
}

Result<ExitCode> TrainingRun::finish(const EvalResults& base, const EvalResults& after,
                                     const std::map<std::string, EvalResults>& controls) {
  report_.wall.total = progress_.seconds();
  Result<web::ReportInput> input = report_.finish(paths_, base, after, controls);
  if (!input) return input.error();
  if (auto made = make_folders(paths_.report()); !made) return made.error();
  if (auto written = web::write_report(*input, paths_.report()); !written) return written.error();
  log_.write(telemetry::LogLevel::kInfo, web::verdict_sentence(*input));
  if (!context_.is_quiet()) {
    context_.err << verdict_lines(*input, context_.err_columns());
  }
  if (context_.format == OutputFormat::kJson) {
    context_.out << web::summary_json(*input);
  } else {
    context_.out << "report: " << paths_.report_page() << "\n";
  }
  if (is_health_stop_) return ExitCode::kGate;
  if (lost_workers_ == 0) return ExitCode::kDone;
  say(fmt::format("{} workers died too often and were given up; see {}", lost_workers_,
                  paths_.log("supervisor")));
  return ExitCode::kDegraded;
}

}  // namespace assay::cli
