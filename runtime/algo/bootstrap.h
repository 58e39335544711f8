// Bootstrap intervals over prompts: for the compression ratio and other quotients of means.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/algo/compression.h"
#include "runtime/algo/confidence.h"

namespace assay::algo {

struct BootstrapOptions {
  std::uint32_t replicates = 10'000;
  std::uint64_t seed = 0;
  double level = kConfidenceLevel;
};

// A ratio with its interval, or the reason why there is none:
//   "no_prompts"    nothing to compare
//   "one_prompt"    a single prompt (or cluster) has no spread
//   "no_gap"        the denominator is not positive, or its interval includes 0
//   "unstable_gap"  more than 5 % of the replicates had no positive denominator
struct RatioEstimate {
  std::optional<double> value, low, high;
  std::string null_reason;             // empty when value is present
  double dropped_fraction = 0;         // replicates whose denominator was not positive
  std::optional<double> point_anyway;  // the bare quotient where it exists, for the curious

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("value", self.value, "low", self.low, "high", self.high, "null_reason",
             self.null_reason, "dropped_fraction", self.dropped_fraction, "point_anyway",
             self.point_anyway);
  }
};

// The compression ratio (mean after_1 - base_1) / (mean base_k - base_1) over prompts.
//   prompts   [prompt_count], each prompt's own four estimates
//   clusters  [prompt_count] or empty: clusters are resampled whole
// The interval is the expanded percentile one: its tails are those of Student's t, scaled for the
// bootstrap's own bias, since plain percentiles cover too rarely below some hundred prompts.
// Deterministic for a seed. Cost: replicates * prompt_count draws.
// Source: Hesterberg, The American Statistician 69 (2015), 371-386.
RatioEstimate compression_ratio(std::span<const GainRates> prompts,
                                std::span<const std::uint32_t> clusters,
                                const BootstrapOptions& options);

// mean(numerator) / mean(denominator) over prompts in the same manner: both [prompt_count].
RatioEstimate ratio_of_means(std::span<const double> numerator, std::span<const double> denominator,
                             std::span<const std::uint32_t> clusters,
                             const BootstrapOptions& options);

}  // namespace assay::algo
