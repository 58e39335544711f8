// A train batch: what one update consumes. The learner sees numbers per token and never learns
// which estimator made them.
//
// Sequences are packed without padding. All per-token arrays run over the whole pack; sequence i is
// tokens [offsets[i], offsets[i+1]). Entry t of logprobs_behaviour, advantages, mask and version
// belongs to *predicting* tokens[t] from the tokens before it in its sequence, so entry 0 of every
// sequence is unused and masked out.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/core/ids.h"
#include "runtime/wire/rollout.h"

namespace assay::wire {

struct TrainBatch {
  std::vector<TokenId> tokens;            // [token_count]
  std::vector<std::uint32_t> offsets;     // [sequence_count + 1], offsets[0] = 0
  std::vector<float> logprobs_behaviour;  // [token_count], nats; 0 where masked out
  std::vector<float> advantages;          // [token_count]
  std::vector<float> weights;             // [token_count], extra factor on the loss, usually 1
  std::vector<std::uint8_t> mask;         // [token_count], 1 = trained
  std::vector<std::uint32_t> versions;    // [token_count], behaviour version
  std::vector<RolloutId> rollouts;        // [sequence_count]; empty for supervised data
  std::uint32_t group_count = 0;

  std::size_t token_count() const { return tokens.size(); }
  std::size_t sequence_count() const { return offsets.empty() ? 0 : offsets.size() - 1; }

  template <class Inspector>
  static auto inspect(Inspector&& f, auto& self) {
    return f("tokens", self.tokens, "offsets", self.offsets, "logprobs_behaviour",
             self.logprobs_behaviour, "advantages", self.advantages, "weights", self.weights,
             "mask", self.mask, "versions", self.versions, "rollouts", self.rollouts, "group_count",
             self.group_count);
  }
};

}  // namespace assay::wire
