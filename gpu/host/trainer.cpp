#include "gpu/host/trainer.h"

#include <algorithm>

#include "gpu/host/sampling.h"

namespace assay::gpu::host {
namespace {

// Rows that one thread takes at once: enough for full tiles, few enough to spread evenly.
constexpr std::size_t kChunkTokens = 96;
constexpr std::size_t kMicroBatchTokens = 2048;
// Logits of a micro-batch are kept for the backward pass; this bounds them to 256 MiB.
constexpr std::size_t kLogitsMax = std::size_t{64} << 20;

std::ptrdiff_t signed_of(std::size_t x) {
  return static_cast<std::ptrdiff_t>(x);
}

}  // namespace

Trainer::Trainer(const Transformer& transformer, ThreadPool& pool)
    : transformer_(transformer), pool_(pool), slots_(pool.threads()) {
  const Layout& layout = transformer.layout();
  const model::ModelConfig& c = layout.config;
  micro_batch_tokens_ =
      std::clamp<std::size_t>(kLogitsMax / padded(c.vocab_size), 1, kMicroBatchTokens);
  small_layer_size_ =
      2 * padded(c.hidden_size) + 2 * padded(c.head_size) + padded(layout.qkv_size());
  small_size_ = c.layer_count * small_layer_size_ + padded(c.hidden_size);
  layers_.resize(c.layer_count);
  gradients_.resize(c.layer_count + 1);
  middle_gradients_.resize(c.layer_count);
}

std::vector<Trainer::MicroBatch> Trainer::plan(std::span<const std::uint32_t> offsets,
                                               std::span<const std::uint8_t> mask,
                                               SequenceRange range) const {
  std::vector<MicroBatch> micros;
  for (std::size_t i = range.first; i < range.end; ++i) {
    const std::size_t length = offsets[i + 1] - offsets[i];
    if (micros.empty() ||
        (micros.back().rows > 0 && micros.back().rows + length > micro_batch_tokens_)) {
      micros.emplace_back();
    }
    MicroBatch& micro = micros.back();
    if (micro.chunks.empty() || micro.chunks.back().count + length > kChunkTokens) {
      Chunk chunk;
      chunk.sequences = {i, i};
      chunk.index = micro.chunks.size();
      chunk.row = micro.rows;
      chunk.token = offsets[i];
      chunk.head_row = micro.head_rows;
      micro.chunks.push_back(chunk);
    }
    Chunk& chunk = micro.chunks.back();
    chunk.sequences.end = i + 1;
    chunk.count += length;
    micro.rows += length;
    for (std::size_t t = offsets[i] + 1; t < offsets[i + 1]; ++t) {
      chunk.head_count += mask.empty() || mask[t];
    }
    micro.head_rows = chunk.head_row + chunk.head_count;
  }
  return micros;
}

void Trainer::make_segments(std::span<const wire::TokenId> tokens,
                            std::span<const std::uint32_t> offsets, const Chunk& chunk,
                            Slot& slot) const {
  std::size_t longest = 0;
  for (std::size_t i = chunk.sequences.first; i < chunk.sequences.end; ++i) {
    longest = std::max<std::size_t>(longest, offsets[i + 1] - offsets[i]);
  }
  // A sequence's keys and values are needed only while its own attention runs, so all share them.
  const std::size_t capacity = padded(longest);
  slot.cache.reserve(cache_layer_size(config(), capacity));
  slot.segments.clear();
  slot.offsets.assign(1, 0);
  for (std::size_t i = chunk.sequences.first; i < chunk.sequences.end; ++i) {
    const std::size_t length = offsets[i + 1] - offsets[i];
    slot.segments.push_back(
        {tokens.subspan(offsets[i], length), 0, {slot.cache.get(), capacity, 0}});
    slot.offsets.push_back(slot.offsets.back() + static_cast<std::uint32_t>(length));
  }
}

void Trainer::score(const WeightStore& weights, const ScorePass& pass, std::span<float> logprobs,
                    std::span<float> entropies) {
  std::vector<Chunk> chunks;
  for (const MicroBatch& micro : plan(pass.offsets, {}, {0, pass.offsets.size() - 1})) {
    chunks.insert(chunks.end(), micro.chunks.begin(), micro.chunks.end());
  }
  std::fill(logprobs.begin(), logprobs.end(), 0.0f);
  std::fill(entropies.begin(), entropies.end(), 0.0f);
  pool_.run(chunks.size(), [&](std::size_t item, unsigned slot_index) {
    Slot& slot = slots_[slot_index];
    make_segments(pass.tokens, pass.offsets, chunks[item], slot);
    score_chunk(weights, chunks[item], pass, logprobs, entropies, slot);
  });
}

// Divides a row of logits in place. The generator multiplies the same way before its softmax, so
// the bits agree; greedy completions are scored at temperature 1.
void Trainer::temper(float* logits, float temperature) const {
  if (temperature == 1.0f || temperature == 0.0f) return;
  transformer_.kernels().scale(logits, 1.0f / temperature, logits, config().vocab_size);
}

void Trainer::score_chunk(const WeightStore& weights, const Chunk& chunk, const ScorePass& pass,
                          std::span<float> logprobs, std::span<float> entropies, Slot& slot) const {
  constexpr std::size_t kHeadRows = 48;
  const std::span<const wire::TokenId> tokens = pass.tokens;
  const std::size_t hidden = transformer_.hidden_stride();
  const std::size_t vocab = config().vocab_size, width = transformer_.logits_stride();
  slot.rows.reserve(chunk.count * hidden);
  slot.head.reserve(kHeadRows * (hidden + width));
  slot.exps.reserve(padded(vocab));
  transformer_.infer(weights, slot.segments, slot.rows.get(), slot.scratch);
  float* normed = slot.head.get();
  float* logits = normed + kHeadRows * hidden;
  for (const Segment& segment : slot.segments) {
    const auto begin = static_cast<std::size_t>(segment.tokens.data() - tokens.data());
    for (std::size_t i = 0; i + 1 < segment.tokens.size(); i += kHeadRows) {
      const std::size_t count = std::min(kHeadRows, segment.tokens.size() - 1 - i);
      transformer_.final_norm(weights, slot.rows.get() + (begin - chunk.token + i) * hidden, count,
                              normed, nullptr);
      transformer_.logits(weights, normed, count, logits);
      for (std::size_t row = 0; row < count; ++row) {
        float* z = logits + row * width;
        const std::size_t t = begin + i + row + 1;
        temper(z, pass.sampling.temperature);
        const SoftmaxSum sum = transformer_.kernels().log_softmax(z, vocab, 1.0f, slot.exps.get());
        entropies[t] = transformer_.kernels().entropy(z, slot.exps.get(), vocab, sum);
        logprobs[t] =
            is_truncated(pass.sampling)
                ? truncated_logprob(slot.exps.get(), vocab, pass.sampling, tokens[t], slot.order)
                : token_logprob(z[tokens[t]], sum);
      }
    }
  }
}

LossSums Trainer::accumulate(const WeightStore& weights, const LossPass& pass, float* gradient) {
  LossSums total;
  const wire::TrainBatch& batch = *pass.batch;
  for (MicroBatch& micro : plan(batch.offsets, batch.mask, pass.sequences)) {
    if (micro.head_rows == 0) continue;
    reserve(micro);
    pool_.run(micro.chunks.size(), [&](std::size_t item, unsigned slot_index) {
      Chunk& chunk = micro.chunks[item];
      Slot& slot = slots_[slot_index];
      make_segments(batch.tokens, batch.offsets, chunk, slot);
      forward_chunk(weights, chunk, slot);
      head_forward(weights, pass, chunk, slot);
      apply_loss(pass, chunk, slot);
      head_backward(weights, pass, chunk, slot);
      backward_chunk(weights, chunk, slot);
    });
    const std::vector<WeightTask> tasks = weight_tasks(micro);
    pool_.run(tasks.size(), [&](std::size_t item, unsigned slot_index) {
      add_weight_gradient(tasks[item], gradient, slots_[slot_index].panel);
    });
    pool_.run(padded(config().hidden_size) / kLanes, [&](std::size_t panel, unsigned) {
      add_embedding_gradient(micro, pass, panel, gradient);
    });
    add_small_gradients(micro, gradient);
    for (const Chunk& chunk : micro.chunks) {
      if (chunk.sums.tally.trained_tokens > 0) total.tally += chunk.sums.tally;
      total.entropy_sum += chunk.sums.entropy_sum;
    }
  }
  return total;
}

void Trainer::reserve(const MicroBatch& micro) {
  const Transformer& t = transformer_;
  small_.reserve(micro.chunks.size() * small_size_);
  small_.clear();
  if (micro.rows > rows_) rows_ = std::max(micro.rows, std::min<std::size_t>(rows_ * 2, 4096));
  const std::size_t per_row = 4 * t.hidden_stride() + t.qkv_stride() + t.query_stride() +
                              t.gate_up_stride() + t.ffn_stride() + 2 * config().head_count + 2;
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    layers_[layer].reserve(rows_ * per_row + 64);
    middle_gradients_[layer].reserve(rows_ * t.hidden_stride());
  }
  for (FloatBuffer& buffer : gradients_) buffer.reserve(rows_ * t.hidden_stride());
  last_.reserve(rows_ * t.hidden_stride());
  head_raw_.reserve(rows_ * t.hidden_stride());
  head_input_.reserve(rows_ * t.hidden_stride());
  head_rms_.reserve(rows_);
  head_sums_.reserve(2 * rows_);
  logits_.reserve(micro.head_rows * t.logits_stride());
}

LayerRows Trainer::layer_rows(std::size_t layer, std::size_t row) {
  const Transformer& t = transformer_;
  const std::size_t hidden = t.hidden_stride();
  float* next = layers_[layer].get();
  const auto take = [&](std::size_t width) {
    float* piece = next + row * width;
    next += rows_ * width;
    return piece;
  };
  LayerRows rows;
  // The matrices come first: their rows are whole cache lines.
  rows.input = take(hidden);
  rows.normed_in = take(hidden);
  rows.middle = take(hidden);
  rows.normed_mid = take(hidden);
  rows.qkv = take(t.qkv_stride());
  rows.attended = take(t.query_stride());
  rows.gate_up = take(t.gate_up_stride());
  rows.activated = take(t.ffn_stride());
  rows.softmax = take(2 * std::size_t{config().head_count});
  rows.inverse_rms_in = take(1);
  rows.inverse_rms_mid = take(1);
  rows.output = layer + 1 < layers_.size() ? layers_[layer + 1].get() + row * hidden
                                           : last_.get() + row * hidden;
  return rows;
}

void Trainer::forward_chunk(const WeightStore& weights, const Chunk& chunk, Slot& slot) {
  transformer_.embed(weights, slot.segments, layer_rows(0, chunk.row).input);
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    transformer_.forward_layer(weights, layer, slot.segments, layer_rows(layer, chunk.row),
                               slot.scratch);
  }
}

// Log-probabilities and entropies of the chunk's trained tokens, in slot.logprobs and entropies.
void Trainer::head_forward(const WeightStore& weights, const LossPass& pass, Chunk& chunk,
                           Slot& slot) {
  const std::size_t hidden = transformer_.hidden_stride();
  const std::size_t vocab = config().vocab_size, width = transformer_.logits_stride();
  const wire::TrainBatch& batch = *pass.batch;
  std::size_t head = chunk.head_row;
  for (std::size_t t = 1; t < chunk.count; ++t) {
    if (!batch.mask[chunk.token + t]) continue;
    std::copy_n(last_.get() + (chunk.row + t - 1) * hidden, hidden,
                head_raw_.get() + head++ * hidden);
  }
  const std::size_t first = chunk.head_row;
  transformer_.final_norm(weights, head_raw_.get() + first * hidden, chunk.head_count,
                          head_input_.get() + first * hidden, head_rms_.get() + first);
  transformer_.logits(weights, head_input_.get() + first * hidden, chunk.head_count,
                      logits_.get() + first * width);
  slot.exps.reserve(padded(vocab));
  slot.logprobs.assign(chunk.count, 0.0f);
  slot.entropies.assign(chunk.count, 0.0f);
  head = first;
  for (std::size_t t = 1; t < chunk.count; ++t) {
    if (!batch.mask[chunk.token + t]) continue;
    float* z = logits_.get() + head * width;
    temper(z, pass.temperature);
    const SoftmaxSum sum = transformer_.kernels().log_softmax(z, vocab, 1.0f, slot.exps.get());
    slot.logprobs[t] = token_logprob(z[batch.tokens[chunk.token + t]], sum);
    slot.entropies[t] = transformer_.kernels().entropy(z, slot.exps.get(), vocab, sum);
    head_sums_.get()[2 * head] = sum.max;
    head_sums_.get()[2 * head + 1] = sum.sum;
    chunk.sums.entropy_sum += static_cast<double>(slot.entropies[t]);
    ++head;
  }
}

void Trainer::apply_loss(const LossPass& pass, Chunk& chunk, Slot& slot) {
  const wire::TrainBatch& batch = *pass.batch;
  const auto part = [&](const auto& values) {
    using Value = typename std::remove_cvref_t<decltype(values)>::value_type;
    const std::span<const Value> all(values.data(), values.size());
    return all.empty() ? all : all.subspan(chunk.token, chunk.count);
  };
  algo::LossInputs inputs;
  inputs.logprobs_current = slot.logprobs;
  inputs.logprobs_proximal = pass.proximal.empty()
                                 ? std::span<const float>(slot.logprobs)
                                 : pass.proximal.subspan(chunk.token, chunk.count);
  inputs.logprobs_behaviour = part(batch.logprobs_behaviour);
  inputs.logprobs_reference =
      pass.reference.empty() ? pass.reference : pass.reference.subspan(chunk.token, chunk.count);
  inputs.advantages = part(batch.advantages);
  inputs.weights = part(batch.weights);
  inputs.mask = part(batch.mask);
  inputs.offsets = slot.offsets;
  slot.gradient.resize(chunk.count);
  algo::add_policy_loss(inputs, pass.options, pass.denominators, slot.gradient, chunk.sums.tally);
}

void Trainer::head_backward(const WeightStore& weights, const LossPass& pass, const Chunk& chunk,
                            Slot& slot) {
  const std::size_t hidden = transformer_.hidden_stride(), width = transformer_.logits_stride();
  const wire::TrainBatch& batch = *pass.batch;
  const double entropy_gradient =
      -pass.options.entropy_coefficient / pass.denominators.trained_tokens;
  std::size_t head = chunk.head_row;
  for (std::size_t t = 1; t < chunk.count; ++t) {
    if (!batch.mask[chunk.token + t]) continue;
    float* z = logits_.get() + head * width;
    transformer_.kernels().logits_gradient(
        {.logits = z,
         .out = z,
         .size = config().vocab_size,
         .target = static_cast<std::size_t>(batch.tokens[chunk.token + t]),
         .max = head_sums_.get()[2 * head],
         .sum = head_sums_.get()[2 * head + 1],
         .logprob_gradient = static_cast<float>(slot.gradient[t]),
         .entropy_gradient = static_cast<float>(entropy_gradient),
         .entropy = slot.entropies[t]});
    temper(z, pass.temperature);  // d scaled / d logit
    ++head;
  }
  slot.head.reserve(chunk.head_count * hidden);
  float* back = slot.head.get();
  transformer_.multiply_back(weights, transformer_.layout().head,
                             logits_.get() + chunk.head_row * width, width, chunk.head_count, back,
                             hidden);
  transformer_.kernels().rms_norm_backward({head_raw_.get() + chunk.head_row * hidden,
                                            weights.arena() + transformer_.layout().final_norm,
                                            head_rms_.get() + chunk.head_row, back, nullptr, back,
                                            final_norm_gradient(chunk.index), hidden,
                                            chunk.head_count, config().hidden_size});
  float* out = gradients_.back().get() + chunk.row * hidden;
  std::fill_n(out, chunk.count * hidden, 0.0f);
  for (std::size_t t = 1; t < chunk.count; ++t) {
    if (!batch.mask[chunk.token + t]) continue;
    std::copy_n(back, padded(config().hidden_size), out + (t - 1) * hidden);
    back += hidden;
  }
}

void Trainer::backward_chunk(const WeightStore& weights, const Chunk& chunk, Slot& slot) {
  const std::size_t first = chunk.row * transformer_.hidden_stride();
  for (std::size_t layer = layers_.size(); layer-- > 0;) {
    transformer_.backward_layer(
        weights, layer, slot.segments, layer_rows(layer, chunk.row),
        {gradients_[layer + 1].get() + first, middle_gradients_[layer].get() + first,
         gradients_[layer].get() + first, small_gradients(chunk.index, layer)},
        slot.scratch);
  }
}

std::vector<Trainer::WeightTask> Trainer::weight_tasks(const MicroBatch& micro) {
  const Transformer& t = transformer_;
  std::vector<WeightTask> tasks;
  const auto add = [&](const MatrixPlace& place, const float* x, std::size_t x_stride,
                       const float* dy, std::size_t dy_stride, std::size_t rows) {
    for (std::size_t panel = 0; panel < padded(place.cols) / kLanes; ++panel) {
      tasks.push_back({&place, x, x_stride, dy, dy_stride, rows, panel});
    }
  };
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    const LayerPlaces& places = t.layout().layers[layer];
    const LayerRows rows = layer_rows(layer, 0);
    add(places.qkv, rows.normed_in, t.hidden_stride(), rows.qkv, t.qkv_stride(), micro.rows);
    add(places.attention_out, rows.attended, t.query_stride(), middle_gradients_[layer].get(),
        t.hidden_stride(), micro.rows);
    add(places.gate_up, rows.normed_mid, t.hidden_stride(), rows.gate_up, t.gate_up_stride(),
        micro.rows);
    add(places.down, rows.activated, t.ffn_stride(), gradients_[layer + 1].get(), t.hidden_stride(),
        micro.rows);
  }
  add(t.layout().head, head_input_.get(), t.hidden_stride(), logits_.get(), t.logits_stride(),
      micro.head_rows);
  return tasks;
}

void Trainer::add_weight_gradient(const WeightTask& task, float* gradient,
                                  FloatBuffer& panel) const {
  const std::size_t column = task.panel * kLanes;
  const std::size_t width = std::min(kLanes, task.place->cols - column);
  panel.reserve(task.rows * kLanes);
  float* packed = panel.get();
  for (std::size_t row = 0; row < task.rows; ++row) {
    const float* x = task.x + row * task.x_stride + column;
    float* out = packed + row * kLanes;
    for (std::size_t j = 0; j < kLanes; ++j) out[j] = j < width ? x[j] : 0.0f;
  }
  float* target = gradient + task.place->offset + column;
  transformer_.kernels().gemm({.a = task.dy,
                               .a_row = 1,
                               .a_k = signed_of(task.dy_stride),
                               .b = packed,
                               .c = target,
                               .c_row = signed_of(task.place->stride()),
                               .init = target,
                               .init_row = signed_of(task.place->stride()),
                               .rows = task.place->rows,
                               .panels = 1,
                               .k = task.rows});
}

void Trainer::add_embedding_gradient(const MicroBatch& micro, const LossPass& pass,
                                     std::size_t panel, float* gradient) const {
  const MatrixPlace& place = transformer_.layout().embedding;
  const wire::TokenId* tokens = pass.batch->tokens.data() + micro.chunks.front().token;
  const float* rows = gradients_.front().get() + panel * kLanes;
  for (std::size_t t = 0; t < micro.rows; ++t) {
    float* target = gradient + place.offset + static_cast<std::size_t>(tokens[t]) * place.stride() +
                    panel * kLanes;
    transformer_.kernels().add(rows + t * transformer_.hidden_stride(), target, kLanes);
  }
}

SmallGradients Trainer::small_gradients(std::size_t chunk, std::size_t layer) {
  const std::size_t hidden = padded(config().hidden_size), head = padded(config().head_size);
  float* base = small_.get() + chunk * small_size_ + layer * small_layer_size_;
  return {base, base + hidden, base + 2 * hidden, base + 2 * hidden + head,
          base + 2 * hidden + 2 * head};
}

float* Trainer::final_norm_gradient(std::size_t chunk) {
  return small_.get() + chunk * small_size_ + layers_.size() * small_layer_size_;
}

void Trainer::add_small_gradients(const MicroBatch& micro, float* gradient) {
  const Layout& layout = transformer_.layout();
  const Kernels& kernels = transformer_.kernels();
  const std::size_t hidden = config().hidden_size, head = config().head_size;
  for (std::size_t chunk = 0; chunk < micro.chunks.size(); ++chunk) {
    for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
      const LayerPlaces& places = layout.layers[layer];
      const SmallGradients small = small_gradients(chunk, layer);
      kernels.add(small.attention_norm, gradient + places.attention_norm, hidden);
      kernels.add(small.ffn_norm, gradient + places.ffn_norm, hidden);
      if (config().has_qk_norm) {
        kernels.add(small.query_norm, gradient + places.query_norm, head);
        kernels.add(small.key_norm, gradient + places.key_norm, head);
      }
      if (config().has_qkv_bias) {
        kernels.add(small.qkv_bias, gradient + places.qkv_bias, layout.qkv_size());
      }
    }
    kernels.add(final_norm_gradient(chunk), gradient + layout.final_norm, hidden);
  }
}

}  // namespace assay::gpu::host
