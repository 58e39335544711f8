#include "gpu/host/transformer.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace assay::gpu::host {
namespace {

// Query rows whose scores are computed together.
constexpr std::size_t kQueryRows = 12;

std::ptrdiff_t signed_of(std::size_t x) {
  return static_cast<std::ptrdiff_t>(x);
}

std::size_t row_count(std::span<const Segment> segments) {
  std::size_t count = 0;
  for (const Segment& segment : segments) count += segment.tokens.size();
  return count;
}

// The rows of LayerRows from `row` on.
LayerRows rows_from(const LayerRows& rows, std::size_t row, const Transformer& t) {
  LayerRows moved = rows;
  moved.qkv += row * t.qkv_stride();
  moved.attended += row * t.query_stride();
  if (moved.softmax) moved.softmax += row * 2 * t.layout().config.head_count;
  return moved;
}

// Consecutive pieces of a thread's scratch memory.
class Carver {
 public:
  explicit Carver(float* memory) : next_(memory) {}
  float* take(std::size_t floats) { return std::exchange(next_, next_ + padded(floats)); }

 private:
  float* next_;
};

}  // namespace

std::size_t cache_layer_size(const model::ModelConfig& config, std::size_t capacity) {
  return config.kv_head_count * capacity *
         (std::size_t{config.head_size} + padded(config.head_size));
}

void copy_cache(const model::ModelConfig& config, const KvCache& from, const KvCache& to,
                std::size_t count) {
  const std::size_t size = config.head_size, width = padded(size);
  for (std::size_t layer = 0; layer < config.layer_count; ++layer) {
    for (std::size_t head = 0; head < config.kv_head_count; ++head) {
      const float* source =
          from.base + layer * from.layer_stride + head * from.capacity * (size + width);
      float* target = to.base + layer * to.layer_stride + head * to.capacity * (size + width);
      std::copy_n(source, padded(count) * size, target);
      std::copy_n(source + from.capacity * size, count * width, target + to.capacity * size);
    }
  }
}

float token_logprob(float scaled, SoftmaxSum sum) {
  return (scaled - sum.max) - static_cast<float>(std::log(static_cast<double>(sum.sum)));
}

Transformer::Transformer(std::shared_ptr<const Layout> layout, const Kernels& kernels)
    : layout_(std::move(layout)), kernels_(kernels) {
  const model::ModelConfig& c = layout_->config;
  const std::size_t half = c.head_size / 2;
  cosines_.resize(c.context_size * half);
  sines_.resize(c.context_size * half);
  for (std::size_t i = 0; i < half; ++i) {
    const double frequency = std::pow(
        double{c.rope_theta}, -2.0 * static_cast<double>(i) / static_cast<double>(c.head_size));
    for (std::size_t position = 0; position < c.context_size; ++position) {
      const double angle = static_cast<double>(position) * frequency;
      cosines_[position * half + i] = static_cast<float>(std::cos(angle));
      sines_[position * half + i] = static_cast<float>(std::sin(angle));
    }
  }
}

void Transformer::embed(const WeightStore& weights, std::span<const Segment> segments,
                        float* x) const {
  const MatrixPlace& place = layout_->embedding;
  for (const Segment& segment : segments) {
    for (const wire::TokenId token : segment.tokens) {
      const float* row =
          weights.arena() + place.offset + static_cast<std::size_t>(token) * place.stride();
      std::copy_n(row, padded(place.cols), x);
      x += hidden_stride();
    }
  }
}

void Transformer::multiply(const WeightStore& weights, const MatrixPlace& place, const float* x,
                           std::size_t x_stride, std::size_t rows, const float* init,
                           std::size_t init_stride, float* y, std::size_t y_stride) const {
  kernels_.gemm({.a = x,
                 .a_row = signed_of(x_stride),
                 .b = weights.panels(place),
                 .b_panel = signed_of(place.cols * kLanes),
                 .c = y,
                 .c_row = signed_of(y_stride),
                 .init = init,
                 .init_row = signed_of(init_stride),
                 .rows = rows,
                 .panels = place.panels(),
                 .k = place.cols});
}

void Transformer::multiply_back(const WeightStore& weights, const MatrixPlace& place,
                                const float* dy, std::size_t dy_stride, std::size_t rows, float* dx,
                                std::size_t dx_stride) const {
  kernels_.gemm({.a = dy,
                 .a_row = signed_of(dy_stride),
                 .b = weights.arena() + place.offset,
                 .b_k = signed_of(place.stride()),
                 .b_panel = kLanes,
                 .c = dx,
                 .c_row = signed_of(dx_stride),
                 .rows = rows,
                 .panels = padded(place.cols) / kLanes,
                 .k = place.rows});
}

void Transformer::forward_layer(const WeightStore& weights, std::size_t layer,
                                std::span<const Segment> segments, const LayerRows& rows,
                                Scratch& scratch) const {
  const model::ModelConfig& c = layout_->config;
  const LayerPlaces& places = layout_->layers[layer];
  const std::size_t count = row_count(segments);
  const float* arena = weights.arena();
  const std::size_t hidden = hidden_stride();

  kernels_.rms_norm({rows.input, arena + places.attention_norm, rows.normed_in, rows.inverse_rms_in,
                     hidden, count, c.hidden_size, c.rms_eps});
  multiply(weights, places.qkv, rows.normed_in, hidden, count,
           c.has_qkv_bias ? arena + places.qkv_bias : nullptr, 0, rows.qkv, qkv_stride());
  std::size_t row = 0;
  for (const Segment& segment : segments) {
    attend(weights, layer, segment, rows_from(rows, row, *this), scratch);
    row += segment.tokens.size();
  }
  multiply(weights, places.attention_out, rows.attended, query_stride(), count, rows.input, hidden,
           rows.middle, hidden);
  kernels_.rms_norm({rows.middle, arena + places.ffn_norm, rows.normed_mid, rows.inverse_rms_mid,
                     hidden, count, c.hidden_size, c.rms_eps});
  multiply(weights, places.gate_up, rows.normed_mid, hidden, count, nullptr, 0, rows.gate_up,
           gate_up_stride());
  kernels_.swiglu({.gate_up = rows.gate_up,
                   .gate_up_stride = gate_up_stride(),
                   .y = rows.activated,
                   .y_stride = ffn_stride(),
                   .rows = count,
                   .size = c.ffn_size});
  multiply(weights, places.down, rows.activated, ffn_stride(), count, rows.middle, hidden,
           rows.output, hidden);
}

void Transformer::infer(const WeightStore& weights, std::span<const Segment> segments, float* x,
                        Scratch& scratch) const {
  const std::size_t rows = row_count(segments);
  scratch.rows.reserve(
      rows * (hidden_stride() + qkv_stride() + query_stride() + gate_up_stride() + ffn_stride()));
  Carver carver(scratch.rows.get());
  LayerRows layer;
  layer.input = layer.middle = layer.output = x;
  layer.normed_in = layer.normed_mid = carver.take(rows * hidden_stride());
  layer.qkv = carver.take(rows * qkv_stride());
  layer.attended = carver.take(rows * query_stride());
  layer.gate_up = carver.take(rows * gate_up_stride());
  layer.activated = carver.take(rows * ffn_stride());
  embed(weights, segments, x);
  for (std::size_t i = 0; i < layout_->layers.size(); ++i) {
    forward_layer(weights, i, segments, layer, scratch);
  }
}

void Transformer::final_norm(const WeightStore& weights, const float* x, std::size_t rows, float* y,
                             float* inverse_rms) const {
  const model::ModelConfig& c = layout_->config;
  kernels_.rms_norm({x, weights.arena() + layout_->final_norm, y, inverse_rms, hidden_stride(),
                     rows, c.hidden_size, c.rms_eps});
}

void Transformer::logits(const WeightStore& weights, const float* normed, std::size_t rows,
                         float* out) const {
  multiply(weights, layout_->head, normed, hidden_stride(), rows, nullptr, 0, out, logits_stride());
}

void Transformer::gather_head(const HeadRows& head) const {
  const std::size_t size = layout_->config.head_size, width = padded(size);
  for (std::size_t i = 0; i < head.count; ++i) {
    float* out = head.out + i * head.out_stride;
    const float* row = head.qkv + i * qkv_stride();
    if (head.gain) {
      float* raw = head.raw + i * width;
      std::copy_n(row, size, raw);
      std::fill(raw + size, raw + width, 0.0f);
      kernels_.rms_norm(
          {raw, head.gain, out, head.inverse_rms + i, width, 1, size, layout_->config.rms_eps});
      row = out;
    }
    const std::size_t angle = (head.start + i) * (size / 2);
    kernels_.rotate(row, &cosines_[angle], &sines_[angle], size / 2, 1.0f, out);
    std::fill(out + size, out + width, 0.0f);
  }
}

// Turns the gradient of gathered rows into that of the qkv rows, in place, and writes it there.
void Transformer::return_head(const HeadRows& head, float* gradient, float* gain_gradient) const {
  const std::size_t size = layout_->config.head_size, width = padded(size);
  for (std::size_t i = 0; i < head.count; ++i) {
    float* row = gradient + i * width;
    float* out = head.qkv + i * qkv_stride();
    const std::size_t angle = (head.start + i) * (size / 2);
    kernels_.rotate(row, &cosines_[angle], &sines_[angle], size / 2, -1.0f, head.gain ? row : out);
    if (head.gain) {
      kernels_.rms_norm_backward({head.raw + i * width, head.gain, head.inverse_rms + i, row,
                                  nullptr, row, gain_gradient, width, 1, size});
      std::copy_n(row, size, out);
    }
  }
}

void Transformer::extend_cache(const WeightStore& weights, std::size_t layer, std::size_t kv_head,
                               const Segment& segment, const LayerRows& rows, float* row) const {
  const model::ModelConfig& c = layout_->config;
  const std::size_t size = c.head_size, width = padded(size);
  const KvCache& cache = segment.cache;
  float* keys = cache.base + layer * cache.layer_stride + kv_head * cache.capacity * (size + width);
  float* values = keys + cache.capacity * size;
  const float* gain = c.has_qk_norm ? weights.arena() + layout_->layers[layer].key_norm : nullptr;
  float inverse = 0;
  for (std::size_t i = 0; i < segment.tokens.size(); ++i) {
    const std::size_t position = segment.start + i;
    float* qkv = rows.qkv + i * qkv_stride();
    gather_head({qkv + layout_->query_size() + kv_head * size, 1, position, gain, row + width,
                 &inverse, row, width});
    float* key = keys + position / kLanes * size * kLanes + position % kLanes;
    for (std::size_t d = 0; d < size; ++d) key[d * kLanes] = row[d];
    std::copy_n(qkv + layout_->query_size() + layout_->kv_size() + kv_head * size, size,
                values + position * width);
  }
}

void Transformer::attend(const WeightStore& weights, std::size_t layer, const Segment& segment,
                         const LayerRows& rows, Scratch& scratch) const {
  const model::ModelConfig& c = layout_->config;
  const std::size_t size = c.head_size, width = padded(size),
                    shared = c.head_count / c.kv_head_count;
  const std::size_t count = segment.tokens.size(), query_rows = count * shared;
  const std::size_t extent_max = padded(segment.start + count);
  const float scale = 1.0f / std::sqrt(static_cast<float>(size));
  const float* gain = c.has_qk_norm ? weights.arena() + layout_->layers[layer].query_norm : nullptr;
  scratch.attention.reserve(3 * width + query_rows * width + kQueryRows * (extent_max + width) +
                            64);
  Carver carver(scratch.attention.get());
  float* row = carver.take(2 * width);
  float* raw = carver.take(width);
  float* queries = carver.take(query_rows * width);
  float* scores = carver.take(kQueryRows * extent_max);
  float* mixed = carver.take(kQueryRows * width);
  float inverse = 0;
  for (std::size_t kv_head = 0; kv_head < c.kv_head_count; ++kv_head) {
    extend_cache(weights, layer, kv_head, segment, rows, row);
    const float* keys = segment.cache.base + layer * segment.cache.layer_stride +
                        kv_head * segment.cache.capacity * (size + width);
    for (std::size_t i = 0; i < query_rows; ++i) {
      gather_head({rows.qkv + i / shared * qkv_stride() + (kv_head * shared + i % shared) * size, 1,
                   segment.start + i / shared, gain, raw, &inverse, queries + i * width, width});
    }
    for (std::size_t first = 0; first < query_rows; first += kQueryRows) {
      const std::size_t height = std::min(kQueryRows, query_rows - first);
      const std::size_t length = segment.start + (first + height - 1) / shared + 1;
      const std::size_t extent = padded(length);
      kernels_.gemm({.a = queries + first * width,
                     .a_row = signed_of(width),
                     .b = keys,
                     .b_panel = signed_of(size * kLanes),
                     .c = scores,
                     .c_row = signed_of(extent_max),
                     .rows = height,
                     .panels = extent / kLanes,
                     .k = size});
      float inverse_sums[kQueryRows];
      for (std::size_t i = 0; i < height; ++i) {
        const std::size_t token = (first + i) / shared;
        const SoftmaxSum sum =
            kernels_.softmax_row(scores + i * extent_max, segment.start + token + 1, extent, scale);
        inverse_sums[i] = 1.0f / sum.sum;
        if (rows.softmax) {
          float* saved =
              rows.softmax + 2 * (token * c.head_count + kv_head * shared + (first + i) % shared);
          saved[0] = sum.max;
          saved[1] = inverse_sums[i];
        }
      }
      kernels_.gemm({.a = scores,
                     .a_row = signed_of(extent_max),
                     .b = keys + segment.cache.capacity * size,
                     .b_k = signed_of(width),
                     .b_panel = kLanes,
                     .c = mixed,
                     .c_row = signed_of(width),
                     .rows = height,
                     .panels = width / kLanes,
                     .k = length});
      for (std::size_t i = 0; i < height; ++i) {
        const std::size_t head = kv_head * shared + (first + i) % shared;
        kernels_.scale(mixed + i * width, inverse_sums[i],
                       rows.attended + (first + i) / shared * query_stride() + head * size, size);
      }
    }
  }
}

}  // namespace assay::gpu::host
