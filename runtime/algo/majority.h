// maj@k: the answer most completions agree on (self-consistency), with ties at their expected
// value.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "runtime/core/result.h"

namespace assay::algo {

// Completions of one prompt that gave the same answer in the verifier's canonical form.
struct AnswerClass {
  std::string answer;  // empty = nothing could be read from it: these cast no vote
  std::uint32_t count = 0;
  bool is_correct = false;

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("answer", self.answer, "count", self.count, "is_correct", self.is_correct);
  }
};

struct MajorityOptions {
  std::uint32_t subsets = 1000;         // random subsets where counting all is too much work
  std::uint64_t outcomes_max = 20'000;  // vote splits that are still counted exactly
  std::uint64_t seed = 0;
};

// Expected correctness of the plurality answer among k completions drawn without replacement.
//   classes  the prompt's answers; their counts sum to n
// A tie is worth the fraction of tied answers that are correct; no vote at all is worth 0. Exact
// where the number of vote splits allows, otherwise the mean over random subsets (so not biased by
// the order of answers, as taking the first of a tie would be).
// Errors: kInvalidInput when k = 0 or k > n.
Result<double> majority_at_k(std::span<const AnswerClass> classes, std::uint64_t k,
                             const MajorityOptions& options);

}  // namespace assay::algo
