// The shape of a policy: one transformer class covers Llama, Qwen2 and Qwen3 style models.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/core/result.h"

namespace assay::model {

// Pre-norm decoder: RMSNorm, rotary positions (rotate-half), grouped-query attention, SwiGLU.
struct ModelConfig {
  std::uint32_t vocab_size = 0;
  std::uint32_t hidden_size = 0;
  std::uint32_t layer_count = 0;
  std::uint32_t head_count = 0;     // query heads
  std::uint32_t kv_head_count = 0;  // divides head_count
  std::uint32_t head_size = 0;      // even; head_count * head_size may differ from hidden_size
  std::uint32_t ffn_size = 0;
  std::uint32_t context_size = 0;  // longest sequence, prompt and completion together
  float rms_eps = 1e-6f;
  float rope_theta = 10000.0f;
  bool has_qkv_bias = false;  // Qwen2
  bool has_qk_norm = false;   // Qwen3: RMSNorm per head on q and k before rotation
  bool has_tied_embeddings = true;

  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

// Whether a policy of this shape can exist: sizes positive and bounded, head_size even, kv heads
// dividing heads, the parameter count within memory. Errors: kInvalidInput naming the field.
Result<void> validate(const ModelConfig& config);

// Number of weights, tied embeddings counted once. The config must be valid.
std::uint64_t weight_count(const ModelConfig& config);

// The config as one JSON object with the field names above, and back. Unknown and missing keys,
// wrong types and impossible shapes are refused. Errors: kCorrupt, kInvalidInput.
std::string to_json(const ModelConfig& config);
Result<ModelConfig> parse_model_config(std::string_view json);

}  // namespace assay::model
