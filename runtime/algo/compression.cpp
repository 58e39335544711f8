#include "runtime/algo/compression.h"

#include <algorithm>
#include <cmath>

#include "runtime/core/check.h"

namespace assay::algo {
namespace {

constexpr double kFalseDiscoveryRate = 0.05;
constexpr std::uint64_t kNewlyReachedMin = 2;  // one lucky draw does not make a prompt reachable

double log_binomial(std::uint64_t n, std::uint64_t k) {
  const auto log_factorial = [](std::uint64_t m) {
    return std::lgamma(static_cast<double>(m) + 1);
  };
  return log_factorial(n) - log_factorial(k) - log_factorial(n - k);
}

bool is_solved(std::uint64_t n, std::uint64_t correct) {
  return n > 0 && 2 * correct >= n;
}

// Benjamini-Hochberg: the largest p-value that still counts; below 0 when none does.
double discovery_bound(std::vector<double> p_values) {
  std::sort(p_values.begin(), p_values.end());
  const auto count = static_cast<double>(p_values.size());
  for (std::size_t i = p_values.size(); i-- > 0;) {
    if (p_values[i] <= kFalseDiscoveryRate * static_cast<double>(i + 1) / count) return p_values[i];
  }
  return -1;
}

}  // namespace

Gains gains_of(const GainRates& rates) {
  Gains gains;
  gains.compression_gain = rates.after_1 - rates.base_1;
  gains.capability_gain = rates.after_k - rates.base_k;
  gains.gap = rates.base_k - rates.base_1;
  if (gains.gap > 0) {
    gains.ratio = gains.compression_gain / gains.gap;
    gains.gap_closed = 1 - (rates.after_k - rates.after_1) / gains.gap;
  }
  return gains;
}

std::optional<std::uint32_t> crossing_k(std::span<const std::uint32_t> ks,
                                        std::span<const double> base,
                                        std::span<const double> after) {
  ASSAY_CHECK(ks.size() == base.size() && ks.size() == after.size(), "one rate for each k");
  for (std::size_t i = 0; i < ks.size(); ++i) {
    if (after[i] < base[i]) return ks[i];
  }
  return std::nullopt;
}

double fisher_exact_greater(std::uint64_t n1, std::uint64_t c1, std::uint64_t n2,
                            std::uint64_t c2) {
  ASSAY_CHECK(c1 <= n1 && c2 <= n2, "no more correct than drawn");
  const std::uint64_t correct = c1 + c2;
  const double log_total = log_binomial(n1 + n2, correct);
  double p = 0;
  for (std::uint64_t c = c2; c <= std::min(n2, correct); ++c) {
    if (correct - c > n1) continue;
    p += std::exp(log_binomial(n2, c) + log_binomial(n1, correct - c) - log_total);
  }
  return std::min(p, 1.0);
}

PromptShift prompt_shift(std::span<const PromptCounts> prompts) {
  PromptShift shift;
  std::vector<double> p_values;    // of every prompt not reached before
  std::vector<double> p_of_newly;  // of those that are now
  for (const PromptCounts& prompt : prompts) {
    if (prompt.base_n == 0 || prompt.after_n == 0) continue;
    const bool was_reached = prompt.base_correct > 0;
    const bool was_solved = is_solved(prompt.base_n, prompt.base_correct);
    const bool is_now_solved = is_solved(prompt.after_n, prompt.after_correct);
    shift.self_distilled += was_reached && !was_solved && is_now_solved;
    shift.lost += was_reached && prompt.after_correct == 0;
    shift.forgotten += was_solved && !is_now_solved;
    if (was_reached) continue;
    const double p = fisher_exact_greater(prompt.base_n, prompt.base_correct, prompt.after_n,
                                          prompt.after_correct);
    p_values.push_back(p);
    if (prompt.after_correct >= kNewlyReachedMin) p_of_newly.push_back(p);
  }
  shift.newly_reached = static_cast<std::uint32_t>(p_of_newly.size());
  const double bound = discovery_bound(std::move(p_values));
  shift.newly_reached_significant = static_cast<std::uint32_t>(
      std::count_if(p_of_newly.begin(), p_of_newly.end(), [&](double p) { return p <= bound; }));
  return shift;
}

}  // namespace assay::algo
