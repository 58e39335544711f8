#include "gpu/host/checkpoint.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "runtime/core/file.h"
#include "runtime/core/json.h"
#include "runtime/core/limits.h"
#include "runtime/model/safetensors.h"

namespace assay::gpu::host {
namespace {

using Json = nlohmann::ordered_json;

Error corrupt(const std::string& path, const std::string& what) {
  return {ErrorCode::kCorrupt, path + ": " + what, "restore an older checkpoint", "", ""};
}

// Calls visit(name, field) for every field of the state, so that writing and reading agree.
template <class State, class Visit>
void for_each_field(State& state, Visit&& visit) {
  auto& c = state.config;
  visit("vocab_size", c.vocab_size);
  visit("hidden_size", c.hidden_size);
  visit("layer_count", c.layer_count);
  visit("head_count", c.head_count);
  visit("kv_head_count", c.kv_head_count);
  visit("head_size", c.head_size);
  visit("ffn_size", c.ffn_size);
  visit("context_size", c.context_size);
  visit("rms_eps", c.rms_eps);
  visit("rope_theta", c.rope_theta);
  visit("has_qkv_bias", c.has_qkv_bias);
  visit("has_qk_norm", c.has_qk_norm);
  visit("has_tied_embeddings", c.has_tied_embeddings);
  visit("version", state.version.value);
  visit("optimiser_steps", state.optimiser_steps);
  visit("schedule_updates", state.schedule_updates);
}

// Reads a field; false when it is missing, of another kind or out of range.
template <class Value>
bool read_field(const Json& json, const char* name, Value& value) {
  const auto found = json.find(name);
  if (found == json.end()) return false;
  if constexpr (std::is_same_v<Value, bool>) {
    if (!found->is_boolean()) return false;
    value = found->template get<bool>();
  } else if constexpr (std::is_floating_point_v<Value>) {
    if (!found->is_number()) return false;
    value = found->template get<Value>();
  } else {
    if (!found->is_number_unsigned()) return false;
    const auto number = found->template get<std::uint64_t>();
    value = static_cast<Value>(number);
    if (number != value) return false;
  }
  return true;
}

}  // namespace

Result<void> write_learner_state(const std::string& folder, const LearnerState& state) {
  Json json;
  for_each_field(state, [&](const char* name, const auto& value) { json[name] = value; });
  return write_file_durably(folder + "/" + kLearnerFile, json_text(json, 2) + "\n");
}

Result<LearnerState> read_learner_state(const std::string& folder) {
  const std::string path = folder + "/" + kLearnerFile;
  const auto text = read_file(path, limits::kConfigBytesMax);
  if (!text) return text.error();
  const Json json = Json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return corrupt(path, "not a JSON object");
  LearnerState state;
  std::string wrong;
  for_each_field(state, [&](const char* name, auto& value) {
    if (wrong.empty() && !read_field(json, name, value)) wrong = name;
  });
  if (!wrong.empty()) return corrupt(path, "field '" + wrong + "' is missing or wrong");
  return state;
}

Result<void> write_arenas(const std::string& path, const Layout& layout,
                          std::span<const NamedArena> arenas) {
  std::vector<std::vector<float>> rows;  // without padding; moving an outer vector keeps them
  std::vector<model::Tensor> tensors;
  for (const NamedArena& arena : arenas) {
    for (const TensorPlace& place : layout.tensors) {
      std::vector<float>& values = rows.emplace_back(place.rows * place.cols);
      for (std::size_t row = 0; row < place.rows; ++row) {
        std::copy_n(arena.floats.data() + place.offset + row * place.stride, place.cols,
                    values.data() + row * place.cols);
      }
      tensors.push_back({arena.prefix + place.name, model::Dtype::kF32, place.shape,
                         std::as_bytes(std::span(values))});
    }
  }
  return model::write_safetensors(path, tensors, {{"format", "pt"}});
}

Result<void> read_arenas(const std::string& path, const Layout& layout,
                         std::span<const NamedArena> arenas) {
  const auto file = model::SafetensorsFile::open(path);
  if (!file) return file.error();
  if (file->tensors().size() != layout.tensors.size() * arenas.size()) {
    return corrupt(path, "holds " + std::to_string(file->tensors().size()) + " tensors, not " +
                             std::to_string(layout.tensors.size() * arenas.size()));
  }
  std::vector<float> values;
  for (const NamedArena& arena : arenas) {
    for (const TensorPlace& place : layout.tensors) {
      values.resize(place.rows * place.cols);
      const auto read = file->read_f32(arena.prefix + place.name, place.shape, values);
      if (!read) return corrupt(path, read.error().message);
      for (std::size_t row = 0; row < place.rows; ++row) {
        std::copy_n(values.data() + row * place.cols, place.cols,
                    arena.floats.data() + place.offset + row * place.stride);
      }
    }
  }
  return {};
}

}  // namespace assay::gpu::host
