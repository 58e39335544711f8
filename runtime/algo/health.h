// Training health: alerts from per-step metrics, with warm-up, hysteresis and cool-down.
//
// A metric that is absent at a step is skipped, never read as 0. One bad step is not an alert: a
// level is raised when `needed` of the last `window` observations lie beyond it, and not again
// before `cooldown_steps` unless it worsens. Broken invariants (staleness beyond its bound, a
// gradient that is not finite) are raised at once.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace assay::algo {

enum class HealthLevel : std::uint8_t { kWarn, kCritical };
std::string_view to_string(HealthLevel level);  // "warn", "critical"

struct HealthMetrics {
  std::uint64_t step = 0;
  std::optional<double> reward_std;             // over the batch
  std::optional<double> zero_signal_fraction;   // of groups
  std::optional<double> entropy;                // nats a token
  std::optional<double> kl_reference_token;     // k3, token mean
  std::optional<double> kl_reference_sequence;  // k3, sequence sum
  std::optional<double> kl_behaviour;           // k3, token mean, proximal against behaviour
  std::optional<double> ess;
  std::optional<double> clip_fraction;
  std::optional<double> grad_norm;  // before clipping
  std::optional<double> truncated_fraction;
  std::optional<double> length_mean;  // tokens a completion
  std::optional<double> verifier_error_fraction;
  std::optional<double> proxy_gap;            // training verifier minus a stricter hidden one
  std::optional<double> tripwire_fraction;    // of the scored verdicts
  std::optional<std::uint64_t> judged_count;  // how many those are
  std::optional<std::uint64_t> staleness_max;
  std::optional<std::uint64_t> staleness_bound;
};

struct HealthThreshold {
  std::optional<double> warn;
  std::optional<double> critical;
};

// A value beyond a threshold on its bad side counts. Relative ones are multiples of their baseline.
struct HealthOptions {
  std::uint32_t warmup_steps = 20;
  std::uint32_t needed = 5;
  std::uint32_t window = 8;
  std::uint32_t cooldown_steps = 50;
  std::uint32_t baseline_steps = 10;  // of what is measured against its first observations

  HealthThreshold reward_std_min{0.1, 0.03};
  HealthThreshold zero_signal_max{0.5, 0.8};
  HealthThreshold entropy_fraction_min{0.3, 0.1};  // of the initial entropy
  HealthThreshold entropy_fraction_max{2.0, 3.0};
  HealthThreshold entropy_min;  // absolute, nats; off: its scale is the vocabulary's
  HealthThreshold kl_reference_token_max{std::nullopt, 0.5};
  HealthThreshold kl_reference_sequence_max{10, 30};
  HealthThreshold kl_behaviour_max{0.01, 0.1};
  HealthThreshold ess_min{0.5, 0.2};
  HealthThreshold clip_fraction_max{0.2, 0.5};
  HealthThreshold grad_norm_max{3, 10};    // times the rolling median
  HealthThreshold grad_norm_absolute_max;  // before clipping; off
  HealthThreshold truncated_max{0.1, 0.3};
  HealthThreshold length_drift_max{0.5, std::nullopt};  // |length / initial - 1|
  HealthThreshold verifier_error_max{0.01, 0.05};
  HealthThreshold proxy_gap_max{0.05, 0.15};
  // Critical as well: three standard deviations above the rate one is warned of, or that of the
  // first steps where that is higher.
  HealthThreshold tripwire_max{0.001, 0.01};
};

// The three rules of the RLVR article: reward std < 0.1, entropy < 2.0 nats, sequence KL > 10.
// 2.0 nats is above what a 17-character vocabulary often starts from: a preset, not the default.
HealthOptions article_health_options();

struct HealthAlert {
  std::uint64_t step = 0;
  std::string signal;  // e.g. "entropy"
  HealthLevel level = HealthLevel::kWarn;
  double value = 0;      // what was measured
  double threshold = 0;  // what it crossed, in the same unit
  std::string advice;    // one sentence: what it means and what to try

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("step", self.step, "signal", self.signal, "level", self.level, "value", self.value,
             "threshold", self.threshold, "advice", self.advice);
  }
};

// Watches one run. Not thread-safe. Steps must not go backwards.
class HealthMonitor {
 public:
  explicit HealthMonitor(HealthOptions options = {}) : options_(std::move(options)) {}

  // The alerts this step raises, most severe first; usually none.
  std::vector<HealthAlert> observe(const HealthMetrics& metrics);

 private:
  struct Track {
    std::deque<int> severities;              // of the last `window` observations: 0, 1 or 2
    std::optional<std::uint64_t> raised_at;  // step of the last alert
    int raised_severity = 0;
  };
  struct Signal;

  void raise_broken_invariants(const HealthMetrics& metrics,
                               std::vector<HealthAlert>& alerts) const;
  void learn_baselines(const HealthMetrics& metrics);
  HealthThreshold tripwire_threshold(const HealthMetrics& metrics) const;
  std::vector<Signal> signals_of(const HealthMetrics& metrics) const;
  void watch(const Signal& signal, std::uint64_t step, std::vector<HealthAlert>& alerts);

  HealthOptions options_;
  std::map<std::string, Track, std::less<>> tracks_;
  std::deque<double> grad_norms_;
  std::vector<double> first_entropies_, first_lengths_, first_tripwires_;
};

}  // namespace assay::algo
