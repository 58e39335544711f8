// Choice: the completion settles on the right letter of a multiple-choice question.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/core/result.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

// The last statement of the completion counts: a \boxed{...}, an <answer> tag, a `####` line,
// words such as "the answer is" or "option"; without any, a completion or a last line that is a
// choice by itself ("B", "(B)", "B. Paris"), or the one letter that the last sentence names. Text
// up to the last </think> is not looked at. The reference is a letter, "(B)", "B. Paris", several
// letters ("A, C"), or one of "texts". Options: "letters" ("ABCDEFGHIJ"): the choices there are;
// "texts" ([]): what the choices say, in
//   the order of the letters, so that an answer in words counts too; "multiple" (false): several
//   letters may be right (also where the reference names several).
//   incorrect: no_answer (none, a hedge between several, a denial), wrong_answer, malformed (not
//   UTF-8), output_limit. unscored: internal_error when the reference names no choice.
Result<std::unique_ptr<Verifier>> make_choice(std::string_view options_json);

}  // namespace assay::verifiers
