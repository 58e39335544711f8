// Forward and backward passes over a batch: log-probabilities, the loss and its gradient.
//
// A batch is cut into chunks of whole sequences and chunks into micro-batches, by the data alone.
// Threads take chunks for the passes by rows, and columns of weight matrices for the gradients of
// weights, whose sums run over the tokens in order: no result depends on the number of threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gpu/host/thread_pool.h"
#include "gpu/host/transformer.h"
#include "gpu/learner.h"
#include "runtime/algo/policy_loss.h"
#include "runtime/wire/train_batch.h"

namespace assay::gpu::host {

// Sequences [first, end) of a batch.
struct SequenceRange {
  std::size_t first = 0;
  std::size_t end = 0;
};

// Packed sequences and the distribution whose log-probs are wanted.
struct ScorePass {
  std::span<const wire::TokenId> tokens;
  std::span<const std::uint32_t> offsets;
  SamplingOptions sampling;
};

struct LossPass {
  const wire::TrainBatch* batch = nullptr;
  SequenceRange sequences;  // of this optimiser step
  algo::LossOptions options;
  algo::LossDenominators denominators;
  std::span<const float> proximal;   // [batch tokens]; empty = the current policy, detached
  std::span<const float> reference;  // [batch tokens]; empty = none
  float temperature = 1.0f;
};

struct LossSums {
  algo::LossTally tally;
  double entropy_sum = 0;  // over trained tokens
};

class Trainer {
 public:
  Trainer(const Transformer& transformer, ThreadPool& pool);
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  // logprobs and entropies [tokens], 0 at the first token of each sequence.
  void score(const WeightStore& weights, const ScorePass& pass, std::span<float> logprobs,
             std::span<float> entropies);

  // Adds d loss / d weights to `gradient`, laid out as the arena, and returns what was seen.
  LossSums accumulate(const WeightStore& weights, const LossPass& pass, float* gradient);

 private:
  // Whole sequences that one thread takes through the forward and the backward pass.
  struct Chunk {
    SequenceRange sequences;
    std::size_t index = 0;       // within the micro-batch
    std::size_t row = 0;         // first row within the micro-batch
    std::size_t token = 0;       // first token within the batch
    std::size_t count = 0;       // rows
    std::size_t head_row = 0;    // first row of the head's matrices
    std::size_t head_count = 0;  // trained tokens
    LossSums sums;
  };
  struct MicroBatch {
    std::vector<Chunk> chunks;
    std::size_t rows = 0;
    std::size_t head_rows = 0;
  };
  // The gradient of one weight matrix: sum over rows of dy (outer) x.
  struct WeightTask {
    const MatrixPlace* place = nullptr;
    const float* x = nullptr;
    std::size_t x_stride = 0;
    const float* dy = nullptr;
    std::size_t dy_stride = 0;
    std::size_t rows = 0;
    std::size_t panel = 0;  // 16 columns of the matrix
  };
  // Memory of one thread.
  struct Slot {
    Scratch scratch;
    FloatBuffer cache, rows, head, exps, panel;
    std::vector<float> logprobs, entropies;
    std::vector<double> gradient;
    std::vector<std::uint32_t> offsets;
    std::vector<std::uint32_t> order;
    std::vector<Segment> segments;
  };

  const model::ModelConfig& config() const { return transformer_.layout().config; }
  std::vector<MicroBatch> plan(std::span<const std::uint32_t> offsets,
                               std::span<const std::uint8_t> mask, SequenceRange range) const;
  void reserve(const MicroBatch& micro);
  void make_segments(std::span<const wire::TokenId> tokens, std::span<const std::uint32_t> offsets,
                     const Chunk& chunk, Slot& slot) const;
  void score_chunk(const WeightStore& weights, const Chunk& chunk, const ScorePass& pass,
                   std::span<float> logprobs, std::span<float> entropies, Slot& slot) const;
  void temper(float* logits, float temperature) const;
  void forward_chunk(const WeightStore& weights, const Chunk& chunk, Slot& slot);
  void head_forward(const WeightStore& weights, const LossPass& pass, Chunk& chunk, Slot& slot);
  void apply_loss(const LossPass& pass, Chunk& chunk, Slot& slot);
  void head_backward(const WeightStore& weights, const LossPass& pass, const Chunk& chunk,
                     Slot& slot);
  void backward_chunk(const WeightStore& weights, const Chunk& chunk, Slot& slot);
  std::vector<WeightTask> weight_tasks(const MicroBatch& micro);
  void add_weight_gradient(const WeightTask& task, float* gradient, FloatBuffer& panel) const;
  void add_embedding_gradient(const MicroBatch& micro, const LossPass& pass, std::size_t panel,
                              float* gradient) const;
  void add_small_gradients(const MicroBatch& micro, float* gradient);
  LayerRows layer_rows(std::size_t layer, std::size_t row);
  SmallGradients small_gradients(std::size_t chunk, std::size_t layer);
  float* final_norm_gradient(std::size_t chunk);

  const Transformer& transformer_;
  ThreadPool& pool_;
  std::size_t micro_batch_tokens_;
  std::size_t small_layer_size_, small_size_;
  std::vector<Slot> slots_;
  std::size_t rows_ = 0;                // rows that the buffers below hold
  std::vector<FloatBuffer> layers_;     // forward values of each layer
  std::vector<FloatBuffer> gradients_;  // [layer + 1]: at the layer's input; the last: its output
  std::vector<FloatBuffer> middle_gradients_;
  FloatBuffer last_;                              // the last layer's output
  FloatBuffer head_raw_, head_input_, head_rms_;  // [head rows]: before and after the final norm
  FloatBuffer head_sums_;                         // [head rows, 2]: max and sum of the softmax
  FloatBuffer logits_;                            // [head rows, vocab], then their gradient
  FloatBuffer small_;                             // [chunks, small_size_]
};

}  // namespace assay::gpu::host
