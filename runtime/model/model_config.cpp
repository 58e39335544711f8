#include "runtime/model/model_config.h"

#include <cmath>

#include "runtime/core/json.h"

namespace assay::model {

namespace {

constexpr std::uint32_t kExtentMax = 1u << 20;
constexpr std::uint32_t kLayersMax = 1024;
constexpr std::uint64_t kWeightCountMax = std::uint64_t{1} << 40;

// Calls f(name, field) for every field; the one list that JSON in and out share.
template <class Config, class Each>
void for_each_field(Config& config, Each each) {
  each("vocab_size", config.vocab_size);
  each("hidden_size", config.hidden_size);
  each("layer_count", config.layer_count);
  each("head_count", config.head_count);
  each("kv_head_count", config.kv_head_count);
  each("head_size", config.head_size);
  each("ffn_size", config.ffn_size);
  each("context_size", config.context_size);
  each("rms_eps", config.rms_eps);
  each("rope_theta", config.rope_theta);
  each("has_qkv_bias", config.has_qkv_bias);
  each("has_qk_norm", config.has_qk_norm);
  each("has_tied_embeddings", config.has_tied_embeddings);
}

Error invalid(const std::string& what) {
  return Error{ErrorCode::kInvalidInput, "model: " + what, {}, {}, {}};
}

void take(const nlohmann::json& value, bool& field) {
  field = value.get_ref<const bool&>();
}
void take(const nlohmann::json& value, float& field) {
  if (!value.is_number()) throw std::runtime_error("is not a number");
  field = value.get<float>();
}
void take(const nlohmann::json& value, std::uint32_t& field) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > UINT32_MAX)
    throw std::runtime_error("is not a 32-bit non-negative integer");
  field = value.get<std::uint32_t>();
}

Result<void> check_extents(const ModelConfig& config) {
  std::string wrong;
  const auto check = [&wrong](const char* name, const auto& field) {
    if constexpr (std::is_same_v<std::decay_t<decltype(field)>, std::uint32_t>) {
      if (wrong.empty() && (field == 0 || field > kExtentMax))
        wrong = std::string(name) + " = " + std::to_string(field) + " must be in [1, " +
                std::to_string(kExtentMax) + "]";
    }
  };
  for_each_field(config, check);
  if (wrong.empty() && config.layer_count > kLayersMax)
    wrong = "layer_count must be at most " + std::to_string(kLayersMax);
  if (wrong.empty() && std::uint64_t{config.head_count} * config.head_size > kExtentMax)
    wrong = "head_count * head_size must be at most " + std::to_string(kExtentMax);
  if (!wrong.empty()) return invalid(wrong);
  return {};
}

}  // namespace

Result<void> validate(const ModelConfig& config) {
  if (Result<void> checked = check_extents(config); !checked) return checked;
  if (config.head_size % 2 != 0)
    return invalid("head_size = " + std::to_string(config.head_size) +
                   " must be even: rotary positions turn pairs");
  if (config.head_count % config.kv_head_count != 0)
    return invalid("kv_head_count = " + std::to_string(config.kv_head_count) +
                   " must divide head_count = " + std::to_string(config.head_count));
  if (!(config.rms_eps > 0 && config.rms_eps < 1)) return invalid("rms_eps must be in (0, 1)");
  if (!(config.rope_theta > 1 && std::isfinite(config.rope_theta)))
    return invalid("rope_theta must be finite and above 1");
  // Extents and head_count * head_size are at most 2^20, layers 2^10: this stays below 2^54.
  if (weight_count(config) > kWeightCountMax)
    return invalid("it would have more than 2^40 weights");
  return {};
}

std::uint64_t weight_count(const ModelConfig& config) {
  const std::uint64_t hidden = config.hidden_size;
  const std::uint64_t query = std::uint64_t{config.head_count} * config.head_size;
  const std::uint64_t key = std::uint64_t{config.kv_head_count} * config.head_size;
  std::uint64_t layer = 2 * hidden;                      // two norms
  layer += hidden * query * 2 + hidden * key * 2;        // q, o and k, v
  layer += 3 * hidden * std::uint64_t{config.ffn_size};  // gate, up, down
  if (config.has_qkv_bias) layer += query + 2 * key;
  if (config.has_qk_norm) layer += 2 * std::uint64_t{config.head_size};
  const std::uint64_t embedding = std::uint64_t{config.vocab_size} * hidden;
  return config.layer_count * layer + hidden + embedding * (config.has_tied_embeddings ? 1 : 2);
}

std::string to_json(const ModelConfig& config) {
  nlohmann::ordered_json object;
  for_each_field(config, [&object](const char* name, const auto& field) { object[name] = field; });
  return json_text(object);
}

Result<ModelConfig> parse_model_config(std::string_view json) {
  ModelConfig config;
  std::string place = "model config";
  try {
    const nlohmann::json object = parse_json(json);
    std::size_t field_count = 0;
    for_each_field(config, [&](const char* name, auto& field) {
      place = std::string("model config: ") + name;
      take(object.at(name), field);
      ++field_count;
    });
    place = "model config";
    if (object.size() != field_count) throw std::runtime_error("has unknown keys");
  } catch (const std::exception& failure) {
    return Error{ErrorCode::kCorrupt, place + " " + failure.what(), {}, {}, {}};
  }
  if (Result<void> valid = validate(config); !valid) return valid.error();
  return config;
}

}  // namespace assay::model
