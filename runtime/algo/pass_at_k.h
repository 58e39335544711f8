// pass@k: the probability that at least one of k completions is correct, estimated from n draws.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "runtime/core/result.h"

namespace assay::algo {

// The unbiased estimate 1 - C(n - c, k) / C(n, k), as a product in double.
//   n  completions drawn and scored    c  of them correct    k  >= 1
// c = 0 gives 0; k = n gives 1 exactly when c > 0; k = 1 gives c / n. The same function serves
// CoT-pass@k (arXiv:2506.14245) with c = completions whose answer and chain are both right.
// Errors: kInvalidInput when k = 0, c > n, or k > n: there is no such estimate, and clamping k
// would quietly report another number. Source: Chen et al., arXiv:2107.03374.
Result<double> pass_at_k(std::uint64_t n, std::uint64_t c, std::uint64_t k);

// What blind guessing reaches at k: 1 - (1 - chance)^k.
//   chance  probability that one guess is right, in [0, 1]
double guess_floor(double chance, std::uint64_t k);

// The chance that the answer of another prompt happens to be right: the share of ordered pairs of
// prompts with the same answer. It is what a policy reaches that has learned how answers are
// distributed and nothing about the question. 0 below two prompts.
//   answers  one for each prompt, compared as text
double match_chance(std::span<const std::string> answers);

}  // namespace assay::algo
