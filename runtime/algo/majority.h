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
  bool is_exact = true;          // false: random subsets even where counting is possible
  std::uint32_t subsets = 1000;  // random subsets where it is not
  std::uint64_t seed = 0;
};

// Expected correctness of the plurality answer among k completions drawn without replacement.
//   classes  the prompt's answers; their counts sum to n
// A tie is worth the fraction of tied answers that are correct; no vote at all is worth 0, so
// nothing depends on the order of answers. Exact while C(n, k) fits a double (n up to about 1000),
// otherwise the mean over random subsets. Cost: about classes * k^3 / 6 for each correct class.
// Errors: kInvalidInput when k = 0 or k > n.
Result<double> majority_at_k(std::span<const AnswerClass> classes, std::uint64_t k,
                             const MajorityOptions& options);

}  // namespace assay::algo
