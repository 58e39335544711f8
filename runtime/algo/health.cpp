#include "runtime/algo/health.h"

#include <algorithm>
#include <cmath>

namespace assay::algo {
namespace {

constexpr std::size_t kGradNormWindow = 50;
constexpr std::size_t kGradNormsNeeded = 10;

std::optional<double> mean_of_first(const std::vector<double>& values, std::size_t needed) {
  if (values.size() < needed || values.empty()) return std::nullopt;
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

std::optional<double> median_of(const std::deque<double>& values) {
  if (values.size() < kGradNormsNeeded) return std::nullopt;
  std::vector<double> sorted(values.begin(), values.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted[sorted.size() / 2];
}

// A threshold given as a multiple of a baseline; off while the baseline is not known yet.
HealthThreshold times(const HealthThreshold& threshold, std::optional<double> baseline) {
  const auto scaled = [&](std::optional<double> factor) {
    return factor && baseline ? std::optional(*factor * *baseline) : std::nullopt;
  };
  return {scaled(threshold.warn), scaled(threshold.critical)};
}

}  // namespace

// One metric at one step, against the thresholds of that step.
struct HealthMonitor::Signal {
  std::string_view name;
  std::optional<double> value;
  HealthThreshold threshold;
  bool is_floor = false;  // bad below the threshold, otherwise above it
  std::string_view advice;

  bool is_beyond(std::optional<double> limit) const {
    if (!limit) return false;
    return is_floor ? *value < *limit : !(*value <= *limit);
  }

  int severity() const {
    if (is_beyond(threshold.critical)) return 2;
    return is_beyond(threshold.warn) ? 1 : 0;
  }

  HealthAlert alert(std::uint64_t step, int severity) const {
    return {step,
            std::string(name),
            severity == 2 ? HealthLevel::kCritical : HealthLevel::kWarn,
            *value,
            (severity == 2 ? threshold.critical : threshold.warn).value_or(0),
            std::string(advice)};
  }
};

std::string_view to_string(HealthLevel level) {
  return level == HealthLevel::kWarn ? "warn" : "critical";
}

HealthOptions article_health_options() {
  HealthOptions options;
  const HealthThreshold off;
  options.zero_signal_max = options.entropy_fraction_min = options.entropy_fraction_max = off;
  options.kl_reference_token_max = options.kl_behaviour_max = options.ess_min = off;
  options.clip_fraction_max = options.grad_norm_max = options.truncated_max = off;
  options.length_drift_max = options.verifier_error_max = options.proxy_gap_max = off;
  options.tripwire_max = off;
  options.reward_std_min = {0.1, std::nullopt};
  options.entropy_min = {2.0, std::nullopt};
  options.kl_reference_sequence_max = {10.0, std::nullopt};
  return options;
}

std::vector<HealthAlert> HealthMonitor::observe(const HealthMetrics& metrics) {
  std::vector<HealthAlert> alerts;
  raise_broken_invariants(metrics, alerts);
  learn_baselines(metrics);
  for (const Signal& signal : signals_of(metrics)) {
    if (signal.value) watch(signal, metrics.step, alerts);
  }
  if (metrics.grad_norm && std::isfinite(*metrics.grad_norm)) {
    grad_norms_.push_back(*metrics.grad_norm);
    if (grad_norms_.size() > kGradNormWindow) grad_norms_.pop_front();
  }
  std::stable_sort(alerts.begin(), alerts.end(),
                   [](const HealthAlert& a, const HealthAlert& b) { return a.level > b.level; });
  return alerts;
}

void HealthMonitor::raise_broken_invariants(const HealthMetrics& metrics,
                                            std::vector<HealthAlert>& alerts) const {
  const auto raise = [&](const char* signal, double value, double threshold, const char* advice) {
    alerts.push_back({metrics.step, signal, HealthLevel::kCritical, value, threshold, advice});
  };
  if (metrics.grad_norm && !std::isfinite(*metrics.grad_norm)) {
    raise("grad_norm", *metrics.grad_norm, 0,
          "The gradient is not finite; the step was skipped. Lower the learning rate.");
  }
  if (metrics.staleness_max && metrics.staleness_bound &&
      *metrics.staleness_max > *metrics.staleness_bound) {
    raise("staleness", static_cast<double>(*metrics.staleness_max),
          static_cast<double>(*metrics.staleness_bound),
          "A rollout older than the bound was trained: this is a defect, please report it.");
  }
}

void HealthMonitor::learn_baselines(const HealthMetrics& metrics) {
  const auto learn = [&](std::optional<double> value, std::vector<double>& first) {
    if (value && first.size() < options_.baseline_steps) first.push_back(*value);
  };
  learn(metrics.entropy, first_entropies_);
  learn(metrics.length_mean, first_lengths_);
  learn(metrics.tripwire_fraction, first_tripwires_);
}

// Few verdicts trip by chance in a step of many more, or of less, than the rate says: the deviation
// is that of as many coins.
HealthThreshold HealthMonitor::tripwire_threshold(const HealthMetrics& metrics) const {
  constexpr double kDeviations = 3;
  HealthThreshold threshold = options_.tripwire_max;
  const auto first = mean_of_first(first_tripwires_, options_.baseline_steps);
  if (!threshold.warn || !threshold.critical || !first || !metrics.judged_count) return threshold;
  const double rate = std::min(1.0, std::max(*threshold.warn, *first));
  const double count = static_cast<double>(std::max<std::uint64_t>(1, *metrics.judged_count));
  const double beyond = rate + kDeviations * std::sqrt(rate * (1 - rate) / count);
  threshold.critical = std::min(*threshold.critical, beyond);
  return threshold;
}

std::vector<HealthMonitor::Signal> HealthMonitor::signals_of(const HealthMetrics& metrics) const {
  const HealthOptions& o = options_;
  const auto entropy = mean_of_first(first_entropies_, o.baseline_steps);
  const auto length = mean_of_first(first_lengths_, o.baseline_steps);
  std::optional<double> drift;
  if (metrics.length_mean && length && *length > 0) {
    drift = std::abs(*metrics.length_mean / *length - 1);
  }
  std::optional<double> grad_norm = metrics.grad_norm;
  if (grad_norm && !std::isfinite(*grad_norm)) grad_norm.reset();  // raised as broken already
  return {
      {"reward_std", metrics.reward_std, o.reward_std_min, true,
       "Rewards hardly differ any more: the tasks are all solved or all out of reach."},
      {"zero_signal", metrics.zero_signal_fraction, o.zero_signal_max, false,
       "Most groups are all right or all wrong and teach nothing: use dynamic sampling or other "
       "prompts."},
      {"entropy", metrics.entropy, times(o.entropy_fraction_min, entropy), true,
       "The policy is committing to few completions: raise clip_high, add an entropy bonus, or "
       "stop."},
      {"entropy_rise", metrics.entropy, times(o.entropy_fraction_max, entropy), false,
       "The policy is becoming random: lower the learning rate."},
      {"entropy_absolute", metrics.entropy, o.entropy_min, true,
       "Entropy is below the absolute floor that was set."},
      {"kl_reference_token", metrics.kl_reference_token, o.kl_reference_token_max, false,
       "The policy is far from its reference."},
      {"kl_reference", metrics.kl_reference_sequence, o.kl_reference_sequence_max, false,
       "The policy is far from its reference: lower the learning rate or add a KL term."},
      {"kl_behaviour", metrics.kl_behaviour, o.kl_behaviour_max, false,
       "Sampler and trainer disagree about the same tokens: lower the staleness bound."},
      {"ess", metrics.ess, o.ess_min, true,
       "A few tokens carry the whole update: lower the staleness bound."},
      {"clip_fraction", metrics.clip_fraction, o.clip_fraction_max, false,
       "Many tokens are clipped: the steps are too large for the batch."},
      {"grad_norm", grad_norm, times(o.grad_norm_max, median_of(grad_norms_)), false,
       "The gradient jumped against its own history."},
      {"grad_norm_absolute", grad_norm, o.grad_norm_absolute_max, false,
       "The gradient is above the limit that was set: lower the learning rate."},
      {"truncated", metrics.truncated_fraction, o.truncated_max, false,
       "Completions are cut at their limit: raise max_completion_tokens."},
      {"length", drift, o.length_drift_max, false,
       "Completions are much longer or shorter than at the start: look at some."},
      {"verifier_error", metrics.verifier_error_fraction, o.verifier_error_max, false,
       "The judge is failing: these rollouts are left out, not scored as wrong."},
      {"proxy_gap", metrics.proxy_gap, o.proxy_gap_max, false,
       "A stricter hidden verifier disagrees: the reward may be exploited."},
      {"tripwire", metrics.tripwire_fraction, tripwire_threshold(metrics), false,
       "Completions do what no honest solution does, see quarantine.jsonl: the reward may be "
       "exploited."},
  };
}

void HealthMonitor::watch(const Signal& signal, std::uint64_t step,
                          std::vector<HealthAlert>& alerts) {
  Track& track = tracks_[std::string(signal.name)];
  track.severities.push_back(signal.severity());
  if (track.severities.size() > options_.window) track.severities.pop_front();
  if (step < options_.warmup_steps) return;

  const auto is_sustained = [&](int severity) {
    const auto count = std::count_if(track.severities.begin(), track.severities.end(),
                                     [&](int one) { return one >= severity; });
    return count >= static_cast<std::ptrdiff_t>(options_.needed);
  };
  // A level is raised only by a step that shows it: never after the signal has recovered.
  int severity = track.severities.back();
  while (severity > 0 && !is_sustained(severity)) --severity;
  if (severity == 0) return;
  const bool is_cooling = track.raised_at && step - *track.raised_at < options_.cooldown_steps;
  if (is_cooling && severity <= track.raised_severity) return;
  alerts.push_back(signal.alert(step, severity));
  track.raised_at = step;
  track.raised_severity = severity;
}

}  // namespace assay::algo
