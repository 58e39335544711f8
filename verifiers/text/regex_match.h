// RegexMatch: the completion matches a regular expression.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/core/result.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

// Options: "pattern", in the syntax of RE2; where it is absent the prompt's reference is the
// pattern. "whole" (false): the pattern must match the whole completion, white space around it
// aside; "ignore_case" (false); "negate" (false): the pattern must not match.
//   incorrect: no_answer, wrong_answer, malformed (not UTF-8), output_limit.
//   unscored: internal_error when the reference is no regular expression.
// The time taken is linear in the completion.
Result<std::unique_ptr<Verifier>> make_regex_match(std::string_view options_json);

}  // namespace assay::verifiers
