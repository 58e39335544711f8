// Where each named tensor of a policy lies in its one arena of weights.
//
// Names and shapes are those of Hugging Face checkpoints. Rows are padded to row_stride(). The
// query, key and value projections lie below each other, and so do gate and up, so that each pair
// of products runs as one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "gpu/host/kernels.h"
#include "runtime/core/result.h"
#include "runtime/model/model_config.h"

namespace assay::gpu::host {

enum class TensorKind : std::uint8_t { kMatrix, kResidualMatrix, kNorm, kBias };

struct TensorPlace {
  std::string name;
  std::vector<std::uint64_t> shape;  // [rows, cols] or [cols]
  std::size_t rows = 1;
  std::size_t cols = 0;
  std::size_t stride = 0;  // floats from row to row in the arena
  std::size_t offset = 0;  // of the first row in the arena
  TensorKind kind = TensorKind::kMatrix;
};

// A weight matrix [rows, cols] in the arena, perhaps several tensors below each other.
struct MatrixPlace {
  std::size_t offset = 0;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t panels_offset = 0;  // in the packed weights

  std::size_t stride() const { return row_stride(cols); }
  std::size_t panels() const { return padded(rows) / kLanes; }
};

struct LayerPlaces {
  std::size_t attention_norm = 0, ffn_norm = 0;
  std::size_t query_norm = 0, key_norm = 0;  // where has_qk_norm
  std::size_t qkv_bias = 0;                  // where has_qkv_bias
  MatrixPlace qkv, attention_out, gate_up, down;
};

struct Layout {
  model::ModelConfig config;
  std::vector<TensorPlace> tensors;  // in arena order
  std::vector<LayerPlaces> layers;
  MatrixPlace embedding;
  MatrixPlace head;  // the embedding itself where tied
  std::size_t final_norm = 0;
  std::size_t arena_size = 0;
  std::size_t packed_size = 0;

  std::size_t query_size() const { return std::size_t{config.head_count} * config.head_size; }
  std::size_t kv_size() const { return std::size_t{config.kv_head_count} * config.head_size; }
  std::size_t qkv_size() const { return query_size() + 2 * kv_size(); }
  std::uint64_t weight_count() const;  // without padding
};

// Errors: kInvalidInput when the config is impossible or larger than this backend's limits.
Result<Layout> make_layout(const model::ModelConfig& config);

}  // namespace assay::gpu::host
