// Checks a completion of the chain-arithmetic task, every intermediate state included.
#pragma once

#include <string_view>

#include "runtime/core/result.h"

namespace assay::verifiers {

struct ChainCheck {
  bool is_well_formed = false;     // the completion is a list of states at all
  bool is_answer_correct = false;  // the last state is right
  bool is_chain_correct = false;   // every state is there and right, hence the answer too
  bool is_chain = false;           // more than one state is written, right or wrong
};

// Judges a completion such as `55;50;00` of a prompt such as `47+8-5*2=`, evaluated from left to
// right, mod 100. States are exactly two digits, separated by `;`, and nothing else may stand in
// the completion but one end symbol `.` at its end. A problem with a single state is answered by
// its chain, so there the direct answer is chain-correct.
// Errors: kInvalidInput when the prompt is not a problem of this task.
Result<ChainCheck> check_chain(std::string_view prompt_text, std::string_view completion);

}  // namespace assay::verifiers
