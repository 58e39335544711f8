#include <unistd.h>

#include <csignal>

#include <fmt/format.h>
#include <atomic>
#include <chrono>
#include <fstream>
#include <nlohmann/json.hpp>

#include "actors/arm.h"
#include "actors/cli/commands.h"
#include "actors/cli/option_set.h"
#include "actors/cli/policy_eval.h"
#include "actors/cli/run_report.h"
#include "actors/cli/run_setup.h"
#include "actors/cli/warm_up.h"
#include "actors/web/report_page.h"
#include "runtime/core/file.h"
#include "runtime/store/run_folder.h"
#include "runtime/telemetry/metrics_file.h"

namespace assay::cli {

namespace {

std::atomic<bool> g_interrupt = false;
std::atomic<int> g_signal = 0;

// The second signal ends the process at once: a person who insists is right.
extern "C" void on_signal(int number) {
  if (g_interrupt.exchange(true)) ::_exit(128 + number);
  g_signal = number;
}

void listen_to_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Talks to people: one line that moves on a terminal, milestones in a pipe.
class Narrator {
 public:
  explicit Narrator(CommandContext& context) : context_(context) {}

  void say(const std::string& text) {
    clear();
    if (!context_.is_quiet()) {
      context_.err << fmt::format("[{:6.1f}s] ", seconds_since(start_)) << text << std::endl;
    }
  }

  // At most ten a second on a terminal, one in ten seconds in a pipe.
  void tick(const std::string& text) {
    const double pause = context_.is_err_terminal ? 0.1 : 10.0;
    if (context_.is_quiet() || seconds_since(last_) < pause) return;
    last_ = std::chrono::steady_clock::now();
    if (!context_.is_err_terminal) return say(text);
    std::string line = fmt::format("[{:6.1f}s] {}", seconds_since(start_), text);
    line.resize(static_cast<std::size_t>(std::max(context_.columns - 1, 20)), ' ');
    context_.err << '\r' << line << std::flush;
    is_line_open_ = true;
  }

  double seconds() const { return seconds_since(start_); }

 private:
  void clear() {
    if (is_line_open_) context_.err << "\r\x1b[2K";
    is_line_open_ = false;
  }

  CommandContext& context_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_;
  bool is_line_open_ = false;
};

std::string percent(const algo::Interval& rate) {
  return fmt::format("{:.1f} ±{:.1f}", 100 * rate.value, 50 * (rate.high - rate.low));
}

std::string metrics_line(const std::string& arm, const actors::StepReport& step) {
  const nlohmann::json line = {
      {"arm", arm},
      {"step", step.step},
      {"reward/all/mean", step.batch.reward_mean},
      {"reward/all/std", step.batch.reward_std},
      {"frac_reward_zero_std",
       static_cast<double>(step.batch.zero_signal_groups) / std::max(1u, step.batch.group_count)},
      {"groups/all_correct", step.batch.all_correct_groups},
      {"groups/all_wrong", step.batch.all_wrong_groups},
      {"entropy/all/mean", step.update.entropy},
      {"mismatch_kl/all/mean", step.update.kl_behaviour_k3},
      {"clip_ratio/low_mean", step.update.clip_low_fraction},
      {"clip_ratio/high_mean", step.update.clip_high_fraction},
      {"clip_ratio/dual_mean", step.update.clip_dual_fraction},
      {"importance/ess", step.update.ess},
      {"importance/masked_fraction", step.update.masked_fraction},
      {"ratio/min", step.update.ratio_min},
      {"ratio/mean", step.update.ratio_mean},
      {"ratio/max", step.update.ratio_max},
      {"optim/lr", step.update.lr},
      {"optim/grad_norm", step.update.grad_norm},
      {"optim/skipped_steps", step.update.skipped_steps},
      {"loss", step.update.loss},
      {"completions/mean_length", step.batch.length_mean},
      {"completions/clipped_ratio",
       static_cast<double>(step.batch.truncated_count) / std::max(1u, step.batch.rollout_count)},
      {"completions/chain_fraction",
       step.has_chain_checks ? nlohmann::json(step.chain_fraction) : nlohmann::json(nullptr)},
      {"off_policy/steps/mean", step.batch.staleness_mean},
      {"off_policy/steps/max", step.batch.staleness_max},
      {"errored_rollouts/all", step.verifier_errors},
      {"time/train", step.update_s},
      {"time/wait_for_batch", step.wait_s},
      {"time/since_start", step.seconds},
      {"weights", step.weights.hex()}};
  return line.dump();
}

// The last update that an earlier attempt announced; 0 when none did.
std::uint64_t announced_steps(const std::string& metrics_path) {
  std::ifstream file(metrics_path);
  std::uint64_t step = 0;
  for (std::string line; std::getline(file, line);) {
    const nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
    if (object.is_object()) step = object.value("step", step);
  }
  return step;
}

// One run from its folder to its report; every stage that is already done is passed over.
class Run {
 public:
  Run(CommandContext& context, const RunSetup& setup, const store::RunPaths& paths,
      std::string command, bool is_resume)
      : narrator_(context),
        context_(context),
        setup_(setup),
        paths_(paths),
        report_(setup, std::move(command)),
        is_resume_(is_resume) {}

  Result<ExitCode> go() {
    narrator_.say(fmt::format(
        "run {}: seed {}, {} updates of {} x {} rollouts, staleness bound {}{}", setup_.name,
        setup_.config.seed, setup_.config.max_steps, setup_.config.curator.batch_size,
        setup_.config.curator.group_size, setup_.config.curator.max_off_policy_steps,
        setup_.config.is_deterministic ? ", deterministic" : ""));
    if (auto done = warm_up(); !done) return done.error();
    if (g_interrupt) return interrupted();
    Result<EvalResults> base = evaluate(paths_.checkpoints() + "/base", "true", 0, "base");
    if (!base && is_interruption(base.error())) return interrupted();
    if (!base) return base.error();
    base_rates_ = *base;
    report_.wall.base_eval = stage_s_;

    Result<std::optional<EvalResults>> after = train_and_evaluate("true");
    if (!after) return after.error();
    if (!*after) return interrupted();
    std::map<std::string, EvalResults> controls;
    for (const std::string& arm : setup_.config.control_arms) {
      const double before = narrator_.seconds();
      Result<std::optional<EvalResults>> control = train_and_evaluate(arm);
      if (!control) return control.error();
      if (!*control) return interrupted();
      controls[arm] = std::move(**control);
      report_.wall.control += narrator_.seconds() - before;
    }
    return finish(*base, **after, controls);
  }

 private:
  Result<void> warm_up() {
    const WarmUpListener listener = {
        [this](const WarmUpProgress& now) {
          narrator_.tick(fmt::format("warm-up step {}/{}  loss {:.3f}  {:.0f} tokens/s", now.step,
                                     now.step_count, now.loss, now.tokens_per_s));
        },
        [this](const std::string& text) { narrator_.say(text); }};
    if (auto made = make_folders(paths_.checkpoints()); !made) return made.error();
    Result<WarmUpOutcome> outcome =
        make_base_policy(setup_, paths_.checkpoints() + "/base", listener, g_interrupt);
    if (!outcome) return outcome.error();
    if (outcome->is_interrupted) return {};
    report_.wall.sft = outcome->wall_s;
    report_.wall.is_sft_cached = outcome->is_cached;
    narrator_.say(outcome->is_cached
                      ? "base policy: taken from an earlier warm-up with the same settings"
                      : fmt::format("base policy: {} warm-up steps in {:.1f} s, loss {:.3f}",
                                    setup_.config.sft.steps, outcome->wall_s, outcome->final_loss));
    return {};
  }

  std::string eval_folder(const std::string& arm, std::uint64_t step, const std::string& source) {
    if (arm == "true") return paths_.eval(step, source);
    return paths_.root() + "/controls/" + arm + "/eval/step_" + std::to_string(step) + "/" + source;
  }

  Result<EvalResults> evaluate(const std::string& folder, const std::string& arm,
                               std::uint64_t step, const std::string& title) {
    const double before = narrator_.seconds();
    EvalResults all;
    std::shared_ptr<const gpu::Weights> weights;
    for (const EvalSet& set : setup_.eval_sets) {
      const std::string place = eval_folder(arm, step, set.settings.source.name);
      const std::string file = place + "/results.json";
      if (is_resume_ && path_exists(file)) {
        Result<std::vector<algo::EvaluatedPrompt>> known = read_results(file);
        if (!known) return known.error();
        all.push_back(std::move(*known));
        continue;
      }
      if (weights == nullptr) {
        Result<std::shared_ptr<const gpu::Weights>> loaded =
            gpu::load_weights(setup_.backend, folder);
        if (!loaded) return loaded.error();
        weights = std::move(*loaded);
      }
      if (auto made = make_folders(place); !made) return made.error();
      EvalRequest request{set.settings.samples, 0, setup_.config.seed, place + "/samples.jsonl"};
      const auto progress = [&](const EvalProgress& now) {
        narrator_.tick(fmt::format("{} evaluation of {}: {}/{} completions", title, now.source,
                                   now.done, now.total));
      };
      Result<std::vector<algo::EvaluatedPrompt>> results =
          evaluate_set(setup_, weights, set, request, progress, g_interrupt);
      if (!results) return results.error();
      if (auto written = write_results(file, *results); !written) return written.error();
      all.push_back(std::move(*results));
    }
    stage_s_ = narrator_.seconds() - before;
    if (auto said = announce(title, all); !said) return said.error();
    return all;
  }

  Result<void> announce(const std::string& title, const EvalResults& results) {
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

  Result<void> announce_one(const std::string& title, const std::string& source,
                            const std::vector<algo::EvaluatedPrompt>& prompts, const EvalSet& set) {
    const algo::EvaluationOptions options = evaluation_options(set, setup_.config.seed);
    Result<algo::PolicyEvaluation> evaluation = algo::evaluate_policy(prompts, options);
    if (!evaluation) return evaluation.error();
    std::string line = fmt::format("{:<8} {:<9}", title, source);
    for (const algo::CurvePoint& point : evaluation->pass_curve) {
      if (point.k == 1 || point.k == options.headline_k) {
        line += fmt::format("  pass@{} {}", point.k, percent(point.rate));
      }
    }
    narrator_.say(line + fmt::format("   ({} prompts)", evaluation->prompt_count));
    return {};
  }

  actors::StepDecision observe(const std::string& arm, const actors::StepReport& step,
                               telemetry::MetricsFile& metrics) {
    const std::vector<algo::HealthAlert> alerts = report_.add_step(arm, step);
    // The ledger has what training needs; a line that is missing here is said and no more.
    if (auto written = metrics.append(metrics_line(arm, step)); !written) {
      narrator_.say("metrics of step " + std::to_string(step.step) +
                    " not kept: " + written.error().message);
    }
    narrator_.tick(fmt::format(
        "{}step {:>4}  reward {:.2f}  entropy {:.2f}  kl {:.4f}  stale {:.1f}  {:.0f} tokens/s",
        arm == "true" ? "" : arm + " ", step.step, step.batch.reward_mean, step.update.entropy,
        step.update.kl_behaviour_k3, step.batch.staleness_mean,
        static_cast<double>(step.generated_tokens) / std::max(step.seconds, 1e-3)));
    bool is_critical = false;
    for (const algo::HealthAlert& alert : alerts) {
      narrator_.say(fmt::format("{}: {} is {:.3g} at step {} (threshold {:.3g}). {}",
                                algo::to_string(alert.level), alert.signal, alert.value, alert.step,
                                alert.threshold, alert.advice));
      is_critical |= alert.level == algo::HealthLevel::kCritical;
    }
    is_health_stop_ |= is_critical && setup_.config.health.stop;
    return is_health_stop_ ? actors::StepDecision::kStop : actors::StepDecision::kContinue;
  }

  double base_reward() const {
    double sum = 0, count = 0;
    for (const algo::EvaluatedPrompt& prompt : base_rates_.front()) {
      sum += static_cast<double>(prompt.correct);
      count += static_cast<double>(prompt.n);
    }
    return count == 0 ? 0.5 : sum / count;
  }

  // Nothing when the arm was interrupted.
  Result<std::optional<EvalResults>> train_and_evaluate(const std::string& arm) {
    Result<actors::ArmOptions> options =
        make_arm_options(setup_, paths_, arm, base_reward(), is_resume_);
    if (!options) return options.error();
    options->tell = [this](const std::string& text) { narrator_.say(text); };
    const std::string ledger_folder =
        options->ledger_path.substr(0, options->ledger_path.rfind('/'));
    if (auto made = make_folders(ledger_folder); !made) return made.error();
    if (auto made = make_folders(options->checkpoints_folder); !made) return made.error();
    const std::string metrics_path =
        arm == "true" ? paths_.metrics() : ledger_folder + "/metrics.jsonl";
    options->announced_steps = announced_steps(metrics_path);
    Result<telemetry::MetricsFile> metrics = telemetry::MetricsFile::open(metrics_path);
    if (!metrics) return metrics.error();
    const double before = narrator_.seconds();
    Result<actors::ArmOutcome> outcome = actors::run_arm(
        *options, [&](const actors::StepReport& step) { return observe(arm, step, *metrics); },
        g_interrupt);
    if (!outcome) return outcome.error();
    report_.set_outcome(arm, *outcome);
    if (outcome->end == actors::ArmEnd::kInterrupted) return std::optional<EvalResults>();
    if (arm == "true") report_.wall.rl = narrator_.seconds() - before;
    narrator_.say(fmt::format(
        "{}: {} updates in {:.1f} s, {} groups issued, {} consumed, weights {}",
        arm == "true" ? "trained" : "control " + arm, outcome->steps, narrator_.seconds() - before,
        outcome->accounting.issued, outcome->accounting.consumed, outcome->weights.short_hex()));
    Result<EvalResults> results =
        evaluate(outcome->final_folder, arm, outcome->steps, arm == "true" ? "after" : "control");
    if (!results && is_interruption(results.error())) return std::optional<EvalResults>();
    if (!results) return results.error();
    if (arm == "true") report_.wall.final_eval = stage_s_;
    return std::optional<EvalResults>(std::move(*results));
  }

  Result<ExitCode> finish(const EvalResults& base, const EvalResults& after,
                          const std::map<std::string, EvalResults>& controls) {
    report_.wall.total = narrator_.seconds();
    Result<web::ReportInput> input = report_.finish(base, after, controls);
    if (!input) return input.error();
    if (auto made = make_folders(paths_.report()); !made) return made.error();
    if (auto written = web::write_report(*input, paths_.report()); !written) return written.error();
    narrator_.say(web::verdict_sentence(*input));
    context_.out << "report: " << paths_.report_page() << "\n";
    return is_health_stop_ ? ExitCode::kGate : ExitCode::kDone;
  }

  // An evaluation gives up when asked to; it is done again from its start.
  static bool is_interruption(const Error& error) {
    return g_interrupt && error.code == ErrorCode::kUnavailable;
  }

  ExitCode interrupted() {
    narrator_.say("interrupted after a checkpoint; go on with the same command and --resume");
    return g_signal == SIGTERM ? ExitCode::kTerminated : ExitCode::kInterrupted;
  }

  Narrator narrator_;
  CommandContext& context_;
  const RunSetup& setup_;
  const store::RunPaths& paths_;
  RunReport report_;
  EvalResults base_rates_;
  bool is_resume_ = false;
  bool is_health_stop_ = false;
  double stage_s_ = 0;
};

std::string joined(const std::vector<std::string>& args) {
  std::string text = "assay run";
  for (const std::string& arg : args) text += " " + arg;
  return text;
}

// A run goes on under the config it was started with, or its history would mix two.
Result<void> check_same_config(const store::RunPaths& paths, const LoadedConfig& loaded) {
  if (!path_exists(paths.resolved_config())) return {};
  config::Request request;
  request.files = {paths.resolved_config()};
  const Result<LoadedConfig> before = load_run_config(request);
  if (!before) return before.error();
  for (const config::ResolvedValue& value : loaded.resolved.values()) {
    const config::ResolvedValue* old = before->resolved.find(value.key);
    if (old != nullptr && old->value == value.value) continue;
    return Error{ErrorCode::kInvalidInput,
                 "the run was started with another configuration: `" + value.key + "` is " +
                     value.value + " and was " + (old == nullptr ? "absent" : old->value),
                 "resume with the same files and flags, or start anew with --clean",
                 paths.resolved_config(), "E802"};
  }
  if (before->resolved.digest() == loaded.resolved.digest()) return {};
  return Error{ErrorCode::kInvalidInput, "the run was started with more sources or verifiers",
               "resume with the same files and flags, or start anew with --clean",
               paths.resolved_config(), "E802"};
}

// What a run would do, and whether its verifiers accept the references they will judge by.
ExitCode dry_run(CommandContext& context, const LoadedConfig& loaded, const RunSetup& setup) {
  context.out << loaded.resolved.to_toml() << "\n" << setup.prompts_description;
  const std::uint64_t count = setup.prompts->prompts_per_epoch();
  std::uint64_t accepted = 0;
  std::string first_refusal;
  for (std::uint64_t i = 0; i < count; ++i) {
    const wire::Prompt prompt = setup.prompts->prompt(0, i);
    const wire::Verdict verdict =
        setup.verifiers.at(prompt.verifier)->verify(prompt, prompt.reference);
    if (verdict.outcome == wire::Outcome::kCorrect) {
      ++accepted;
    } else if (first_refusal.empty()) {
      first_refusal = fmt::format("row {}: reference '{}': {}", prompt.row + 1, prompt.reference,
                                  verdict.reason);
    }
  }
  context.out << fmt::format("verifier: accepts {} of {} reference answers\n", accepted, count);
  if (accepted == count) return ExitCode::kDone;
  return fail(context,
              Error{ErrorCode::kInvalidInput,
                    "a verifier refuses reference answers; " + first_refusal,
                    "correct the row or choose another verifier",
                    {},
                    "E404"},
              ExitCode::kUsage);
}

}  // namespace

ExitCode run_command(CommandContext& context) {
  const std::string command = joined(context.args);
  config::Request request;
  bool is_dry = false, is_resume = false, is_clean = false;
  OptionSet options("run", "Trains a policy with verifiable rewards and reports what was gained.");
  options.config(request);
  options.flag("--dry-run", is_dry, "check everything, print the resolved config, run nothing");
  options.flag("--resume", is_resume, "go on where this run stopped");
  options.flag("--clean", is_clean, "delete an earlier run of this name first");
  options.example("assay run @ configs/arithmetic.toml");
  options.example("assay run @ configs/arithmetic.toml --seed 3 --run.name third");
  options.example("assay run @ configs/gsm8k.toml --dry-run");
  if (auto stop = options.parse(context)) return *stop;
  Result<LoadedConfig> loaded = load_run_config(request);
  if (!loaded) return fail(context, loaded.error());
  Result<RunSetup> setup = make_run_setup(*loaded);
  if (!setup) return fail(context, setup.error(), ExitCode::kUsage);
  if (is_dry) return dry_run(context, *loaded, *setup);

  const store::RunMode mode = is_resume  ? store::RunMode::kResume
                              : is_clean ? store::RunMode::kClean
                                         : store::RunMode::kNew;
  Result<store::RunFolder> folder =
      store::RunFolder::open(setup->config.output_dir + "/" + setup->name, mode);
  if (!folder) {
    const bool is_full = folder.error().code == ErrorCode::kExhausted;
    return fail(context, folder.error(), is_full ? ExitCode::kFailed : ExitCode::kUsage);
  }
  const store::RunPaths& paths = folder->paths();
  if (is_resume) {
    if (auto same = check_same_config(paths, *loaded); !same) {
      return fail(context, same.error(), ExitCode::kUsage);
    }
  }
  if (auto made = make_folders(paths.root() + "/configs"); !made)
    return fail(context, made.error());
  if (auto written = write_file_durably(paths.resolved_config(), loaded->resolved.to_toml());
      !written) {
    return fail(context, written.error());
  }
  listen_to_signals();
  Run run(context, *setup, paths, command, is_resume);
  Result<ExitCode> code = run.go();
  if (!code) return fail(context, code.error(), ExitCode::kFailed);
  return *code;
}

}  // namespace assay::cli
