#include <algorithm>
#include <cmath>

#include "gpu/host/transformer.h"

namespace assay::gpu::host {
namespace {

constexpr std::size_t kTileRows = 12;

std::ptrdiff_t signed_of(std::size_t x) {
  return static_cast<std::ptrdiff_t>(x);
}

// The matrices of one key-value head over one sequence of `count` positions.
struct HeadScratch {
  HeadScratch(FloatBuffer& memory, std::size_t count, std::size_t width) {
    const std::size_t square = count * padded(count), rows = padded(count) * width;
    memory.reserve(2 * square + 10 * rows + 2 * padded(count) + 64);
    float* next = memory.get();
    const auto take = [&](std::size_t floats) {
      float* piece = next;
      next += padded(floats);
      return piece;
    };
    p = take(square);
    dp = take(square);
    for (float** piece : {&keys, &raw_keys, &key_panels, &value_panels, &queries, &raw_queries,
                          &dout, &dqueries, &dkeys, &dvalues}) {
      *piece = take(rows);
    }
    key_rms = take(count);
    query_rms = take(count);
  }

  float *p, *dp;                     // [count, padded(count)]
  float *keys, *raw_keys;            // [count, width]
  float *key_panels, *value_panels;  // [padded(count) / 16, head_size, 16]
  float *queries, *raw_queries, *dout, *dqueries, *dkeys, *dvalues;  // [count, width]
  float *key_rms, *query_rms;                                        // [count]
};

// Panels of 16 positions from rows: panel[position / 16][d][position % 16], zero beyond the rows.
void transpose_to_panels(const float* rows, std::size_t stride, std::size_t count, std::size_t size,
                         float* panels) {
  std::fill_n(panels, padded(count) * size, 0.0f);
  for (std::size_t i = 0; i < count; ++i) {
    float* column = panels + i / kLanes * size * kLanes + i % kLanes;
    for (std::size_t d = 0; d < size; ++d) column[d * kLanes] = rows[i * stride + d];
  }
}

}  // namespace

void Transformer::attend_back(const WeightStore& weights, std::size_t layer, std::size_t count,
                              const LayerRows& rows, const float* dattended,
                              const SmallGradients& small, Scratch& scratch) const {
  const model::ModelConfig& c = layout_->config;
  const LayerPlaces& places = layout_->layers[layer];
  const std::size_t size = c.head_size, width = padded(size), extent = padded(count);
  const std::size_t shared = c.head_count / c.kv_head_count;
  const float scale = 1.0f / std::sqrt(static_cast<float>(size));
  const HeadScratch s(scratch.attention, count, width);
  // Rows of products below one another: out = a * b over positions, from tile to tile.
  for (std::size_t kv_head = 0; kv_head < c.kv_head_count; ++kv_head) {
    const HeadRows key_rows{rows.qkv + layout_->query_size() + kv_head * size,
                            count,
                            0,
                            c.has_qk_norm ? weights.arena() + places.key_norm : nullptr,
                            s.raw_keys,
                            s.key_rms,
                            s.keys,
                            width};
    gather_head(key_rows);
    float* values = rows.qkv + layout_->query_size() + layout_->kv_size() + kv_head * size;
    transpose_to_panels(s.keys, width, count, size, s.key_panels);
    transpose_to_panels(values, qkv_stride(), count, size, s.value_panels);
    std::fill_n(s.dkeys, count * width, 0.0f);
    std::fill_n(s.dvalues, count * width, 0.0f);
    for (std::size_t j = 0; j < shared; ++j) {
      const std::size_t head = kv_head * shared + j;
      const HeadRows query_rows{rows.qkv + head * size,
                                count,
                                0,
                                c.has_qk_norm ? weights.arena() + places.query_norm : nullptr,
                                s.raw_queries,
                                s.query_rms,
                                s.queries,
                                width};
      gather_head(query_rows);
      for (std::size_t i = 0; i < count; ++i) {
        std::copy_n(dattended + i * query_stride() + head * size, size, s.dout + i * width);
        std::fill_n(s.dout + i * width + size, width - size, 0.0f);
      }
      for (std::size_t first = 0; first < count; first += kTileRows) {
        const std::size_t height = std::min(kTileRows, count - first);
        const std::size_t length = first + height, reach = padded(length);
        Gemm product{.a = s.queries + first * width,
                     .a_row = signed_of(width),
                     .b = s.key_panels,
                     .b_panel = signed_of(size * kLanes),
                     .c = s.p + first * extent,
                     .c_row = signed_of(extent),
                     .rows = height,
                     .panels = reach / kLanes,
                     .k = size};
        kernels_.gemm(product);
        product.a = s.dout + first * width;
        product.b = s.value_panels;
        product.c = s.dp + first * extent;
        kernels_.gemm(product);
        for (std::size_t i = first; i < length; ++i) {
          const float* saved = rows.softmax + 2 * (i * c.head_count + head);
          kernels_.softmax_again(s.p + i * extent, i + 1, extent, scale, saved[0], saved[1]);
          kernels_.softmax_backward(s.p + i * extent, s.dp + i * extent, reach, scale);
          std::fill(s.dp + i * extent + reach, s.dp + (i + 1) * extent, 0.0f);
        }
        kernels_.gemm({.a = s.dp + first * extent,
                       .a_row = signed_of(extent),
                       .b = s.keys,
                       .b_k = signed_of(width),
                       .b_panel = kLanes,
                       .c = s.dqueries + first * width,
                       .c_row = signed_of(width),
                       .rows = height,
                       .panels = width / kLanes,
                       .k = length});
      }
      for (std::size_t first = 0; first < count; first += kTileRows) {
        // Queries before `first` never saw these positions.
        Gemm product{.a = s.p + first * extent + first,
                     .a_row = 1,
                     .a_k = signed_of(extent),
                     .b = s.dout + first * width,
                     .b_k = signed_of(width),
                     .b_panel = kLanes,
                     .c = s.dvalues + first * width,
                     .c_row = signed_of(width),
                     .init = s.dvalues + first * width,
                     .init_row = signed_of(width),
                     .rows = std::min(kTileRows, count - first),
                     .panels = width / kLanes,
                     .k = count - first};
        kernels_.gemm(product);
        product.a = s.dp + first * extent + first;
        product.b = s.queries + first * width;
        product.c = s.dkeys + first * width;
        product.init = product.c;
        kernels_.gemm(product);
      }
      return_head(query_rows, s.dqueries, small.query_norm);
    }
    return_head(key_rows, s.dkeys, small.key_norm);
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(s.dvalues + i * width, size, values + i * qkv_stride());
    }
  }
}

void Transformer::backward_layer(const WeightStore& weights, std::size_t layer,
                                 std::span<const Segment> segments, const LayerRows& rows,
                                 const LayerGradients& gradients, Scratch& scratch) const {
  const model::ModelConfig& c = layout_->config;
  const LayerPlaces& places = layout_->layers[layer];
  const std::size_t hidden = hidden_stride();
  std::size_t count = 0;
  for (const Segment& segment : segments) count += segment.tokens.size();
  const std::size_t wide = std::max({ffn_stride(), query_stride(), hidden});
  scratch.rows.reserve(count * wide);
  float* back = scratch.rows.get();

  multiply_back(weights, places.down, gradients.output, hidden, count, back, ffn_stride());
  kernels_.swiglu_backward({.gate_up = rows.gate_up,
                            .gate_up_stride = gate_up_stride(),
                            .dy = back,
                            .y_stride = ffn_stride(),
                            .rows = count,
                            .size = c.ffn_size});
  multiply_back(weights, places.gate_up, rows.gate_up, gate_up_stride(), count, back, hidden);
  kernels_.rms_norm_backward({rows.middle, weights.arena() + places.ffn_norm, rows.inverse_rms_mid,
                              back, gradients.output, gradients.middle, gradients.small.ffn_norm,
                              hidden, count, c.hidden_size});
  multiply_back(weights, places.attention_out, gradients.middle, hidden, count, back,
                query_stride());
  std::size_t row = 0;
  for (const Segment& segment : segments) {
    LayerRows part = rows;
    part.qkv += row * qkv_stride();
    part.softmax += row * 2 * c.head_count;
    attend_back(weights, layer, segment.tokens.size(), part, back + row * query_stride(),
                gradients.small, scratch);
    row += segment.tokens.size();
  }
  if (c.has_qkv_bias) {
    for (std::size_t i = 0; i < count; ++i) {
      kernels_.add(rows.qkv + i * qkv_stride(), gradients.small.qkv_bias, layout_->qkv_size());
    }
  }
  multiply_back(weights, places.qkv, rows.qkv, qkv_stride(), count, back, hidden);
  kernels_.rms_norm_backward({rows.input, weights.arena() + places.attention_norm,
                              rows.inverse_rms_in, back, gradients.middle, gradients.input,
                              gradients.small.attention_norm, hidden, count, c.hidden_size});
}

}  // namespace assay::gpu::host
