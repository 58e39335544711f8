// Random small policies and batches for the tests of gpu.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

#include "gpu/host/host_learner.h"
#include "gpu/host/host_weights.h"
#include "runtime/core/rng.h"

namespace assay::gpu {

inline std::uint64_t test_seed(std::uint64_t fallback) {
  const char* text = std::getenv("ASSAY_SEED");
  return text ? std::strtoull(text, nullptr, 10) : fallback;
}

inline model::ModelConfig random_config(Rng& rng) {
  model::ModelConfig c;
  const std::uint32_t head_sizes[] = {2, 6, 16, 18, 32};
  c.vocab_size = 5 + static_cast<std::uint32_t>(rng.below(40));
  c.hidden_size = 7 + static_cast<std::uint32_t>(rng.below(60));
  c.layer_count = 1 + static_cast<std::uint32_t>(rng.below(3));
  c.kv_head_count = 1 + static_cast<std::uint32_t>(rng.below(2));
  c.head_count = c.kv_head_count * (1 + static_cast<std::uint32_t>(rng.below(3)));
  c.head_size = head_sizes[rng.below(5)];
  c.ffn_size = 5 + static_cast<std::uint32_t>(rng.below(80));
  c.context_size = 96;
  c.has_qkv_bias = rng.next_bool(0.5);
  c.has_qk_norm = rng.next_bool(0.5);
  c.has_tied_embeddings = rng.next_bool(0.5);
  return c;
}

inline model::ModelConfig tiny_config() {
  model::ModelConfig c;
  c.vocab_size = 18;
  c.hidden_size = 32;
  c.layer_count = 2;
  c.head_count = 4;
  c.kv_head_count = 2;
  c.head_size = 8;
  c.ffn_size = 48;
  c.context_size = 64;
  return c;
}

// Weights far from their initial values, norms and biases included, so that nothing cancels.
inline void disturb(host::WeightStore& store, Rng& rng, host::ThreadPool& pool) {
  for (const host::TensorPlace& place : store.layout().tensors) {
    const bool is_norm = place.kind == host::TensorKind::kNorm;
    for (std::size_t row = 0; row < place.rows; ++row) {
      for (std::size_t col = 0; col < place.cols; ++col) {
        const double draw = 0.2 * rng.next_normal();
        store.arena()[place.offset + row * place.stride + col] =
            static_cast<float>(is_norm ? 1 + draw : draw);
      }
    }
  }
  store.pack(pool);
}

inline wire::TrainBatch random_batch(const model::ModelConfig& config, std::size_t sequences,
                                     Rng& rng) {
  wire::TrainBatch batch;
  batch.offsets.push_back(0);
  for (std::size_t i = 0; i < sequences; ++i) {
    const std::size_t length = 2 + rng.below(30);
    for (std::size_t t = 0; t < length; ++t) {
      batch.tokens.push_back(static_cast<wire::TokenId>(rng.below(config.vocab_size)));
      const bool is_trained = t > 0 && rng.next_bool(0.8);
      batch.mask.push_back(is_trained);
      batch.advantages.push_back(static_cast<float>(rng.next_normal()));
      batch.weights.push_back(1.0f);
      batch.logprobs_behaviour.push_back(-1.0f);
      batch.versions.push_back(0);
    }
    batch.offsets.push_back(static_cast<std::uint32_t>(batch.tokens.size()));
  }
  return batch;
}

}  // namespace assay::gpu
