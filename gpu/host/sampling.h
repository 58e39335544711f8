// Drawing one token from a row of logits.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu/generator.h"
#include "gpu/host/kernels.h"

namespace assay::gpu::host {

struct Draw {
  wire::TokenId token = 0;
  float logprob = 0;  // of the distribution drawn from: tempered and truncated
};

// Draws by inversion with the uniform number Philox(seed, position), so the draw depends on nothing
// else. Temperature 0 takes the largest logit, the lowest id on ties, and reports its log-prob at
// temperature 1. top_k keeps the k largest; top_p then keeps the fewest whose mass reaches it.
//   logits  [vocab_size], readable up to padded(vocab_size)
//   exps    [padded(vocab_size)], scratch
//   order   scratch, touched only when truncating
Draw draw_token(const Kernels& kernels, const float* logits, std::size_t vocab_size,
                const SamplingOptions& options, std::uint64_t seed, std::uint32_t position,
                float* exps, std::vector<std::uint32_t>& order);

}  // namespace assay::gpu::host
