// Confidence intervals: t intervals of means, clustered, paired and crossed with seeds; score and
// exact intervals of rates.
//
// The unit is the prompt, not the completion: completions of one prompt are not independent. Fewer
// than two units, or units that all agree, show no spread; an interval is then as wide as such a
// sample allows, never a point. The tests measure by simulation how often each covers the truth.
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

// Mean with a t interval of C - 1 degrees of freedom. Below two clusters it is unbounded: one unit
// says nothing about spread. An empty span has the value 0.
Interval mean_interval(std::span<const double> values, std::span<const std::uint32_t> clusters,
                       double level = kConfidenceLevel);

// The mean of values in [0, 1] with a score interval inside [0, 1]: Wilson's, with the effective
// number of trials mean * (1 - mean) / error^2 and Student's t of C - 1 degrees. A t interval of
// the mean covers too rarely where rates lie near 0 or 1 (89 % instead of 95 % for 20 prompts near
// 0.02). Where the values do not differ there are C trials; where all are 0 (or all 1) the bound is
// Clopper-Pearson's for 0 of C. [0, 1] for an empty span.
// Source: Wilson 1927; effective sample size as in Kish 1965.
Interval rate_interval(std::span<const double> values, std::span<const std::uint32_t> clusters,
                       double level = kConfidenceLevel);

// after - before, paired by prompt: both [prompt_count], rates in [0, 1]; the interval lies in
// [-1, 1]. Where the differences do not differ it reaches as far to both sides as Clopper-Pearson's
// bound for 0 of C.
Interval paired_interval(std::span<const double> before, std::span<const double> after,
                         std::span<const std::uint32_t> clusters, double level = kConfidenceLevel);

// Mean over training seeds and prompts, both of which could have been others: the variances of the
// seed means and of the prompt means add up, less what both count of the cells' own noise;
// Student's t with Satterthwaite's degrees. Resampling five seeds would cover 84 % where it says 95
// %.
//   cells  [seed_count][prompt_count]; the same prompts in the same order for every seed
// One seed leaves the prompts' spread alone and one prompt that of the seeds: what was not repeated
// is not in the interval. Unbounded for a single cell; an empty input has the value 0.
// Source: two-way clustering, Cameron, Gelbach and Miller 2011.
Interval crossed_interval(std::span<const std::vector<double>> cells,
                          double level = kConfidenceLevel);

// Exact interval of a proportion; [0, 1] when total is 0. Source: Clopper and Pearson, 1934.
Interval clopper_pearson(std::uint64_t successes, std::uint64_t total,
                         double level = kConfidenceLevel);

// Distribution functions and their inverses, probability in (0, 1).
double normal_quantile(double probability);
double normal_cdf(double x);
double student_t_quantile(double probability, double degrees);
// The regularised incomplete beta function I_x(a, b), a and b > 0, x in [0, 1].
double incomplete_beta(double x, double a, double b);

}  // namespace assay::algo
