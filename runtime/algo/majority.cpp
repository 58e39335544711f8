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

// C(n, 0) ... C(n, k_max).
std::vector<double> binomials(std::uint64_t n, std::uint64_t k_max) {
  std::vector<double> row(k_max + 1, 0);
  row[0] = 1;
  for (std::uint64_t k = 1; k <= std::min(n, k_max); ++k) {
    row[k] = row[k - 1] * static_cast<double>(n - k + 1) / static_cast<double>(k);
  }
  return row;
}

// Ways to draw, by how many classes stand at exactly `most` votes and by votes handed out:
// ways[tied][votes]. Classes are added one at a time; none may exceed `most`.
class Ways {
 public:
  Ways(std::uint64_t k, std::uint64_t most)
      : k_(k), most_(most), ways_(k / most + 1, std::vector<double>(k + 1, 0)) {
    ways_[0][0] = 1;
  }

  void add_voters(const std::vector<double>& choose) {
    auto next = std::vector(ways_.size(), std::vector<double>(k_ + 1, 0));
    for (std::size_t tied = 0; tied < ways_.size(); ++tied) {
      for (std::uint64_t votes = 0; votes <= k_; ++votes) {
        if (ways_[tied][votes] == 0) continue;
        for (std::uint64_t x = 0; x <= std::min(most_, k_ - votes); ++x) {
          const std::size_t now_tied = tied + (x == most_);
          if (now_tied < next.size()) next[now_tied][votes + x] += ways_[tied][votes] * choose[x];
        }
      }
    }
    ways_ = std::move(next);
  }

  // Sum over the ways that leave `left` draws to this class and to those that cast no vote, each
  // weighted by one over the number of tied classes, this one included.
  double shared_wins(std::uint64_t left, const std::vector<double>& choose_voteless) const {
    double sum = 0;
    for (std::size_t tied = 0; tied < ways_.size(); ++tied) {
      for (std::uint64_t votes = 0; votes <= left; ++votes) {
        sum += ways_[tied][votes] * choose_voteless[left - votes] / static_cast<double>(tied + 1);
      }
    }
    return sum;
  }

 private:
  std::uint64_t k_;
  std::uint64_t most_;
  std::vector<std::vector<double>> ways_;
};

// Counts all C(n, k) draws: for each correct class and each number of votes it may win with, the
// ways in which no other class has more.
double by_counting(std::span<const AnswerClass> classes, std::uint64_t n, std::uint64_t k) {
  std::uint64_t voteless = 0;
  std::vector<std::vector<double>> choose;
  for (const AnswerClass& one : classes) {
    choose.push_back(binomials(one.count, k));
    if (one.answer.empty()) voteless += one.count;
  }
  const std::vector<double> choose_voteless = binomials(voteless, k);
  double wins = 0;
  for (std::size_t winner = 0; winner < classes.size(); ++winner) {
    if (!classes[winner].is_correct || classes[winner].answer.empty()) continue;
    for (std::uint64_t most = 1; most <= std::min<std::uint64_t>(k, classes[winner].count);
         ++most) {
      Ways ways(k, most);
      for (std::size_t other = 0; other < classes.size(); ++other) {
        if (other != winner && !classes[other].answer.empty()) ways.add_voters(choose[other]);
      }
      wins += choose[winner][most] * ways.shared_wins(k - most, choose_voteless);
    }
  }
  return std::min(wins / binomials(n, k)[k], 1.0);
}

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
  const bool can_count = std::isfinite(binomials(n, k)[k]);
  if (options.is_exact && can_count) return by_counting(classes, n, k);
  return by_random_subsets(classes, n, k, options);
}

}  // namespace assay::algo
