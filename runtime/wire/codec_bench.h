// How fast rollouts become bytes and bytes rollouts, beside copying as many bytes.
#pragma once

#include <cstddef>
#include <vector>

#include "runtime/core/figure.h"
#include "runtime/core/result.h"

namespace assay::wire {

struct CodecBenchOptions {
  std::size_t prompt_tokens = 200;
  std::size_t completion_tokens = 1000;
  std::size_t messages = 2000;  // encoded and decoded in each round
  std::size_t repeats = 5;
};

// codec_encode_gbps and codec_decode_gbps, in 1e9 bytes of message a second, each beside the
// memcpy_gbps of blocks as large as the message.
// Errors: kCorrupt when a rollout does not come back as it went.
Result<std::vector<Figure>> codec_bench(const CodecBenchOptions& options);

}  // namespace assay::wire
