// MathVerifier: finds the final answer of a solution and compares it with the reference as a value.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/core/result.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

// Correct when the answer that the completion settles on equals the reference exactly: numbers as
// rationals (1,073 and 1073.0 and \frac{2146}{2} are one value; 1073.01 is another, however close),
// tuples, lists, sets, intervals and matrices by their parts, everything else by form. Where no
// proof either way is found the verdict is incorrect with the code undecided. Nothing is evaluated
// as a program; sizes are predicted before anything is computed.
//   incorrect: no_answer (none found, or a hedge between several), wrong_answer, undecided,
//   malformed (not UTF-8), output_limit (over limits::kVerifierInputBytesMax).
//   unscored: internal_error when the reference itself is unusable (too long or not UTF-8).
// Options:
//   "float_digits" (0): where positive, a decimal answer of at least four significant digits may
//   stand for a reference without finite decimals if it is that reference correctly rounded, to at
//   most so many decimals; "extract": what may hold the answer, any of latex, expr, boxed (accepted
//   for compatibility, all are always read); "strict" (true) and "allow_set_relation_comparison"
//   (false): with the latter, `-2 \le x \le 7` equals `x \in [-2,7]`.
Result<std::unique_ptr<Verifier>> make_math_verifier(std::string_view options_json);

}  // namespace assay::verifiers
