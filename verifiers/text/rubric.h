// Rubric: weighted criteria, each judged by itself.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/core/result.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

// The score is the weight of the criteria met over the weight of all. Correct when it reaches the
// threshold and every hard criterion is met. The reward is the score, or 0 when a hard criterion is
// not met. Every criterion is one of the verdict's checks.
// A text written for a counter of words (Prose::stuffing_sign) meets nothing: a check named
// "stuffing" says so, and it is hard. A rubric whose criteria all look for words or count them can
// be met by a text that says nothing; it is not refused, but each of its verdicts carries a check
// named "warning".
// Options: "rubric", an object of criteria by name (see criterion.h); where it is absent the
//   prompt's reference holds that object. "threshold" (1.0); "stuffing_guard" (true);
//   "partial_credit" (true): false makes the reward 1 or 0.
//   incorrect: no_answer (empty), wrong_answer, malformed (not UTF-8), output_limit.
//   unscored: internal_error when the reference holds no rubric.
Result<std::unique_ptr<Verifier>> make_rubric(std::string_view options_json);

}  // namespace assay::verifiers
