// The policy in double precision, written as plainly as the papers do: the twin of gpu/host.
#pragma once

#include <span>
#include <vector>

#include "gpu/host/layout.h"
#include "runtime/wire/rollout.h"

namespace assay::gpu::reference {

// Log-probability of each token of one sequence given those before it; 0 for the first.
//   arena  weights laid out as gpu::host::Layout says, in double
std::vector<double> logprobs(const host::Layout& layout, std::span<const double> arena,
                             std::span<const wire::TokenId> tokens);

}  // namespace assay::gpu::reference
