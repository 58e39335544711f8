// HTTP judge: asks a server whether a completion is right, and believes it within bounds.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/core/result.h"
#include "verifiers/registry.h"

namespace assay::verifiers {

// A judge can be talked into anything, so it should not be the only authority over a reward;
// canaries catch one that accepts what is known to be bad.
//
// Options (unknown ones are refused, E403):
//   "url": http or https; required.
//   "format" ("judge"): the request is {"prompt", "reference", "completion", "rubric"} and the
//   answer {"pass", "score", "reason"}; or "chat": an OpenAI-compatible chat completion of "model"
//   whose text is that answer.
//   "rubric" (""), "model" (""), "threshold" (0.5: the score from which it is right),
//   "reward" ("pass": 1 or 0; or "score"), "reward_cap" (1).
//   "api_key_env" (""): the environment variable whose value is sent as a bearer token; it is in no
//   message and no cache key.
//   "timeout_s" (20, or the context's) of one attempt, "attempts" (3), "answer_bytes_max" (256
//   KiB), "completion_bytes_max" (16 KiB). "rate_per_s" (0: no limit), "burst" (8), "patience_s"
//   (60: the longest wait for a turn). "budget" (0: no limit) and "cost_per_call" (1), in units of
//   one's own. "breaker_failures" (5, one after another), "breaker_rest_s" (10). "canary_rate"
//   (0.02 of the calls) and "canaries" (more known-bad completions). "cache_entries" (100,000).
// Limits, cache and breaker belong to this verifier alone.
//
// Codes. correct; incorrect: wrong_answer, no_answer for an empty completion, output_limit for one
// that is too long. Everything else is unscored: judge_unavailable where the judge is away, slow,
// answers something else than asked, is over its budget or rate, or rests; such an answer is not
// remembered.
Result<std::unique_ptr<Verifier>> make_http_verifier(const VerifierContext& context,
                                                     std::string_view options_json);

}  // namespace assay::verifiers
