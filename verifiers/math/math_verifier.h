// MathVerifier: finds the final answer of a solution and compares it with the reference as a value.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/core/result.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

// Correct when the answer that the completion settles on equals the reference: numbers as rationals
// (1,073 and 1073.0 and \frac{2146}{2} are one value; 1073.01 is another, however close), rational
// functions and square roots by exact algebra, other expressions by their values in ball arithmetic
// at points drawn from the hash of the reference (evidence, and the reason says "numerically");
// tuples, lists, sets, intervals, matrices, equations, ratios and quantities by their parts. Where
// neither equality nor inequality is found the verdict is incorrect with the code undecided.
// Nothing is evaluated as a program; sizes are predicted before anything is computed, and all work
// is drawn from one budget, so that a check ends within some ten milliseconds whatever is written
// in it.
//   incorrect: no_answer (none found, or a hedge between several), wrong_answer, undecided,
//   malformed (not UTF-8), output_limit (over limits::kVerifierInputBytesMax).
//   unscored: internal_error when the reference itself is unusable (too long or not UTF-8).
// Options:
//   "float_digits" (0): where positive, a decimal of at least four significant digits may stand for
//   a value without finite decimals if it is that value correctly rounded, to at most so many
//   decimals; "extract" (all): what may hold the answer, any of latex, expr, boxed; without expr a
//   number in passing is not read; "strict" (true): false compares tuples with sets;
//   "allow_set_relation_comparison" (false): with it `-2 \le x \le 7` equals `x \in [-2,7]`.
Result<std::unique_ptr<Verifier>> make_math_verifier(std::string_view options_json);

}  // namespace assay::verifiers
