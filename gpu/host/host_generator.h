// The generator of the host backend: continuous batching over caches of each sequence's own.
//
// A chunk of sequences passes through all layers on one thread, so a step has one hand-over for the
// whole model. A prompt is computed once for its group and copied into each member's cache.
#pragma once

#include <deque>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "gpu/backend.h"
#include "gpu/generator.h"
#include "gpu/host/host_weights.h"
#include "gpu/host/thread_pool.h"
#include "gpu/host/transformer.h"

namespace assay::gpu::host {

class HostGenerator final : public Generator {
 public:
  HostGenerator(std::shared_ptr<const HostWeights> weights, const GeneratorOptions& options,
                std::shared_ptr<ThreadPool> pool, const Kernels& kernels);

  Result<void> submit(GenerationRequest request) override;
  Result<std::vector<wire::Rollout>> advance() override;
  void set_weights(std::shared_ptr<const Weights> weights) override;
  void cancel(GroupId group) override;
  std::size_t running_sequences() const override { return running_.size(); }
  std::size_t queued_sequences() const override { return queue_.size(); }
  std::size_t cache_bytes() const override { return cache_bytes_; }
  GeneratorCounters counters() const override { return counters_; }

 private:
  struct Group {
    GenerationRequest request;
    std::vector<float> logits;  // after the prompt's last token; empty until computed
  };
  struct Queued {
    std::shared_ptr<Group> group;
    std::size_t member = 0;
  };
  struct Sequence {
    std::shared_ptr<Group> group;
    std::size_t member = 0;
    FloatBuffer memory;
    KvCache cache;
    std::size_t cached = 0;  // tokens whose keys and values are in the cache
    std::vector<wire::TokenId> completion;
    std::vector<float> logprobs;
    std::vector<std::uint32_t> versions;
    bool is_finished = false;
    wire::FinishReason finish = wire::FinishReason::kEos;
  };
  struct Slot {
    Scratch scratch;
    FloatBuffer x, normed, logits, exps;
    std::vector<Segment> segments;
    std::vector<std::uint32_t> order;
  };

  const WeightStore& store() const { return weights_->store(); }
  const model::ModelConfig& config() const { return weights_->config(); }
  std::size_t capacity_of(const GenerationRequest& request) const;
  std::size_t bytes_of(std::size_t capacity) const;
  void swap_weights();
  void admit();
  void fill_caches(std::vector<Sequence*> sequences);
  void fill_prompt(Sequence& leader, Slot& slot);
  void extend(Sequence& sequence, std::size_t end, Slot& slot, float* logits);
  void decode(std::size_t first, std::size_t end, Slot& slot);
  void draw(Sequence& sequence, const float* logits, Slot& slot);
  std::vector<wire::Rollout> take_finished();
  FloatBuffer take_memory(std::size_t floats);
  void drop_spares(std::size_t more_bytes);
  void release(Sequence& sequence);

  std::shared_ptr<const HostWeights> weights_;
  std::shared_ptr<const HostWeights> next_weights_;
  GeneratorOptions options_;
  std::shared_ptr<ThreadPool> pool_;
  Transformer transformer_;
  std::deque<Queued> queue_;
  std::vector<std::unique_ptr<Sequence>> running_;  // in submission order
  std::multimap<std::size_t, FloatBuffer> spare_memory_;
  std::vector<Slot> slots_;
  std::size_t cache_bytes_ = 0;
  GeneratorCounters counters_;
};

}  // namespace assay::gpu::host
