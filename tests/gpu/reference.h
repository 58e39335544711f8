// The policy in double precision, written as plainly as the papers do: the twin of gpu/host.
#pragma once

#include <span>
#include <vector>

#include "gpu/host/layout.h"
#include "runtime/wire/rollout.h"

namespace assay::gpu::reference {

struct Scores {
  std::vector<double> logprobs;   // of each token given those before it; 0 for the first
  std::vector<double> entropies;  // of the distribution it was drawn from, nats; 0 for the first
};

// Scores of one sequence under softmax(logits / temperature).
//   arena  weights laid out as gpu::host::Layout says, in double
Scores scores(const host::Layout& layout, std::span<const double> arena,
              std::span<const wire::TokenId> tokens, double temperature = 1);

}  // namespace assay::gpu::reference
