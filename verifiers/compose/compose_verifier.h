// The compose verifier: several verifiers judge one completion together.
//
// Options: `rule` (all, weighted, min or cascade), `abstain` (unscored, skip or fail), `threshold`,
// and `parts`, a list of {name, type, options, role, weight} with role score, gate or tripwire.
// Gates and tripwires are asked first, in order; a part behind one that did not pass is not asked.
#pragma once

#include <memory>
#include <string_view>

#include "runtime/core/result.h"
#include "verifiers/registry.h"
#include "verifiers/verifier.h"

namespace assay::verifiers {

// Errors: E403 for its own options; those of a part, with the part's name.
Result<std::unique_ptr<Verifier>> make_compose_verifier(const VerifierContext& context,
                                                        std::string_view options_json);

}  // namespace assay::verifiers
