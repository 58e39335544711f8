// Confidence intervals: normal and t intervals of means, clustered and paired, and Clopper-Pearson.
//
// The unit is the prompt, not the completion: completions of one prompt are not independent.
// Source: Miller, "Adding error bars to evals", arXiv:2411.00640.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace assay::algo {

struct Interval {
  double value = 0;
  double low = 0;
  double high = 0;

  bool excludes_zero() const { return low > 0 || high < 0; }

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("value", self.value, "low", self.low, "high", self.high);
  }
};

inline constexpr double kConfidenceLevel = 0.95;

// Standard error of the mean of per-prompt values.
//   values    [prompt_count]
//   clusters  [prompt_count], which prompts share a template; empty = each prompt on its own
// sqrt(sum over clusters of (sum of deviations)^2) / N, times sqrt(C / (C - 1)) for C clusters: the
// small-sample correction that the cited formula leaves out. 0 below two clusters.
double standard_error(std::span<const double> values, std::span<const std::uint32_t> clusters);

// Mean with a t interval of C - 1 degrees of freedom. An empty span yields zeros.
Interval mean_interval(std::span<const double> values, std::span<const std::uint32_t> clusters,
                       double level = kConfidenceLevel);

// The same for values in [0, 1], cut to [0, 1]. Where every prompt has value 0 (or 1) a spread of
// zero would claim certainty; the bound is then Clopper-Pearson's for 0 of N prompts.
Interval rate_interval(std::span<const double> values, std::span<const std::uint32_t> clusters,
                       double level = kConfidenceLevel);

// after - before, paired by prompt: both [prompt_count]. Where all differences are 0 the interval
// is as wide as Clopper-Pearson's for 0 of N.
Interval paired_interval(std::span<const double> before, std::span<const double> after,
                         std::span<const std::uint32_t> clusters, double level = kConfidenceLevel);

// Exact interval of a proportion; [0, 1] when total is 0. Source: Clopper and Pearson, 1934.
Interval clopper_pearson(std::uint64_t successes, std::uint64_t total,
                         double level = kConfidenceLevel);

// Inverse distribution functions, probability in (0, 1).
double normal_quantile(double probability);
double student_t_quantile(double probability, double degrees);
// The regularised incomplete beta function I_x(a, b), a and b > 0, x in [0, 1].
double incomplete_beta(double x, double a, double b);

}  // namespace assay::algo
