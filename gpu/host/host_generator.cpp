#include "gpu/host/host_generator.h"

#include <algorithm>
#include <string>
#include <utility>

#include "gpu/host/float_mode.h"
#include "gpu/host/sampling.h"
#include "runtime/core/limits.h"

namespace assay::gpu::host {
namespace {

// Prompt tokens that pass through the model at once, which bounds the memory of a long prompt.
constexpr std::size_t kPromptRows = 192;
constexpr std::size_t kDecodeRowsMin = 12;
constexpr std::size_t kDecodeRowsMax = 48;

Error invalid(std::string message) {
  return {ErrorCode::kInvalidInput, std::move(message), "", "", ""};
}

}  // namespace

HostGenerator::HostGenerator(std::shared_ptr<const HostWeights> weights,
                             const GeneratorOptions& options, std::shared_ptr<ThreadPool> pool,
                             const Kernels& kernels)
    : weights_(std::move(weights)),
      options_(options),
      pool_(std::move(pool)),
      transformer_(weights_->store().shared_layout(), kernels),
      slots_(pool_->threads()) {}

std::size_t HostGenerator::capacity_of(const GenerationRequest& request) const {
  return padded(request.prompt_tokens.size() + request.sampling.max_completion_tokens);
}

std::size_t HostGenerator::bytes_of(std::size_t capacity) const {
  return config().layer_count * cache_layer_size(config(), capacity) * sizeof(float);
}

Result<void> HostGenerator::submit(GenerationRequest request) {
  const SamplingOptions& sampling = request.sampling;
  if (request.prompt_tokens.empty()) return invalid("a prompt needs at least one token");
  for (const wire::TokenId token : request.prompt_tokens) {
    if (token < 0 || static_cast<std::uint32_t>(token) >= config().vocab_size) {
      return invalid("prompt token " + std::to_string(token) + " is outside the vocabulary of " +
                     std::to_string(config().vocab_size));
    }
  }
  if (request.indices.size() != request.seeds.size() || request.indices.empty() ||
      request.indices.size() > limits::kGroupSizeMax) {
    return invalid("a request needs one seed for each of its 1 to 4096 rollouts");
  }
  if (sampling.max_completion_tokens == 0) {
    return invalid("sampling needs max_completion_tokens >= 1");
  }
  if (auto checked = check_sampling(sampling); !checked) return checked;
  if (std::uint64_t{request.prompt_tokens.size()} + sampling.max_completion_tokens >
      config().context_size) {
    return invalid("a prompt of " + std::to_string(request.prompt_tokens.size()) +
                   " tokens and a completion of " + std::to_string(sampling.max_completion_tokens) +
                   " exceed the context of " + std::to_string(config().context_size));
  }
  if (bytes_of(capacity_of(request)) > options_.cache_bytes_max || options_.max_sequences == 0) {
    return Error{ErrorCode::kExhausted,
                 "one rollout needs " + std::to_string(bytes_of(capacity_of(request))) +
                     " cache bytes, more than the limit of " +
                     std::to_string(options_.cache_bytes_max),
                 "raise the cache limit or shorten prompt and completion", "", ""};
  }
  auto group = std::make_shared<Group>();
  group->request = std::move(request);
  for (std::size_t member = 0; member < group->request.indices.size(); ++member) {
    queue_.push_back({group, member});
  }
  return {};
}

void HostGenerator::set_weights(std::shared_ptr<const Weights> weights) {
  auto host = std::dynamic_pointer_cast<const HostWeights>(weights);
  ASSAY_CHECK(host != nullptr && host->config() == config(),
              "new weights come from the same backend and have the same shape");
  next_weights_ = std::move(host);
}

void HostGenerator::cancel(GroupId group) {
  std::erase_if(queue_, [&](const Queued& q) { return q.group->request.group == group; });
  std::erase_if(running_, [&](const std::unique_ptr<Sequence>& s) {
    if (s->group->request.group != group) return false;
    release(*s);
    return true;
  });
}

Result<std::vector<wire::Rollout>> HostGenerator::advance() {
  const DenormalsOff denormals_off;
  swap_weights();
  admit();
  if (running_.empty()) return std::vector<wire::Rollout>{};
  const std::size_t count = running_.size();
  const std::size_t even = (count + 2 * pool_->threads() - 1) / (2 * pool_->threads());
  const std::size_t rows = std::clamp(even, kDecodeRowsMin, kDecodeRowsMax);
  pool_->run((count + rows - 1) / rows, [&](std::size_t item, unsigned slot) {
    decode(item * rows, std::min(count, (item + 1) * rows), slots_[slot]);
  });
  counters_.generated_tokens += count;
  return take_finished();
}

void HostGenerator::swap_weights() {
  if (!next_weights_) return;
  weights_ = std::exchange(next_weights_, nullptr);
  ++counters_.weight_swaps;
  std::vector<Sequence*> sequences;
  for (const auto& sequence : running_) {
    sequence->group->logits.clear();
    sequence->cached = 0;
    counters_.recomputed_tokens +=
        sequence->group->request.prompt_tokens.size() + sequence->completion.size() - 1;
    sequences.push_back(sequence.get());
  }
  for (const Queued& queued : queue_) queued.group->logits.clear();
  fill_caches(std::move(sequences));
}

void HostGenerator::admit() {
  std::vector<Sequence*> fresh;
  while (!queue_.empty() && running_.size() < options_.max_sequences) {
    const GenerationRequest& request = queue_.front().group->request;
    const std::size_t capacity = capacity_of(request);
    if (cache_bytes_ + bytes_of(capacity) > options_.cache_bytes_max) break;
    auto sequence = std::make_unique<Sequence>();
    sequence->group = queue_.front().group;
    sequence->member = queue_.front().member;
    sequence->memory = take_memory(bytes_of(capacity) / sizeof(float));
    sequence->cache = {sequence->memory.get(), capacity, cache_layer_size(config(), capacity)};
    cache_bytes_ += bytes_of(capacity);
    fresh.push_back(sequence.get());
    running_.push_back(std::move(sequence));
    queue_.pop_front();
  }
  fill_caches(std::move(fresh));
}

// Brings the caches of `sequences` up to date: everything but the last token of a completion, which
// the next step feeds. Members of a group lie next to each other, because they were queued so.
void HostGenerator::fill_caches(std::vector<Sequence*> sequences) {
  if (sequences.empty()) return;
  std::vector<Sequence*> leaders;
  std::vector<std::pair<Sequence*, Sequence*>> followers;  // and whom they copy from
  for (Sequence* sequence : sequences) {
    const bool follows = !leaders.empty() && leaders.back()->group == sequence->group;
    if (follows) {
      followers.emplace_back(sequence, leaders.back());
    } else {
      leaders.push_back(sequence);
      if (sequence->completion.empty()) {
        counters_.prompt_tokens += sequence->group->request.prompt_tokens.size();
      }
    }
  }
  pool_->run(leaders.size(),
             [&](std::size_t item, unsigned slot) { fill_prompt(*leaders[item], slots_[slot]); });
  pool_->run(followers.size(), [&](std::size_t item, unsigned) {
    const auto& [follower, leader] = followers[item];
    copy_cache(config(), leader->cache, follower->cache, leader->cached);
    follower->cached = leader->cached;
  });
  std::erase_if(sequences, [](const Sequence* s) { return s->completion.size() < 2; });
  pool_->run(sequences.size(), [&](std::size_t item, unsigned slot) {
    Sequence& sequence = *sequences[item];
    extend(sequence, sequence.group->request.prompt_tokens.size() + sequence.completion.size() - 1,
           slots_[slot], nullptr);
  });
}

void HostGenerator::fill_prompt(Sequence& leader, Slot& slot) {
  Group& group = *leader.group;
  group.logits.assign(transformer_.logits_stride(), 0.0f);
  extend(leader, group.request.prompt_tokens.size(), slot, group.logits.data());
}

// Feeds the sequence's tokens up to `end`; `logits` receives those after the last one.
void HostGenerator::extend(Sequence& sequence, std::size_t end, Slot& slot, float* logits) {
  const std::vector<wire::TokenId>& prompt = sequence.group->request.prompt_tokens;
  const std::size_t hidden = transformer_.hidden_stride();
  slot.x.reserve(kPromptRows * hidden);
  slot.normed.reserve(kDecodeRowsMax * hidden);
  while (sequence.cached < end) {
    const bool is_prompt = sequence.cached < prompt.size();
    const std::span<const wire::TokenId> source =
        is_prompt ? std::span<const wire::TokenId>(prompt)
                  : std::span<const wire::TokenId>(sequence.completion);
    const std::size_t base = is_prompt ? 0 : prompt.size();
    const std::size_t limit = is_prompt ? std::min(end, prompt.size()) : end;
    const std::size_t count = std::min(kPromptRows, limit - sequence.cached);
    const Segment segment{source.subspan(sequence.cached - base, count), sequence.cached,
                          sequence.cache};
    transformer_.infer(store(), {&segment, 1}, slot.x.get(), slot.scratch);
    sequence.cached += count;
    if (sequence.cached == end && logits) {
      transformer_.final_norm(store(), slot.x.get() + (count - 1) * hidden, 1, slot.normed.get(),
                              nullptr);
      transformer_.logits(store(), slot.normed.get(), 1, logits);
    }
  }
}

void HostGenerator::decode(std::size_t first, std::size_t end, Slot& slot) {
  const std::size_t hidden = transformer_.hidden_stride(), width = transformer_.logits_stride();
  slot.segments.clear();
  for (std::size_t i = first; i < end; ++i) {
    Sequence& sequence = *running_[i];
    if (sequence.completion.empty()) {
      draw(sequence, sequence.group->logits.data(), slot);
      continue;
    }
    slot.segments.push_back({{&sequence.completion.back(), 1}, sequence.cached, sequence.cache});
  }
  if (slot.segments.empty()) return;
  slot.x.reserve(std::max(kPromptRows, kDecodeRowsMax) * hidden);
  slot.normed.reserve(kDecodeRowsMax * hidden);
  slot.logits.reserve(kDecodeRowsMax * width);
  transformer_.infer(store(), slot.segments, slot.x.get(), slot.scratch);
  transformer_.final_norm(store(), slot.x.get(), slot.segments.size(), slot.normed.get(), nullptr);
  transformer_.logits(store(), slot.normed.get(), slot.segments.size(), slot.logits.get());
  std::size_t row = 0;
  for (std::size_t i = first; i < end && row < slot.segments.size(); ++i) {
    Sequence& sequence = *running_[i];
    if (slot.segments[row].tokens.data() != &sequence.completion.back()) continue;
    ++sequence.cached;
    draw(sequence, slot.logits.get() + row++ * width, slot);
  }
}

void HostGenerator::draw(Sequence& sequence, const float* logits, Slot& slot) {
  const GenerationRequest& request = sequence.group->request;
  slot.exps.reserve(padded(config().vocab_size));
  const Draw drawn = draw_token(transformer_.kernels(), logits, config().vocab_size,
                                request.sampling, request.seeds[sequence.member],
                                static_cast<std::uint32_t>(sequence.completion.size()),
                                slot.exps.get(), slot.order);
  if (sequence.completion.empty()) {
    sequence.cached = request.prompt_tokens.size();
    sequence.completion.reserve(request.sampling.max_completion_tokens);
  }
  sequence.completion.push_back(drawn.token);
  sequence.logprobs.push_back(drawn.logprob);
  sequence.versions.push_back(static_cast<std::uint32_t>(weights_->version().value));
  const auto& stops = request.sampling.stop_tokens;
  if (std::find(stops.begin(), stops.end(), drawn.token) != stops.end()) {
    sequence.is_finished = true;
    sequence.finish = wire::FinishReason::kEos;
  } else if (sequence.completion.size() >= request.sampling.max_completion_tokens) {
    sequence.is_finished = true;
    sequence.finish = wire::FinishReason::kLength;
  }
}

std::vector<wire::Rollout> HostGenerator::take_finished() {
  std::vector<wire::Rollout> finished;
  std::erase_if(running_, [&](const std::unique_ptr<Sequence>& s) {
    if (!s->is_finished) return false;
    const GenerationRequest& request = s->group->request;
    wire::Rollout rollout;
    rollout.id = {request.group, request.indices[s->member]};
    rollout.prompt = request.prompt;
    rollout.seed = request.seeds[s->member];
    rollout.finish = s->finish;
    rollout.prompt_tokens = request.prompt_tokens;
    rollout.completion_tokens = std::move(s->completion);
    rollout.logprobs = std::move(s->logprobs);
    rollout.versions = std::move(s->versions);
    finished.push_back(std::move(rollout));
    release(*s);
    return true;
  });
  return finished;
}

FloatBuffer HostGenerator::take_memory(std::size_t floats) {
  const auto spare = spare_memory_.find(floats);
  if (spare == spare_memory_.end()) {
    drop_spares(floats * sizeof(float));
    return FloatBuffer(floats);
  }
  FloatBuffer memory = std::move(spare->second);
  spare_memory_.erase(spare);
  return memory;
}

// Spare memory of other sizes would pile up: with what runs and `more_bytes` it stays within the
// limit.
void HostGenerator::drop_spares(std::size_t more_bytes) {
  std::size_t spare_bytes = 0;
  for (const auto& [floats, memory] : spare_memory_) spare_bytes += floats * sizeof(float);
  if (cache_bytes_ + spare_bytes + more_bytes > options_.cache_bytes_max) spare_memory_.clear();
}

void HostGenerator::release(Sequence& sequence) {
  const std::size_t floats = sequence.memory.size();
  cache_bytes_ -= floats * sizeof(float);
  drop_spares(floats * sizeof(float));
  spare_memory_.emplace(floats, std::move(sequence.memory));
}

}  // namespace assay::gpu::host
