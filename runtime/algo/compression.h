// Compression or capability: how much of a gain in pass@1 was already within reach of the base
// policy at pass@k.
//
// All rates are fractions. Where the base policy has no gap between pass@1 and pass@k there is
// nothing to compress, and the ratio does not exist: it is absent with a reason, never 0.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace assay::algo {

// The four means the ratio is made of.
struct GainRates {
  double base_1 = 0;
  double base_k = 0;
  double after_1 = 0;
  double after_k = 0;
};

struct Gains {
  double compression_gain = 0;       // after_1 - base_1
  double capability_gain = 0;        // after_k - base_k
  double gap = 0;                    // base_k - base_1
  std::optional<double> ratio;       // compression_gain / gap; not clamped; absent if gap <= 0
  std::optional<double> gap_closed;  // 1 - (after_k - after_1) / gap; absent if gap <= 0
};

// Point values; bootstrap.h gives the ratio's interval and decides whether the gap is real.
Gains gains_of(const GainRates& rates);

// The smallest k at which the trained policy falls below the base: where its narrowing shows.
//   ks  ascending; base and after  [ks.size()]
// Absent when there is none. Source: arXiv:2504.13837.
std::optional<std::uint32_t> crossing_k(std::span<const std::uint32_t> ks,
                                        std::span<const double> base,
                                        std::span<const double> after);

// Draws of one prompt under both policies.
struct PromptCounts {
  std::uint64_t base_n = 0, base_correct = 0;
  std::uint64_t after_n = 0, after_correct = 0;
};

// What became of each prompt. solved = at least half the draws correct; reached = at least one.
struct PromptShift {
  std::uint32_t self_distilled = 0;  // reached but not solved, then solved
  std::uint32_t newly_reached = 0;   // not reached, then correct at least twice
  std::uint32_t lost = 0;            // reached, then not
  std::uint32_t forgotten = 0;       // solved, then not
  // Of newly_reached: beyond chance at a false discovery rate of 5 % (Fisher's exact test,
  // one-sided, Benjamini-Hochberg over the prompts not reached before).
  std::uint32_t newly_reached_significant = 0;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("self_distilled", self.self_distilled, "newly_reached", self.newly_reached, "lost",
             self.lost, "forgotten", self.forgotten, "newly_reached_significant",
             self.newly_reached_significant);
  }
};

// Counts over prompts; the terms follow arXiv:2506.13923, the thresholds are ours. Two evaluations
// of one unchanged policy do not give zeros: compare with such a pair before believing small
// counts.
PromptShift prompt_shift(std::span<const PromptCounts> prompts);

// One-sided p-value of Fisher's exact test that the second rate is higher.
double fisher_exact_greater(std::uint64_t n1, std::uint64_t c1, std::uint64_t n2, std::uint64_t c2);

}  // namespace assay::algo
