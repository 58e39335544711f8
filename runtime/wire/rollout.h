// A rollout: one completion of a prompt with everything the learner needs to be exact about it.
//
// Produced by a generator, stored before anyone judges it, consumed by the learner. The three
// arrays of a completion are aligned: token i was drawn with log-probability logprobs[i] by policy
// versions[i].
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/core/ids.h"

namespace assay::wire {

using TokenId = std::int32_t;

enum class FinishReason : std::uint8_t {
  kEos,        // the policy ended it; the end token is part of the completion
  kLength,     // cut at max_completion_tokens
  kCancelled,  // withdrawn; never verified nor trained
};

struct Rollout {
  RolloutId id;
  PromptId prompt;
  std::uint64_t seed = 0;  // sampling seed: Philox key of this completion
  FinishReason finish = FinishReason::kEos;
  std::vector<TokenId> prompt_tokens;      // [prompt_token_count]
  std::vector<TokenId> completion_tokens;  // [completion_token_count], end token included
  std::vector<float> logprobs;             // [completion_token_count], nats, as sampled
  std::vector<std::uint32_t> versions;     // [completion_token_count], behaviour version
  std::string completion;                  // decoded text without the end token

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("id", self.id, "prompt", self.prompt, "seed", self.seed, "finish", self.finish,
             "prompt_tokens", self.prompt_tokens, "completion_tokens", self.completion_tokens,
             "logprobs", self.logprobs, "versions", self.versions, "completion", self.completion);
  }
};

// The oldest behaviour version of any token; staleness is measured from it. Zero when empty.
inline PolicyVersion oldest_version(const Rollout& rollout) {
  if (rollout.versions.empty()) return {};
  std::uint32_t oldest = rollout.versions.front();
  for (const std::uint32_t version : rollout.versions) oldest = version < oldest ? version : oldest;
  return PolicyVersion{oldest};
}

}  // namespace assay::wire
