// From what a jail reports of a check to a verdict.
#pragma once

#include <optional>
#include <string>

#include "runtime/wire/verdict.h"
#include "verifiers/sandbox/jail.h"

namespace assay::verifiers {

// What ended the program from outside, whatever it or its tests say: its limits, the filter, a
// crash. Empty where nothing did. The sentence is the same each time.
std::optional<wire::Verdict> judge_end(const sandbox::CheckOutcome& outcome,
                                       const sandbox::Limits& limits);

// The verdict of a check whose last process answers with a judgement (see test_run.h), together
// with the flag `weak_oracle` where it applies. `nonce` must come back in the answer.
wire::Verdict judge_answer(const sandbox::CheckOutcome& outcome, const sandbox::Limits& limits,
                           const std::string& nonce);

}  // namespace assay::verifiers
