#include "actors/cli/run_report.h"

#include <sys/resource.h>

#include <fmt/format.h>
#include <algorithm>

#include "actors/cli/provenance.h"
#include "actors/cli/sample_choice.h"
#include "actors/cli/text_layout.h"
#include "actors/web/verdict_text.h"
#include "runtime/store/ledger_reader.h"

namespace assay::cli {

namespace {

algo::HealthMetrics health_metrics(const actors::StepReport& step, std::uint64_t bound) {
  algo::HealthMetrics metrics;
  const flow::BatchSummary& batch = step.batch;
  metrics.step = step.step;
  metrics.reward_std = batch.reward_std;
  metrics.zero_signal_fraction =
      static_cast<double>(batch.zero_signal_groups) / std::max(1u, batch.group_count);
  metrics.entropy = step.update.entropy;
  metrics.kl_behaviour = step.update.kl_behaviour_k3;
  metrics.kl_reference_token = step.update.kl_reference_k3;
  metrics.kl_reference_sequence = step.update.kl_reference_sequence;
  metrics.ess = step.update.ess;
  metrics.clip_fraction = step.update.clip_low_fraction + step.update.clip_high_fraction;
  metrics.grad_norm = step.update.grad_norm;
  metrics.truncated_fraction =
      static_cast<double>(batch.truncated_count) / std::max(1u, batch.rollout_count);
  metrics.length_mean = batch.length_mean;
  metrics.verifier_error_fraction =
      static_cast<double>(batch.unscored_count) / std::max(1u, batch.rollout_count);
  if (step.judged_rollouts > 0) {
    metrics.judged_count = step.judged_rollouts;
    metrics.tripwire_fraction =
        static_cast<double>(step.tripped_rollouts) / static_cast<double>(step.judged_rollouts);
  }
  metrics.staleness_max = batch.staleness_max;
  metrics.staleness_bound = bound;
  return metrics;
}

web::LearningPoint learning_point(const actors::StepReport& step) {
  web::LearningPoint point;
  point.step = step.step;
  point.reward_mean = step.batch.reward_mean;
  point.zero_signal_fraction =
      static_cast<double>(step.batch.zero_signal_groups) / std::max(1u, step.batch.group_count);
  const double groups = std::max(1u, step.batch.group_count);
  point.all_correct_fraction = step.batch.all_correct_groups / groups;
  point.all_wrong_fraction = step.batch.all_wrong_groups / groups;
  point.entropy = step.update.entropy;
  point.kl_behaviour = step.update.kl_behaviour_k3;
  point.clip_low_fraction = step.update.clip_low_fraction;
  point.clip_high_fraction = step.update.clip_high_fraction;
  point.ess = step.update.ess;
  point.grad_norm = step.update.grad_norm;
  point.length_mean = step.batch.length_mean;
  point.staleness_mean = step.batch.staleness_mean;
  if (step.has_chain_checks) point.chain_fraction = step.chain_fraction;
  return point;
}

web::ReportCpu cpu_of(const gpu::EngineMeter& meter) {
  const double total = std::chrono::duration<double>(process_cpu_time()).count();
  const double engine = std::chrono::duration<double>(meter.cpu_time()).count();
  return {total, engine, total > 0 ? (total - engine) / total : 0};
}

// All prompts of all sources as one: the mixed evaluation of a run with several procedural sources.
std::vector<algo::EvaluatedPrompt> all_prompts(const EvalResults& results) {
  std::vector<algo::EvaluatedPrompt> all;
  for (const auto& source : results) all.insert(all.end(), source.begin(), source.end());
  return all;
}

// A prompt without a scored completion has no rate.
std::vector<std::optional<double>> rates_of(const std::vector<algo::EvaluatedPrompt>& prompts) {
  std::vector<std::optional<double>> rates(prompts.size());
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    if (prompts[i].n == 0) continue;
    rates[i] = static_cast<double>(prompts[i].correct) / static_cast<double>(prompts[i].n);
  }
  return rates;
}

std::string title_of(const EvalSet& set) {
  const SourceSettings& source = set.settings.source;
  if (!set.is_procedural) return source.name;
  return source.name + ": " + std::to_string(source.chain.operands_min) + " to " +
         std::to_string(source.chain.operands_max) + " operands";
}

// Longer chains than any that training draws are off its distribution.
bool is_shifted(const EvalSet& set, const std::vector<SourceSettings>& train) {
  return set.is_procedural && std::all_of(train.begin(), train.end(), [&](const auto& source) {
           return source.chain.operands_max < set.settings.source.chain.operands_min;
         });
}

web::ControlSource control_source(const std::string& name,
                                  const std::vector<algo::EvaluatedPrompt>& base,
                                  const std::vector<algo::EvaluatedPrompt>& after,
                                  const std::vector<algo::EvaluatedPrompt>& control,
                                  const algo::EvaluationOptions& evaluation) {
  const std::vector<std::optional<double>> before = rates_of(base), with = rates_of(after),
                                           without = rates_of(control);
  algo::ControlOptions options;
  options.bootstrap = evaluation.bootstrap;
  const std::vector<std::uint32_t> clusters =
      evaluation.is_clustered ? algo::stratum_numbers(base) : std::vector<std::uint32_t>();
  return {name, algo::judge_control({before, with, without, clusters}, options)};
}

Result<web::ReportSource> report_source(const std::string& name, const std::string& title,
                                        const std::vector<algo::EvaluatedPrompt>& base,
                                        const std::vector<algo::EvaluatedPrompt>& after,
                                        const algo::EvaluationOptions& options) {
  web::ReportSource source;
  source.name = name;
  source.title = title;
  Result<algo::SourceEvaluation> evaluation = algo::evaluate_source(base, after, options);
  if (!evaluation) return evaluation.error();
  source.evaluation = std::move(*evaluation);
  return source;
}

}  // namespace

algo::HealthOptions health_options(const HealthSettings& settings) {
  constexpr double kCriticalKl = 3;  // times the warning, as 30 is to the article's 10
  algo::HealthOptions options;
  const auto set = [](algo::HealthThreshold& threshold, double level,
                      std::optional<double> algo::HealthThreshold::*which) {
    if (level <= 0) {
      threshold = {};
    } else {
      threshold.*which = level;
    }
  };
  using algo::HealthThreshold;
  set(options.reward_std_min, settings.min_reward_std, &HealthThreshold::critical);
  set(options.ess_min, settings.min_ess, &HealthThreshold::critical);
  set(options.zero_signal_max, settings.max_zero_variance_fraction, &HealthThreshold::critical);
  set(options.verifier_error_max, settings.max_unscored_fraction, &HealthThreshold::critical);
  set(options.tripwire_max, settings.max_tripwire_fraction, &HealthThreshold::critical);
  set(options.entropy_fraction_min, settings.min_entropy_fraction, &HealthThreshold::warn);
  set(options.entropy_min, settings.min_entropy, &HealthThreshold::warn);
  set(options.grad_norm_absolute_max, settings.max_grad_norm, &HealthThreshold::critical);
  set(options.kl_reference_sequence_max, settings.max_kl, &HealthThreshold::warn);
  if (settings.max_kl > 0) {
    options.kl_reference_sequence_max.critical = kCriticalKl * settings.max_kl;
  }
  return options;
}

bool has_mixed_source(const RunSetup& setup) {
  return setup.eval_sets.size() > 1 &&
         std::all_of(setup.eval_sets.begin(), setup.eval_sets.end(),
                     [](const EvalSet& set) { return set.is_procedural; });
}

std::string verdict_lines(const web::ReportInput& input, std::size_t columns) {
  std::string lines;
  for (const std::string& sentence : web::verdict_sentences(input)) {
    lines += "- " + wrapped(unbroken_percent(one_line(sentence)), columns, 2) + "\n";
  }
  return lines;
}

std::uint64_t peak_memory_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1024;
}

RunReport::RunReport(const RunSetup& setup, std::string command)
    : setup_(setup), health_(health_options(setup.config.health)) {
  input_.run = setup.name;
  input_.command = std::move(command);
  input_.config_sha256 = setup.config_sha256.hex();
  input_.seed = setup.config.seed;
  input_.is_deterministic = setup.config.is_deterministic;
  input_.staleness.bound = setup.config.curator.max_off_policy_steps;
  input_.staleness.histogram.resize(input_.staleness.bound + 1);
}

// The first source that is evaluated while training has the curve.
std::optional<double> RunReport::headline_rate(const StepMetrics& metrics) const {
  for (const EvalSet& set : setup_.eval_sets) {
    if (set.settings.interval == 0) continue;
    const auto found = metrics.pass_at_1.find(set.settings.source.name);
    return found != metrics.pass_at_1.end() ? std::optional(found->second) : std::nullopt;
  }
  return std::nullopt;
}

std::vector<algo::HealthAlert> RunReport::add_step(const std::string& arm,
                                                   const StepMetrics& metrics) {
  const std::lock_guard lock(mutex_);
  const actors::StepReport& step = metrics.report;
  web::LearningPoint& point = learning_[arm].emplace_back(learning_point(step));
  point.eval_pass_1 = headline_rate(metrics);
  if (arm != "true") return {};
  trained_tokens_ += step.update.trained_tokens;
  tripped_rollouts_ += step.tripped_rollouts;
  for (std::size_t i = 0; i < step.batch.staleness_histogram.size(); ++i) {
    const std::uint64_t count = step.batch.staleness_histogram[i];
    (i <= input_.staleness.bound ? input_.staleness.histogram[i] : input_.staleness.overflow) +=
        count;
  }
  std::vector<algo::HealthAlert> alerts =
      health_.observe(health_metrics(step, input_.staleness.bound));
  input_.alerts.insert(input_.alerts.end(), alerts.begin(), alerts.end());
  return alerts;
}

void RunReport::recall(const std::string& arm, const std::vector<StepMetrics>& steps) {
  for (const StepMetrics& step : steps) add_step(arm, step);
  if (arm != "true") return;
  recalled_steps_ = steps.size();
  trained_tokens_ = 0;
}

void RunReport::set_outcome(const std::string& arm, const actors::ArmOutcome& outcome) {
  const std::lock_guard lock(mutex_);
  outcomes_[arm] = outcome;
}

void RunReport::add_provenance(const store::RunPaths& paths) {
  input_.provenance = provenance_of(setup_);
  const auto add = [this](const std::string& name, const std::string& value) {
    input_.provenance.push_back({name, value});
  };
  if (const auto ledger = store::LedgerReader::open(paths.ledger()); ledger) {
    add("weights before training", ledger->header().weights_base.hex());
  }
  for (const auto& [arm, outcome] : outcomes_) {
    add(arm == "true" ? "weights after training" : "weights after " + arm, outcome.weights.hex());
  }
  add("began", utc_time(started_ms_));
  add("ended", utc_time(SystemClock().wall_ms()));
  if (recalled_steps_ > 0) {
    add("resumed", fmt::format("yes: {} of {} updates were made before; times and rates are of the "
                               "rest",
                               recalled_steps_, input_.steps));
  }
}

Result<web::ReportInput> RunReport::finish(const store::RunPaths& paths, const EvalResults& base,
                                           const EvalResults& after,
                                           const std::map<std::string, EvalResults>& controls) {
  const std::lock_guard lock(mutex_);
  input_.wall = wall;
  const actors::ArmOutcome& outcome = outcomes_["true"];
  input_.steps = outcome.steps;
  input_.learning = learning_["true"];
  const bool has_mixed = has_mixed_source(setup_);
  if (has_mixed) {
    Result<web::ReportSource> mixed =
        report_source("mixed", "all lengths together", all_prompts(base), all_prompts(after),
                      evaluation_options(setup_.eval_sets.front(), setup_.config.seed));
    if (!mixed) return mixed.error();
    mixed->is_headline = true;
    input_.sources.push_back(std::move(*mixed));
  }
  for (std::size_t i = 0; i < setup_.eval_sets.size(); ++i) {
    const EvalSet& set = setup_.eval_sets[i];
    const std::string& name = set.settings.source.name;
    Result<web::ReportSource> source = report_source(name, title_of(set), base[i], after[i],
                                                     evaluation_options(set, setup_.config.seed));
    if (!source) return source.error();
    source->is_headline = !has_mixed && i == 0;
    source->is_shifted = is_shifted(set, setup_.config.curator.train);
    input_.sources.push_back(std::move(*source));
  }
  for (const auto& [arm, results] : controls) {
    web::ReportControl control;
    control.arm = arm;
    control.learning = learning_[arm];
    if (has_mixed) {
      control.sources.push_back(
          control_source("mixed", all_prompts(base), all_prompts(after), all_prompts(results),
                         evaluation_options(setup_.eval_sets.front(), setup_.config.seed)));
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
      const EvalSet& set = setup_.eval_sets[i];
      control.sources.push_back(control_source(set.settings.source.name, base[i], after[i],
                                               results[i],
                                               evaluation_options(set, setup_.config.seed)));
    }
    input_.controls.push_back(std::move(control));
  }
  const flow::Accounting& accounting = outcome.accounting;
  input_.accounting = {accounting.issued, accounting.consumed,       {},
                       accounting.open,   outcome.unscored_rollouts, tripped_rollouts_};
  for (const auto& [reason, count] : accounting.dropped) {
    input_.accounting.dropped.push_back({std::string(wire::to_string(reason)), count});
  }
  if (outcome.wall_s > 0) {
    input_.throughput.rollouts_per_s = static_cast<double>(outcome.rollouts) / outcome.wall_s;
    input_.throughput.generated_tokens_per_s =
        static_cast<double>(outcome.generated_tokens) / outcome.wall_s;
    input_.throughput.trained_tokens_per_s = static_cast<double>(trained_tokens_) / outcome.wall_s;
  }
  input_.cpu = cpu_of(*setup_.backend.meter);
  input_.throughput.peak_memory_bytes = static_cast<double>(peak_memory_bytes());
  input_.time_split = {{"generate", outcome.times.generate_s},
                       {"verify", outcome.times.verify_s},
                       {"train", outcome.times.update_s},
                       {"learner waits", outcome.times.wait_s},
                       {"ledger", outcome.times.ledger_s}};
  add_provenance(paths);
  add_samples(setup_, paths, outcome.steps, input_);
  return input_;
}

}  // namespace assay::cli
