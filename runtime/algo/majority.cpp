#include "runtime/algo/majority.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "runtime/core/rng.h"

namespace assay::algo {
namespace {

// The plurality's expected correctness, given the votes of each class.
double plurality(std::span<const AnswerClass> classes, std::span<const std::uint32_t> votes) {
  std::uint32_t most = 0, tied = 0, tied_correct = 0;
  for (std::size_t i = 0; i < classes.size(); ++i) {
    if (classes[i].answer.empty() || votes[i] == 0 || votes[i] < most) continue;
    if (votes[i] > most) most = votes[i], tied = tied_correct = 0;
    ++tied;
    tied_correct += classes[i].is_correct;
  }
  return tied ? static_cast<double>(tied_correct) / tied : 0;
}

double log_binomial(double n, double k) {
  return std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1);
}

// Walks every split of k draws over the classes; stops counting beyond a limit.
class Splits {
 public:
  Splits(std::span<const AnswerClass> classes, std::uint64_t outcomes_max)
      : classes_(classes), outcomes_max_(outcomes_max), votes_(classes.size(), 0) {
    remaining_.assign(classes.size() + 1, 0);
    for (std::size_t i = classes.size(); i-- > 0;) {
      remaining_[i] = remaining_[i + 1] + classes[i].count;
    }
  }

  // Number of splits, at most outcomes_max + 1.
  std::uint64_t count(std::uint64_t k) {
    visited_ = 0;
    walk(
        0, k, [&](double) {}, 0);
    return visited_;
  }

  double expected(std::uint64_t k) {
    visited_ = 0;
    const double log_total =
        log_binomial(static_cast<double>(remaining_[0]), static_cast<double>(k));
    double sum = 0;
    walk(
        0, k,
        [&](double log_ways) {
          sum += std::exp(log_ways - log_total) * plurality(classes_, votes_);
        },
        0);
    return std::clamp(sum, 0.0, 1.0);
  }

 private:
  template <class Visit>
  void walk(std::size_t i, std::uint64_t left, const Visit& visit, double log_ways) {
    if (visited_ > outcomes_max_) return;
    if (i == classes_.size()) {
      ++visited_;
      visit(log_ways);
      return;
    }
    const std::uint64_t rest = remaining_[i + 1];
    const std::uint64_t least = left > rest ? left - rest : 0;
    const std::uint64_t most = std::min<std::uint64_t>(left, classes_[i].count);
    for (std::uint64_t taken = least; taken <= most; ++taken) {
      votes_[i] = static_cast<std::uint32_t>(taken);
      walk(i + 1, left - taken, visit,
           log_ways + log_binomial(classes_[i].count, static_cast<double>(taken)));
    }
  }

  std::span<const AnswerClass> classes_;
  std::uint64_t outcomes_max_;
  std::uint64_t visited_ = 0;
  std::vector<std::uint32_t> votes_;
  std::vector<std::uint64_t> remaining_;  // [class_count + 1], counts from i on
};

double by_random_subsets(std::span<const AnswerClass> classes, std::uint64_t n, std::uint64_t k,
                         const MajorityOptions& options) {
  std::vector<std::uint32_t> draws;  // class of each completion
  for (std::size_t i = 0; i < classes.size(); ++i) {
    draws.insert(draws.end(), classes[i].count, static_cast<std::uint32_t>(i));
  }
  Rng rng(options.seed);
  double sum = 0;
  std::vector<std::uint32_t> votes(classes.size());
  for (std::uint32_t subset = 0; subset < options.subsets; ++subset) {
    std::fill(votes.begin(), votes.end(), 0u);
    for (std::uint64_t i = 0; i < k; ++i) {
      std::swap(draws[i], draws[i + rng.below(n - i)]);
      ++votes[draws[i]];
    }
    sum += plurality(classes, votes);
  }
  return options.subsets ? sum / options.subsets : 0;
}

}  // namespace

Result<double> majority_at_k(std::span<const AnswerClass> classes, std::uint64_t k,
                             const MajorityOptions& options) {
  std::uint64_t n = 0;
  for (const AnswerClass& one : classes) n += one.count;
  if (k == 0 || k > n) {
    return Error{ErrorCode::kInvalidInput,
                 "maj@" + std::to_string(k) + " cannot be estimated from " + std::to_string(n) +
                     " completions",
                 "draw at least k completions a prompt", "", ""};
  }
  Splits splits(classes, options.outcomes_max);
  if (splits.count(k) <= options.outcomes_max) return splits.expected(k);
  return by_random_subsets(classes, n, k, options);
}

}  // namespace assay::algo
