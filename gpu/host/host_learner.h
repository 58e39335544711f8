// The learner of the host backend: AdamW over the trainer's gradients, snapshots without a copy.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gpu/host/host_weights.h"
#include "gpu/host/thread_pool.h"
#include "gpu/host/trainer.h"
#include "gpu/host/transformer.h"
#include "gpu/learner.h"

namespace assay::gpu::host {

class HostLearner final : public Learner {
 public:
  HostLearner(std::shared_ptr<const Layout> layout, const OptimiserOptions& optimiser,
              std::uint64_t init_seed, std::shared_ptr<ThreadPool> pool, const Kernels& kernels);

  Result<UpdateReport> update(const wire::TrainBatch& batch, const UpdateOptions& options) override;
  Result<TokenScores> score(std::span<const wire::TokenId> tokens,
                            std::span<const std::uint32_t> offsets,
                            const SamplingOptions& sampling) override;
  void set_reference(std::shared_ptr<const Weights> reference) override;
  std::shared_ptr<const Weights> publish() override;
  PolicyVersion version() const override { return version_; }
  void reset_optimiser(const OptimiserOptions& options) override;
  void set_version(PolicyVersion version) override;
  Result<void> save(const std::string& folder) const override;
  Result<void> restore(const std::string& folder) override;

  // For tests: the gradient of the last optimiser step, laid out as the arena.
  std::span<const float> gradient() const { return gradient_.span(); }
  const WeightStore& weights() const { return *store_; }

 private:
  struct StepSums;

  double learning_rate() const;
  std::vector<float> logprobs_of(const WeightStore& weights, const wire::TrainBatch& batch,
                                 float temperature);
  void optimiser_step(const LossPass& pass, StepSums& sums);
  void apply_gradient(double norm);
  double gradient_norm();

  std::shared_ptr<const Layout> layout_;
  OptimiserOptions optimiser_;
  std::shared_ptr<ThreadPool> pool_;
  Transformer transformer_;
  Trainer trainer_;
  std::shared_ptr<WeightStore> store_;  // changed in place only while nobody else holds it
  std::shared_ptr<WeightStore> spare_;  // an older one, reused when its last reader is gone
  std::shared_ptr<const HostWeights> published_;
  std::shared_ptr<const HostWeights> reference_;
  FloatBuffer gradient_, first_moment_, second_moment_;
  std::uint64_t optimiser_steps_ = 0;
  std::uint64_t schedule_updates_ = 0;  // updates since the optimiser was reset
  PolicyVersion version_;
};

}  // namespace assay::gpu::host
