// Compares expressions by their values at points that nobody could have prepared for.
#pragma once

#include <string_view>

#include "verifiers/math/agreement.h"
#include "verifiers/math/exact_number.h"
#include "verifiers/math/expression.h"

namespace assay::verifiers {

// Evaluates both sides in ball arithmetic at 128, 256 and 512 bits until the balls lie apart (a
// proof that the sides differ) or agree to 2^-200 (evidence that they are equal). Expressions with
// variables are evaluated at points drawn from the hash of `seed_text`, the reference: the same
// every time, unknown to whoever wrote the answer, positive and negative. At least eight points
// where both sides are real must agree; where the real points do not suffice, whole numbers are
// tried ((-1)^n). Expressions that hold i, and constants without a real value, are complex.
// kUndecided where an expression is no number, has no value at enough points, or needs too much
// work.
Agreement compare_numerically(const Node& reference, const Node& answer, std::string_view seed_text,
                              WorkBudget& budget);

// Whether the constant, rounded to `decimals` places, is the given decimal; false when in doubt.
bool rounds_to(const Node& constant, const ExactNumber& decimal, int decimals, WorkBudget& budget);

}  // namespace assay::verifiers
