// No training with a verifier that a policy can cheat: audits those that have a suite.
#pragma once

#include <string>

#include "actors/cli/run_setup.h"
#include "runtime/core/result.h"

namespace assay::cli {

// A line for each verifier that was audited. Errors: E405 for one that does not pass its gate, with
// what is missing; E410 and the like for a suite that cannot be read.
Result<std::string> check_verifier_gates(const RunSetup& setup);

}  // namespace assay::cli
