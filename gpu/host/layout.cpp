#include "gpu/host/layout.h"

#include <cmath>
#include <utility>

namespace assay::gpu::host {
namespace {

constexpr std::uint32_t kVocabularyMax = 1u << 20;
constexpr std::uint32_t kWidthMax = 1u << 17;
constexpr std::uint32_t kLayersMax = 1024;
constexpr std::uint32_t kContextMax = 1u << 20;

Error impossible(std::string what) {
  return {ErrorCode::kInvalidInput, "impossible model: " + std::move(what), "", "", ""};
}

Result<void> check_config(const model::ModelConfig& c) {
  if (c.vocab_size == 0 || c.vocab_size > kVocabularyMax) {
    return impossible("vocab_size must be 1 to 1048576");
  }
  if (c.hidden_size == 0 || c.ffn_size == 0 || c.hidden_size > kWidthMax ||
      c.ffn_size > kWidthMax) {
    return impossible("hidden_size and ffn_size must be 1 to 131072");
  }
  if (c.layer_count == 0 || c.layer_count > kLayersMax) {
    return impossible("layer_count must be 1 to 1024");
  }
  if (c.kv_head_count == 0 || c.head_count == 0 || c.head_count % c.kv_head_count != 0) {
    return impossible("kv_head_count must divide head_count");
  }
  if (c.head_size == 0 || c.head_size % 2 != 0 || c.head_size > 1024 ||
      std::uint64_t{c.head_count} * c.head_size > kWidthMax) {
    return impossible("head_size must be even, at most 1024, and fit the width limit");
  }
  if (c.context_size == 0 || c.context_size > kContextMax) {
    return impossible("context_size must be 1 to 1048576");
  }
  if (!(c.rms_eps > 0) || !std::isfinite(c.rms_eps) || !(c.rope_theta > 0) ||
      !std::isfinite(c.rope_theta)) {
    return impossible("rms_eps and rope_theta must be positive");
  }
  return {};
}

class Builder {
 public:
  explicit Builder(const model::ModelConfig& config) { layout_.config = config; }

  Layout build() {
    const model::ModelConfig& c = layout_.config;
    layout_.embedding = matrix(c.vocab_size, c.hidden_size);
    add_rows("model.embed_tokens.weight", c.vocab_size, c.hidden_size, TensorKind::kMatrix);
    for (std::uint32_t i = 0; i < c.layer_count; ++i) add_layer(i);
    layout_.final_norm = add_vector("model.norm.weight", c.hidden_size, TensorKind::kNorm);
    layout_.head = layout_.embedding;
    if (!c.has_tied_embeddings) {
      layout_.head = matrix(c.vocab_size, c.hidden_size);
      add_rows("lm_head.weight", c.vocab_size, c.hidden_size, TensorKind::kMatrix);
    }
    pack(layout_.head);
    layout_.arena_size = layout_.arena_size + kLanes;  // a load of a whole block may look past
    return std::move(layout_);
  }

 private:
  void add_layer(std::uint32_t index) {
    const model::ModelConfig& c = layout_.config;
    const std::string layer = "model.layers." + std::to_string(index) + ".";
    const std::string attention = layer + "self_attn.";
    const std::size_t query = layout_.query_size(), kv = layout_.kv_size();
    LayerPlaces places;
    places.attention_norm =
        add_vector(layer + "input_layernorm.weight", c.hidden_size, TensorKind::kNorm);
    places.qkv = packed_matrix(layout_.qkv_size(), c.hidden_size);
    add_rows(attention + "q_proj.weight", query, c.hidden_size, TensorKind::kMatrix);
    add_rows(attention + "k_proj.weight", kv, c.hidden_size, TensorKind::kMatrix);
    add_rows(attention + "v_proj.weight", kv, c.hidden_size, TensorKind::kMatrix);
    if (c.has_qkv_bias) add_biases(attention, places);
    if (c.has_qk_norm) {
      places.query_norm = add_vector(attention + "q_norm.weight", c.head_size, TensorKind::kNorm);
      places.key_norm = add_vector(attention + "k_norm.weight", c.head_size, TensorKind::kNorm);
    }
    places.attention_out = packed_matrix(c.hidden_size, query);
    add_rows(attention + "o_proj.weight", c.hidden_size, query, TensorKind::kResidualMatrix);
    places.ffn_norm =
        add_vector(layer + "post_attention_layernorm.weight", c.hidden_size, TensorKind::kNorm);
    places.gate_up = packed_matrix(std::size_t{2} * c.ffn_size, c.hidden_size);
    add_rows(layer + "mlp.gate_proj.weight", c.ffn_size, c.hidden_size, TensorKind::kMatrix);
    add_rows(layer + "mlp.up_proj.weight", c.ffn_size, c.hidden_size, TensorKind::kMatrix);
    places.down = packed_matrix(c.hidden_size, c.ffn_size);
    add_rows(layer + "mlp.down_proj.weight", c.hidden_size, c.ffn_size,
             TensorKind::kResidualMatrix);
    layout_.layers.push_back(places);
  }

  // The three biases follow each other without gaps, as the rows they belong to do.
  void add_biases(const std::string& attention, LayerPlaces& places) {
    places.qkv_bias = layout_.arena_size;
    const std::pair<const char*, std::size_t> parts[] = {{"q_proj.bias", layout_.query_size()},
                                                         {"k_proj.bias", layout_.kv_size()},
                                                         {"v_proj.bias", layout_.kv_size()}};
    for (const auto& [name, size] : parts) {
      layout_.tensors.push_back(
          {attention + name, {size}, 1, size, size, layout_.arena_size, TensorKind::kBias});
      layout_.arena_size += size;
    }
    layout_.arena_size = padded(layout_.arena_size);
  }

  MatrixPlace matrix(std::size_t rows, std::size_t cols) {
    return {layout_.arena_size, rows, cols, 0};
  }

  MatrixPlace packed_matrix(std::size_t rows, std::size_t cols) {
    MatrixPlace place = matrix(rows, cols);
    pack(place);
    return place;
  }

  void pack(MatrixPlace& place) {
    place.panels_offset = layout_.packed_size;
    layout_.packed_size += padded(place.rows) * place.cols;
  }

  void add_rows(std::string name, std::size_t rows, std::size_t cols, TensorKind kind) {
    const std::size_t stride = row_stride(cols);
    layout_.tensors.push_back(
        {std::move(name), {rows, cols}, rows, cols, stride, layout_.arena_size, kind});
    layout_.arena_size += rows * stride;
  }

  std::size_t add_vector(std::string name, std::size_t size, TensorKind kind) {
    const std::size_t offset = layout_.arena_size;
    layout_.tensors.push_back({std::move(name), {size}, 1, size, padded(size), offset, kind});
    layout_.arena_size += padded(size);
    return offset;
  }

  Layout layout_;
};

}  // namespace

std::uint64_t Layout::weight_count() const {
  std::uint64_t count = 0;
  for (const TensorPlace& tensor : tensors) count += std::uint64_t{tensor.rows} * tensor.cols;
  return count;
}

Result<Layout> make_layout(const model::ModelConfig& config) {
  if (const auto checked = check_config(config); !checked) return checked.error();
  return Builder(config).build();
}

}  // namespace assay::gpu::host
