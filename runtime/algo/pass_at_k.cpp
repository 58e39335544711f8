#include "runtime/algo/pass_at_k.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <string_view>

namespace assay::algo {

Result<double> pass_at_k(std::uint64_t n, std::uint64_t c, std::uint64_t k) {
  const auto text = [](std::uint64_t value) { return std::to_string(value); };
  if (k == 0) return Error{ErrorCode::kInvalidInput, "pass@0 does not exist", "use k >= 1", "", ""};
  if (c > n) {
    return Error{ErrorCode::kInvalidInput, text(c) + " correct of " + text(n) + " completions", "",
                 "", ""};
  }
  if (k > n) {
    return Error{ErrorCode::kInvalidInput,
                 "pass@" + text(k) + " cannot be estimated from " + text(n) + " completions",
                 "draw at least k completions a prompt, better 2k", "", ""};
  }
  if (k == 1) return static_cast<double>(c) / static_cast<double>(n);
  if (n - c < k) return 1.0;
  // The shorter of the two products that equal C(n - c, k) / C(n, k).
  double all_wrong = 1;
  const std::uint64_t factors = std::min(c, k);
  for (std::uint64_t i = 0; i < factors; ++i) {
    const double total = static_cast<double>(n - i);
    all_wrong *= (total - static_cast<double>(std::max(c, k))) / total;
  }
  return 1 - all_wrong;
}

double match_chance(std::span<const std::string> answers) {
  if (answers.size() < 2) return 0;
  std::map<std::string_view, double> counts;
  for (const std::string& answer : answers) ++counts[answer];
  double pairs = 0;
  for (const auto& [answer, count] : counts) pairs += count * (count - 1);
  const auto prompts = static_cast<double>(answers.size());
  return pairs / (prompts * (prompts - 1));
}

double guess_floor(double chance, std::uint64_t k) {
  if (chance >= 1) return 1;
  return -std::expm1(static_cast<double>(k) * std::log1p(-std::max(chance, 0.0)));
}

}  // namespace assay::algo
