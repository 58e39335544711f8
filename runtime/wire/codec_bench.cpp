#include "runtime/wire/codec_bench.h"

#include <string>

#include "runtime/core/ceiling.h"
#include "runtime/core/rng.h"
#include "runtime/wire/codec.h"

namespace assay::wire {
namespace {

Rollout bench_rollout(const CodecBenchOptions& options) {
  Rng rng(1);
  Rollout rollout;
  rollout.id = {GroupId{rng.next_u64()}, 3};
  rollout.prompt = PromptId{rng.next_u64()};
  rollout.seed = rng.next_u64();
  for (std::size_t i = 0; i < options.prompt_tokens; ++i) {
    rollout.prompt_tokens.push_back(static_cast<TokenId>(rng.below(50'000)));
  }
  for (std::size_t i = 0; i < options.completion_tokens; ++i) {
    rollout.completion_tokens.push_back(static_cast<TokenId>(rng.below(50'000)));
    rollout.logprobs.push_back(static_cast<float>(-5 * rng.next_unit()));
    rollout.versions.push_back(7);
    rollout.completion += "word ";
  }
  return rollout;
}

}  // namespace

Result<std::vector<Figure>> codec_bench(const CodecBenchOptions& options) {
  const Rollout rollout = bench_rollout(options);
  const std::string message = encode(rollout);
  Series series[] = {
      Series({.name = "codec_encode_gbps", .unit = "GB/s", .ceiling = "memcpy_gbps"}),
      Series({.name = "codec_decode_gbps", .unit = "GB/s", .ceiling = "memcpy_gbps"})};
  const double gigabytes = static_cast<double>(message.size() * options.messages) / 1e9;
  for (std::size_t round = 0; round < options.repeats; ++round) {
    bool is_same = true;
    const double encode_s = seconds_of([&] {
      for (std::size_t i = 0; i < options.messages; ++i) {
        is_same = is_same && encode(rollout).size() == message.size();
      }
    });
    series[0].add(gigabytes / encode_s, memcpy_gbps(message.size()));
    const double decode_s = seconds_of([&] {
      for (std::size_t i = 0; i < options.messages; ++i) {
        const Result<Rollout> decoded = decode_rollout(message);
        is_same = is_same && decoded && decoded->logprobs == rollout.logprobs;
      }
    });
    series[1].add(gigabytes / decode_s, memcpy_gbps(message.size()));
    if (!is_same) {
      return Error{ErrorCode::kCorrupt, "a rollout did not come back as it went", "", "", ""};
    }
  }
  return figures_of(series);
}

}  // namespace assay::wire
