// Decides whether expressions are the same rational function, exactly.
#pragma once

#include <optional>

#include "verifiers/math/agreement.h"
#include "verifiers/math/exact_number.h"
#include "verifiers/math/expression.h"

namespace assay::verifiers {

// Both sides become quotients of polynomials over the integers in their variables, in i and in the
// square roots of primes; there equality is decided. Whatever else stands in them (pi, sin x, 2^n)
// is a letter of its own: then equality is still a proof, but inequality is not and the outcome is
// kUndecided. kDifferent also where one side divides by zero.
Agreement compare_exactly(const Node& a, const Node& b, WorkBudget& budget);

// The sign of the constant c in `left_a - right_a = c * (left_b - right_b)`, denominators cleared:
// then `left_a = right_a` and `left_b = right_b` are one equation, and one inequality up to its
// direction. 0 where they are certainly not proportional; nothing where that is not known.
std::optional<int> proportion_of(const Node& left_a, const Node& right_a, const Node& left_b,
                                 const Node& right_b, WorkBudget& budget);

}  // namespace assay::verifiers
