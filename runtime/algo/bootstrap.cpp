#include "runtime/algo/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "runtime/core/check.h"
#include "runtime/core/rng.h"

namespace assay::algo {
namespace {

constexpr double kDroppedFractionMax = 0.05;

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

// The value below which `fraction` of the sorted values lie, linear between neighbours.
double percentile(const std::vector<double>& sorted, double fraction) {
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (place - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

// What lies beyond each end of the expanded percentile interval of `count` units.
double expanded_tail(double level, std::size_t count) {
  const auto n = static_cast<double>(count);
  const double quantile = student_t_quantile((1 - level) / 2, n - 1);
  return normal_cdf(std::sqrt(n / (n - 1)) * quantile);
}

// Sums of one cluster: whole clusters are drawn, so its prompts never part.
struct ClusterSums {
  double numerator = 0;
  double denominator = 0;
};

std::vector<ClusterSums> sum_clusters(std::span<const double> numerator,
                                      std::span<const double> denominator,
                                      std::span<const std::uint32_t> clusters) {
  std::vector<ClusterSums> sums;
  std::map<std::uint32_t, std::size_t> places;
  for (std::size_t i = 0; i < numerator.size(); ++i) {
    const std::size_t place =
        clusters.empty() ? i : places.try_emplace(clusters[i], sums.size()).first->second;
    if (place == sums.size()) sums.emplace_back();
    sums[place].numerator += numerator[i];
    sums[place].denominator += denominator[i];
  }
  return sums;
}

struct Replicates {
  std::vector<double> ratios;        // sorted; those with a positive denominator
  std::vector<double> denominators;  // sorted, all
};

Replicates draw(const std::vector<ClusterSums>& sums, const BootstrapOptions& options) {
  Replicates replicates;
  Rng rng(options.seed);
  for (std::uint32_t replicate = 0; replicate < options.replicates; ++replicate) {
    ClusterSums total;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const ClusterSums& one = sums[rng.below(sums.size())];
      total.numerator += one.numerator;
      total.denominator += one.denominator;
    }
    replicates.denominators.push_back(total.denominator);
    if (total.denominator > 0) replicates.ratios.push_back(total.numerator / total.denominator);
  }
  std::sort(replicates.ratios.begin(), replicates.ratios.end());
  std::sort(replicates.denominators.begin(), replicates.denominators.end());
  return replicates;
}

RatioEstimate without_value(RatioEstimate estimate, std::string reason) {
  estimate.null_reason = std::move(reason);
  return estimate;
}

}  // namespace

RatioEstimate ratio_of_means(std::span<const double> numerator, std::span<const double> denominator,
                             std::span<const std::uint32_t> clusters,
                             const BootstrapOptions& options) {
  ASSAY_CHECK(numerator.size() == denominator.size(), "both means are over the same prompts");
  ASSAY_CHECK(clusters.empty() || clusters.size() == numerator.size(), "one cluster a prompt");
  ASSAY_CHECK(options.replicates > 0, "a bootstrap has replicates");
  RatioEstimate estimate;
  if (numerator.empty()) return without_value(estimate, "no_prompts");
  const double below = mean_of(denominator);
  if (!(below > 0)) return without_value(estimate, "no_gap");
  estimate.point_anyway = mean_of(numerator) / below;

  const std::vector<ClusterSums> sums = sum_clusters(numerator, denominator, clusters);
  if (sums.size() < 2) return without_value(estimate, "one_prompt");
  const Replicates replicates = draw(sums, options);
  const double tail = expanded_tail(options.level, sums.size());
  estimate.dropped_fraction =
      1 - static_cast<double>(replicates.ratios.size()) / static_cast<double>(options.replicates);
  if (estimate.dropped_fraction > kDroppedFractionMax) {
    return without_value(estimate, "unstable_gap");
  }
  if (!(percentile(replicates.denominators, tail) > 0)) return without_value(estimate, "no_gap");
  estimate.value = estimate.point_anyway;
  estimate.low = percentile(replicates.ratios, tail);
  estimate.high = percentile(replicates.ratios, 1 - tail);
  return estimate;
}

RatioEstimate compression_ratio(std::span<const GainRates> prompts,
                                std::span<const std::uint32_t> clusters,
                                const BootstrapOptions& options) {
  std::vector<double> gains, gaps;
  for (const GainRates& prompt : prompts) {
    gains.push_back(prompt.after_1 - prompt.base_1);
    gaps.push_back(prompt.base_k - prompt.base_1);
  }
  return ratio_of_means(gains, gaps, clusters, options);
}

}  // namespace assay::algo
