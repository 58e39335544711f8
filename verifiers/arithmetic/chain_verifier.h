// ChainVerifier: rewards the right answer of a chain-arithmetic problem; the chain is a check.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "runtime/core/result.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

// Correct when the last state is right, whatever came before it. The verdict's checks are "answer"
// and "chain": the second passes only when every intermediate state is written and right, so that
// evaluation can tell a derived answer from a guessed one. A reference that is not the prompt's own
// last state is unscored: the task contradicts itself. No options.
Result<std::unique_ptr<Verifier>> make_chain_verifier(std::string_view options_json);

}  // namespace assay::verifiers
