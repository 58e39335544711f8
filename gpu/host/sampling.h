// Drawing one token from a row of logits.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu/generator.h"
#include "gpu/host/kernels.h"
#include "runtime/core/result.h"

namespace assay::gpu::host {

// Errors: kInvalidInput naming the option that is out of range.
Result<void> check_sampling(const SamplingOptions& options);

// Whether top_k or top_p may leave tokens out.
bool is_truncated(const SamplingOptions& options);

// The log-prob of `token` among those that top_k and top_p keep; minus infinity when it is not.
//   exps  [vocab_size], as log_softmax() gave them; those left out become 0
float truncated_logprob(float* exps, std::size_t vocab_size, const SamplingOptions& options,
                        wire::TokenId token, std::vector<std::uint32_t>& order);

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
