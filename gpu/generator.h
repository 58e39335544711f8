// Generator: one policy replica that turns prompts into rollouts.
//
// A generator batches continuously: groups may be submitted while others run, and each call to
// advance() draws one token for every running sequence. Randomness is counter-based: the tokens of
// a rollout depend only on its seed, its prompt and the weights, never on the batch around it. Not
// thread-safe: one thread owns a generator. Implementations: gpu/host, later gpu/cuda.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gpu/weights.h"
#include "runtime/core/ids.h"
#include "runtime/core/result.h"
#include "runtime/wire/rollout.h"

namespace assay::gpu {

// Below this a softmax in float overflows; whoever wants the arg max says 0.
inline constexpr float kTemperatureMin = 1e-3f;

struct SamplingOptions {
  float temperature = 1.0f;  // 0 = greedy (arg max, lowest id on ties), else >= kTemperatureMin
  std::uint32_t top_k = 0;   // 0 = off
  float top_p = 1.0f;        // 1 = off
  std::uint32_t max_completion_tokens = 64;
  std::vector<wire::TokenId> stop_tokens = {};  // drawing one of these ends the completion
};

// The rollouts of one prompt; the prompt is computed once and shared by all of them.
struct GenerationRequest {
  GroupId group;
  PromptId prompt;
  std::vector<wire::TokenId> prompt_tokens;  // at least one
  std::vector<std::uint32_t> indices;        // which rollouts of the group to draw
  std::vector<std::uint64_t> seeds;          // [indices.size()], one sampling seed each
  SamplingOptions sampling;
};

struct GeneratorCounters {
  std::uint64_t generated_tokens = 0;
  std::uint64_t prompt_tokens = 0;      // computed, shared prefixes counted once
  std::uint64_t recomputed_tokens = 0;  // cache entries rebuilt after a weight swap
  std::uint64_t weight_swaps = 0;
};

class Generator {
 public:
  virtual ~Generator() = default;

  // Queues a group. Rollouts appear from later calls to advance().
  // Errors: kInvalidInput when the prompt is empty, a token is outside the vocabulary, a sampling
  // option is out of range, or prompt plus completion would exceed the context; kExhausted when the
  // cache cannot ever hold it.
  virtual Result<void> submit(GenerationRequest request) = 0;

  // Draws one token for each running sequence (admitting queued ones first) and returns the
  // rollouts that finished, in (group submission, index) order. `completion` text is left empty:
  // decoding belongs to the caller, who owns the tokenizer. Returns empty at once when idle.
  virtual Result<std::vector<wire::Rollout>> advance() = 0;

  // Takes effect at the next token boundary. Running sequences go on under the new weights: their
  // cache is rebuilt, so every later log-probability is exactly that of the new policy given the
  // tokens so far, and each token is stamped with the version that drew it.
  virtual void set_weights(std::shared_ptr<const Weights> weights) = 0;

  // Forgets every queued and running sequence of the group.
  virtual void cancel(GroupId group) = 0;

  virtual std::size_t running_sequences() const = 0;
  virtual std::size_t queued_sequences() const = 0;
  virtual std::size_t cache_bytes() const = 0;
  virtual GeneratorCounters counters() const = 0;
};

}  // namespace assay::gpu
