#include "gpu/engine_meter.h"

#include <utility>

#include "gpu/host/thread_pool.h"
#include "runtime/core/clock.h"

namespace assay::gpu {
namespace {

// Adds what the calling thread spends while it lives.
class Reading {
 public:
  explicit Reading(EngineMeter& meter) : meter_(meter), before_(thread_cpu_time()) {}
  ~Reading() { meter_.add(thread_cpu_time() - before_); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

 private:
  EngineMeter& meter_;
  std::chrono::microseconds before_;
};

class MeteredGenerator final : public Generator {
 public:
  MeteredGenerator(std::unique_ptr<Generator> engine, std::shared_ptr<EngineMeter> meter)
      : engine_(std::move(engine)), meter_(std::move(meter)) {}

  Result<void> submit(GenerationRequest request) override {
    const Reading reading(*meter_);
    return engine_->submit(std::move(request));
  }
  Result<std::vector<wire::Rollout>> advance() override {
    const Reading reading(*meter_);
    return engine_->advance();
  }
  void set_weights(std::shared_ptr<const Weights> weights) override {
    const Reading reading(*meter_);
    engine_->set_weights(std::move(weights));
  }
  void cancel(GroupId group) override { engine_->cancel(group); }
  std::size_t running_sequences() const override { return engine_->running_sequences(); }
  std::size_t queued_sequences() const override { return engine_->queued_sequences(); }
  std::size_t cache_bytes() const override { return engine_->cache_bytes(); }
  GeneratorCounters counters() const override { return engine_->counters(); }

 private:
  std::unique_ptr<Generator> engine_;
  std::shared_ptr<EngineMeter> meter_;
};

// Saving and restoring are the run's housekeeping, not arithmetic: they are not metered.
class MeteredLearner final : public Learner {
 public:
  MeteredLearner(std::unique_ptr<Learner> engine, std::shared_ptr<EngineMeter> meter)
      : engine_(std::move(engine)), meter_(std::move(meter)) {}

  Result<UpdateReport> update(const wire::TrainBatch& batch,
                              const UpdateOptions& options) override {
    const Reading reading(*meter_);
    return engine_->update(batch, options);
  }
  Result<TokenScores> score(std::span<const wire::TokenId> tokens,
                            std::span<const std::uint32_t> offsets,
                            const SamplingOptions& sampling) override {
    const Reading reading(*meter_);
    return engine_->score(tokens, offsets, sampling);
  }
  void set_reference(std::shared_ptr<const Weights> reference) override {
    engine_->set_reference(std::move(reference));
  }
  std::shared_ptr<const Weights> publish() override {
    const Reading reading(*meter_);
    return engine_->publish();
  }
  PolicyVersion version() const override { return engine_->version(); }
  void reset_optimiser(const OptimiserOptions& options) override {
    engine_->reset_optimiser(options);
  }
  void set_version(PolicyVersion version) override { engine_->set_version(version); }
  Result<void> save(const std::string& folder) const override { return engine_->save(folder); }
  Result<void> restore(const std::string& folder) override { return engine_->restore(folder); }

 private:
  std::unique_ptr<Learner> engine_;
  std::shared_ptr<EngineMeter> meter_;
};

}  // namespace

std::chrono::microseconds EngineMeter::cpu_time() const {
  return std::chrono::microseconds(spent_us_.load()) + pool_->worker_cpu_time();
}

std::unique_ptr<Generator> metered(std::unique_ptr<Generator> engine,
                                   std::shared_ptr<EngineMeter> meter) {
  return std::make_unique<MeteredGenerator>(std::move(engine), std::move(meter));
}

std::unique_ptr<Learner> metered(std::unique_ptr<Learner> engine,
                                 std::shared_ptr<EngineMeter> meter) {
  return std::make_unique<MeteredLearner>(std::move(engine), std::move(meter));
}

}  // namespace assay::gpu
