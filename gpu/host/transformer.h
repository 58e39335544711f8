// The transformer itself: one forward and one explicit backward pass over packed sequences.
//
// Training, scoring, prompts and single-token decoding all run the same forward pass, row by row,
// which is why a rollout's log-probabilities equal the learner's to the last bit. Sequences are
// rows below each other, without padding between them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gpu/host/float_buffer.h"
#include "gpu/host/host_weights.h"
#include "gpu/host/kernels.h"
#include "runtime/wire/rollout.h"

namespace assay::gpu::host {

// Keys and values of one sequence. Per layer and key-value head: keys as panels of 16 positions
// ([capacity / 16][head_size][16]), so that scores are products over whole panels, then values as
// rows ([capacity][padded head_size]).
struct KvCache {
  float* base = nullptr;
  std::size_t capacity = 0;      // positions, a multiple of 16
  std::size_t layer_stride = 0;  // 0 = all layers share the memory, as in training
};

// Floats of one layer's cache.
std::size_t cache_layer_size(const model::ModelConfig& config, std::size_t capacity);

// Copies the keys and values of positions [0, count) from one cache to another.
void copy_cache(const model::ModelConfig& config, const KvCache& from, const KvCache& to,
                std::size_t count);

// Consecutive tokens of one sequence, the first at position `start`; the cache holds those before.
struct Segment {
  std::span<const wire::TokenId> tokens;
  std::size_t start = 0;
  KvCache cache;
};

// Where one layer's rows lie. In training every buffer is its own; without a backward pass input,
// middle and output may be one, and both normed buffers too.
struct LayerRows {
  float* input = nullptr;            // [rows, hidden]
  float* inverse_rms_in = nullptr;   // [rows]
  float* normed_in = nullptr;        // [rows, hidden]
  float* qkv = nullptr;              // [rows, qkv]
  float* attended = nullptr;         // [rows, query]
  float* softmax = nullptr;          // [rows, heads, 2]: max and inverse sum; may be null
  float* middle = nullptr;           // [rows, hidden]
  float* inverse_rms_mid = nullptr;  // [rows]
  float* normed_mid = nullptr;       // [rows, hidden]
  float* gate_up = nullptr;          // [rows, 2 * ffn]
  float* activated = nullptr;        // [rows, ffn]
  float* output = nullptr;           // [rows, hidden]
};

// Where the gradients of one layer's norms and biases are summed, in its chunk's own memory.
struct SmallGradients {
  float* attention_norm = nullptr;
  float* ffn_norm = nullptr;
  float* query_norm = nullptr;
  float* key_norm = nullptr;
  float* qkv_bias = nullptr;
};

// Gradients by rows. Those of qkv and gate_up overwrite the forward values.
struct LayerGradients {
  const float* output = nullptr;  // [rows, hidden], given
  float* middle = nullptr;        // [rows, hidden]
  float* input = nullptr;         // [rows, hidden]
  SmallGradients small;
};

// Memory of one thread for what lies between operations.
struct Scratch {
  FloatBuffer attention;
  FloatBuffer rows;
};

class Transformer {
 public:
  Transformer(std::shared_ptr<const Layout> layout, const Kernels& kernels);

  const Layout& layout() const { return *layout_; }
  const Kernels& kernels() const { return kernels_; }
  std::size_t hidden_stride() const { return row_stride(layout_->config.hidden_size); }
  std::size_t qkv_stride() const { return row_stride(layout_->qkv_size()); }
  std::size_t query_stride() const { return row_stride(layout_->query_size()); }
  std::size_t gate_up_stride() const {
    return row_stride(std::size_t{2} * layout_->config.ffn_size);
  }
  std::size_t ffn_stride() const { return row_stride(layout_->config.ffn_size); }
  std::size_t logits_stride() const { return row_stride(layout_->config.vocab_size); }

  // x [rows, hidden] = the embeddings of the segments' tokens.
  void embed(const WeightStore& weights, std::span<const Segment> segments, float* x) const;

  // One layer over all rows of the segments; extends their caches.
  void forward_layer(const WeightStore& weights, std::size_t layer,
                     std::span<const Segment> segments, const LayerRows& rows,
                     Scratch& scratch) const;

  // All layers in place, for when no backward pass follows: x becomes the last layer's output.
  void infer(const WeightStore& weights, std::span<const Segment> segments, float* x,
             Scratch& scratch) const;

  // logits [rows, vocab] of rows that final_norm() made.
  void final_norm(const WeightStore& weights, const float* x, std::size_t rows, float* y,
                  float* inverse_rms) const;
  void logits(const WeightStore& weights, const float* normed, std::size_t rows, float* out) const;

  // The backward pass of forward_layer(); every segment must start at position 0.
  void backward_layer(const WeightStore& weights, std::size_t layer,
                      std::span<const Segment> segments, const LayerRows& rows,
                      const LayerGradients& gradients, Scratch& scratch) const;

  // dx [rows, cols] = dy [rows, matrix rows] * W.
  void multiply_back(const WeightStore& weights, const MatrixPlace& place, const float* dy,
                     std::size_t dy_stride, std::size_t rows, float* dx,
                     std::size_t dx_stride) const;

 private:
  // One head's part of consecutive qkv rows, gathered into rows of their own, normed and rotated.
  struct HeadRows {
    float* qkv = nullptr;  // at the head's first column
    std::size_t count = 0;
    std::size_t start = 0;         // position of the first row
    const float* gain = nullptr;   // of the head's norm; null = none
    float* raw = nullptr;          // [count, padded head_size] before the norm; only with gain
    float* inverse_rms = nullptr;  // [count]; only with gain
    float* out = nullptr;          // row i at out + i * out_stride
    std::size_t out_stride = 0;
  };

  void multiply(const WeightStore& weights, const MatrixPlace& place, const float* x,
                std::size_t x_stride, std::size_t rows, const float* init, std::size_t init_stride,
                float* y, std::size_t y_stride) const;
  void attend(const WeightStore& weights, std::size_t layer, const Segment& segment,
              const LayerRows& rows, Scratch& scratch) const;
  void extend_cache(const WeightStore& weights, std::size_t layer, std::size_t kv_head,
                    const Segment& segment, const LayerRows& rows, float* row) const;
  void attend_back(const WeightStore& weights, std::size_t layer, std::size_t count,
                   const LayerRows& rows, const float* dattended, const SmallGradients& small,
                   Scratch& scratch) const;
  void gather_head(const HeadRows& head) const;
  void return_head(const HeadRows& head, float* gradient, float* gain_gradient) const;

  std::shared_ptr<const Layout> layout_;
  const Kernels& kernels_;
  std::vector<float> cosines_;  // [context, head_size / 2]
  std::vector<float> sines_;
};

// Log-probability in nats of a token whose logit times inverse temperature is `scaled`.
float token_logprob(float scaled, SoftmaxSum sum);

}  // namespace assay::gpu::host
