#include "runtime/algo/importance.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "runtime/core/check.h"

namespace assay::algo {
namespace {

constexpr double kLogRatioMax = 20;

double clamped_exp(double x) {
  return std::exp(std::clamp(x, -kLogRatioMax, kLogRatioMax));
}

// Sums over tokens and sequences, turned into means at the end.
class Sums {
 public:
  explicit Sums(double bound) : bound_(bound) {}

  void add_token(double old, double mu) {
    const double x = std::clamp(old - mu, -kLogRatioMax, kLogRatioMax);
    const double ratio = std::exp(x);
    totals_.token_count += 1;
    totals_.kl_k1 -= x;
    totals_.kl_k3 += std::expm1(x) - x;
    totals_.chi2_token += ratio * ratio;
    totals_.ratio_mean += ratio;
    totals_.above_fraction += ratio > bound_;
    totals_.below_fraction += ratio < 1 / bound_;
    low_ = totals_.token_count == 1 ? ratio : std::min(low_, ratio);
    high_ = totals_.token_count == 1 ? ratio : std::max(high_, ratio);
    clipped_.push_back(std::clamp(ratio, 1 / bound_, bound_));
  }

  void add_sequence(double difference, double tokens) {
    totals_.sequence_count += 1;
    totals_.perplexity_ratio += clamped_exp(-difference / tokens);
    totals_.chi2_sequence += clamped_exp(2 * difference);
  }

  ImportanceDiagnostics finish() const {
    if (totals_.token_count == 0) return {};
    ImportanceDiagnostics means = totals_;
    const auto tokens = static_cast<double>(totals_.token_count);
    const auto sequences = static_cast<double>(totals_.sequence_count);
    means.kl_k1 /= tokens;
    means.kl_k3 /= tokens;
    means.chi2_token = means.chi2_token / tokens - 1;
    means.ratio_mean = (means.ratio_mean - 1) / tokens;  // starts at its neutral value 1
    means.above_fraction /= tokens;
    means.below_fraction /= tokens;
    means.perplexity_ratio = (means.perplexity_ratio - 1) / sequences;
    means.chi2_sequence = means.chi2_sequence / sequences - 1;
    means.ratio_min = low_;
    means.ratio_max = high_;
    means.ess = effective_sample_size(clipped_);
    return means;
  }

 private:
  double bound_;
  ImportanceDiagnostics totals_;
  double low_ = 1;
  double high_ = 1;
  std::vector<double> clipped_;
};

}  // namespace

ImportanceDiagnostics importance_diagnostics(std::span<const float> logprobs_proximal,
                                             std::span<const float> logprobs_behaviour,
                                             std::span<const std::uint8_t> mask,
                                             std::span<const std::uint32_t> offsets, double bound) {
  ASSAY_CHECK(logprobs_proximal.size() == mask.size() && logprobs_behaviour.size() == mask.size(),
              "log-probs and mask have one entry a token");
  ASSAY_CHECK(bound > 1, "the bound on importance ratios is above 1");
  Sums sums(bound);
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    double difference = 0, tokens = 0;
    for (std::size_t t = offsets[i]; t < offsets[i + 1]; ++t) {
      if (!mask[t]) continue;
      sums.add_token(logprobs_proximal[t], logprobs_behaviour[t]);
      difference += double{logprobs_proximal[t]} - double{logprobs_behaviour[t]};
      tokens += 1;
    }
    if (tokens > 0) sums.add_sequence(difference, tokens);
  }
  return sums.finish();
}

double effective_sample_size(std::span<const double> weights) {
  double sum = 0, squares = 0;
  for (const double weight : weights) {
    sum += weight;
    squares += weight * weight;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(weights.size()) * squares) : 1;
}

}  // namespace assay::algo
