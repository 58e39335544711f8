#include "runtime/algo/confidence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "runtime/core/check.h"

namespace assay::algo {
namespace {

constexpr double kUnbounded = std::numeric_limits<double>::infinity();

double mean_of(std::span<const double> values) {
  return values.empty() ? 0
                        : std::accumulate(values.begin(), values.end(), 0.0) /
                              static_cast<double>(values.size());
}

std::size_t cluster_count(std::size_t prompts, std::span<const std::uint32_t> clusters) {
  if (clusters.empty()) return prompts;
  std::vector<std::uint32_t> distinct(clusters.begin(), clusters.end());
  std::sort(distinct.begin(), distinct.end());
  return static_cast<std::size_t>(std::unique(distinct.begin(), distinct.end()) - distinct.begin());
}

// The root of a rising function in [low, high], to the last bits.
template <class Function>
double bisect(double low, double high, const Function& function) {
  for (int i = 0; i < 200; ++i) {
    const double middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    (function(middle) < 0 ? low : high) = middle;
  }
  return low + (high - low) / 2;
}

// Continued fraction of the incomplete beta function, modified Lentz. Numerical Recipes 6.4 states
// the same recurrence; DLMF 8.17.22 is its source.
double beta_fraction(double x, double a, double b) {
  constexpr double kTiny = 1e-300;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < kTiny ? kTiny : d);
  double fraction = d;
  for (int m = 1; m <= 1000; ++m) {
    const double n = m;
    for (const double term : {n * (b - n) * x / ((a + 2 * n - 1) * (a + 2 * n)),
                              -(a + n) * (a + b + n) * x / ((a + 2 * n) * (a + 2 * n + 1))}) {
      d = 1 + term * d;
      c = 1 + term / c;
      d = 1 / (std::abs(d) < kTiny ? kTiny : d);
      c = std::abs(c) < kTiny ? kTiny : c;
      fraction *= d * c;
    }
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return fraction;
}

double beta_quantile(double probability, double a, double b) {
  return bisect(0, 1, [&](double x) { return incomplete_beta(x, a, b) - probability; });
}

double student_t_cdf(double t, double degrees) {
  const double tail = incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2;
  return t > 0 ? 1 - tail : tail;
}

double variance_of_mean(std::span<const double> values) {
  const double error = standard_error(values, {});
  return error * error;
}

// Wilson's score interval with a fractional number of trials.
Interval score_interval(double rate, double trials, double quantile) {
  const double spread = quantile * quantile / trials;
  const double centre = (rate + spread / 2) / (1 + spread);
  const double reach =
      quantile / (1 + spread) * std::sqrt(rate * (1 - rate) / trials + spread / (4 * trials));
  return {rate, std::max(centre - reach, 0.0), std::min(centre + reach, 1.0)};
}

}  // namespace

double incomplete_beta(double x, double a, double b) {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double log_front =
      std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x);
  // The fraction converges quickly on one side of the mean; the symmetry serves the other.
  if (x < (a + 1) / (a + b + 2)) return std::exp(log_front) * beta_fraction(x, a, b) / a;
  return 1 - std::exp(log_front) * beta_fraction(1 - x, b, a) / b;
}

double normal_cdf(double x) {
  return std::erfc(-x / std::sqrt(2.0)) / 2;
}

double normal_quantile(double probability) {
  return bisect(-40, 40, [&](double x) { return normal_cdf(x) - probability; });
}

double student_t_quantile(double probability, double degrees) {
  if (probability < 0.5) return -student_t_quantile(1 - probability, degrees);
  return bisect(0, 1e8, [&](double t) { return student_t_cdf(t, degrees) - probability; });
}

double standard_error(std::span<const double> values, std::span<const std::uint32_t> clusters) {
  ASSAY_CHECK(clusters.empty() || clusters.size() == values.size(), "one cluster a prompt");
  const double mean = mean_of(values);
  double sum = 0;
  std::size_t count = values.size();
  if (clusters.empty()) {
    for (const double value : values) sum += (value - mean) * (value - mean);
  } else {
    std::map<std::uint32_t, double> deviations;
    for (std::size_t i = 0; i < values.size(); ++i) deviations[clusters[i]] += values[i] - mean;
    for (const auto& [cluster, deviation] : deviations) sum += deviation * deviation;
    count = deviations.size();
  }
  if (count < 2) return 0;
  const auto c = static_cast<double>(count);
  return std::sqrt(sum * c / (c - 1)) / static_cast<double>(values.size());
}

Interval mean_interval(std::span<const double> values, std::span<const std::uint32_t> clusters,
                       double level) {
  const double mean = mean_of(values);
  const std::size_t count = cluster_count(values.size(), clusters);
  if (count < 2) return {mean, -kUnbounded, kUnbounded};
  const double reach = student_t_quantile(0.5 + level / 2, static_cast<double>(count - 1)) *
                       standard_error(values, clusters);
  return {mean, mean - reach, mean + reach};
}

Interval rate_interval(std::span<const double> values, std::span<const std::uint32_t> clusters,
                       double level) {
  if (values.empty()) return {0, 0, 1};
  const double mean = mean_of(values);
  const double error = standard_error(values, clusters);
  const std::size_t count = cluster_count(values.size(), clusters);
  if (error > 0) {
    const double quantile = student_t_quantile(0.5 + level / 2, static_cast<double>(count - 1));
    return score_interval(mean, mean * (1 - mean) / (error * error), quantile);
  }
  if (mean == 0 || mean == 1) return clopper_pearson(mean == 1 ? count : 0, count, level);
  return score_interval(mean, static_cast<double>(count), normal_quantile(0.5 + level / 2));
}

Interval paired_interval(std::span<const double> before, std::span<const double> after,
                         std::span<const std::uint32_t> clusters, double level) {
  ASSAY_CHECK(before.size() == after.size(), "paired values belong to the same prompts");
  std::vector<double> differences(before.size());
  for (std::size_t i = 0; i < before.size(); ++i) differences[i] = after[i] - before[i];
  Interval interval = mean_interval(differences, clusters, level);
  if (standard_error(differences, clusters) == 0) {
    const std::size_t count = cluster_count(differences.size(), clusters);
    const double reach = clopper_pearson(0, count, level).high;
    interval = {interval.value, interval.value - reach, interval.value + reach};
  }
  return {interval.value, std::max(interval.low, -1.0), std::min(interval.high, 1.0)};
}

Interval crossed_interval(std::span<const std::vector<double>> cells, double level) {
  if (cells.empty() || cells.front().empty()) return {0, -kUnbounded, kUnbounded};
  const std::size_t seeds = cells.size(), prompts = cells.front().size();
  std::vector<double> seed_means, prompt_means(prompts, 0.0);
  for (const std::vector<double>& row : cells) {
    ASSAY_CHECK(row.size() == prompts, "every seed evaluates the same prompts");
    seed_means.push_back(mean_of(row));
    for (std::size_t i = 0; i < prompts; ++i) {
      prompt_means[i] += row[i] / static_cast<double>(seeds);
    }
  }
  if (seeds < 2) return mean_interval(prompt_means, {}, level);
  if (prompts < 2) return mean_interval(seed_means, {}, level);

  const double mean = mean_of(seed_means);
  double squares = 0;  // of what neither the seed nor the prompt explains
  for (std::size_t s = 0; s < seeds; ++s) {
    for (std::size_t i = 0; i < prompts; ++i) {
      squares += std::pow(cells[s][i] - seed_means[s] - prompt_means[i] + mean, 2);
    }
  }
  const double by_seed = variance_of_mean(seed_means), by_prompt = variance_of_mean(prompt_means);
  const auto seed_degrees = static_cast<double>(seeds - 1);
  const auto prompt_degrees = static_cast<double>(prompts - 1);
  const double by_cell =
      squares / (seed_degrees * prompt_degrees) / static_cast<double>(seeds * prompts);
  const double variance =
      std::max({by_seed + by_prompt - by_cell, by_seed, by_prompt});  // estimates may cross
  if (variance == 0) return {mean, mean, mean};
  const double degrees =
      variance * variance /
      (by_seed * by_seed / seed_degrees + by_prompt * by_prompt / prompt_degrees);
  const double reach = student_t_quantile(0.5 + level / 2, degrees) * std::sqrt(variance);
  return {mean, mean - reach, mean + reach};
}

Interval clopper_pearson(std::uint64_t successes, std::uint64_t total, double level) {
  if (total == 0) return {0, 0, 1};
  const double tail = (1 - level) / 2;
  const auto c = static_cast<double>(successes);
  const auto n = static_cast<double>(total);
  return {c / n, successes == 0 ? 0 : beta_quantile(tail, c, n - c + 1),
          successes == total ? 1 : beta_quantile(1 - tail, c + 1, n - c)};
}

}  // namespace assay::algo
