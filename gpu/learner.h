// Learner: owns the weights and the optimiser; consumes train batches, publishes weights.
//
// The learner is blind to the algorithm: a batch carries per-token advantages, weights and masks,
// and LossOptions say how they enter the loss. Results are bit-identical for any thread count. Not
// thread-safe: one thread owns a learner. Implementations: gpu/host, later gpu/cuda.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gpu/generator.h"
#include "gpu/weights.h"
#include "runtime/algo/loss_options.h"
#include "runtime/core/result.h"
#include "runtime/wire/train_batch.h"

namespace assay::gpu {

struct OptimiserOptions {
  double lr = 3e-4;
  double beta1 = 0.9;
  double beta2 = 0.98;
  double eps = 1e-8;
  double weight_decay = 0.01;  // decoupled; not applied to norms and biases
  double grad_norm_max = 1.0;  // 0 = no clipping
  // lr at update u: linear from 0 over warmup_updates, then the schedule down to lr_min_fraction *
  // lr at total_updates.
  enum class Schedule : std::uint8_t { kConstant, kLinear, kCosine } schedule = Schedule::kConstant;
  std::uint64_t warmup_updates = 0;
  std::uint64_t total_updates = 0;
  double lr_min_fraction = 0.0;
};

struct UpdateOptions {
  algo::LossOptions loss;
  std::uint32_t epochs = 1;       // passes over the batch
  std::uint32_t minibatches = 1;  // optimiser steps a pass; sequences are split in order
  // Of the sampler that drew the batch, at least kTemperatureMin. What is trained is softmax(logits
  // / temperature), the distribution that was drawn from; otherwise fresh tokens would already
  // carry an importance weight.
  float temperature = 1.0f;
};

// Means are over trained tokens of the whole batch unless said otherwise.
struct UpdateReport {
  double loss = 0;
  double entropy = 0;  // nats, full softmax at the update's temperature, at the first pass
  double logprob = 0;  // current policy, first pass
  double ratio_min = 1, ratio_mean = 1, ratio_max = 1;  // current / proximal
  double clip_low_fraction = 0, clip_high_fraction = 0, clip_dual_fraction = 0;
  double kl_behaviour_k3 = 0;  // proximal against behaviour
  // Current against reference, first pass; absent without a reference.
  std::optional<double> kl_reference_k1, kl_reference_k3;  // token means
  std::optional<double> kl_reference_sequence;             // k3 summed over a sequence, their mean
  double importance_min = 1, importance_mean = 1, importance_max = 1;  // weight actually applied
  double ess = 1;              // effective sample size of the raw importance weights, (0, 1]
  double masked_fraction = 0;  // trained tokens dropped by importance masking
  double grad_norm = 0;        // before clipping, last optimiser step
  double lr = 0;
  std::uint64_t trained_tokens = 0;
  std::uint64_t skipped_steps = 0;  // optimiser steps skipped because the gradient was not finite
};

// Log-probability and entropy of every token given the ones before it.
struct TokenScores {
  std::vector<float> logprobs;   // [token_count]; 0 at each sequence's first token
  std::vector<float> entropies;  // [token_count], nats; 0 at each sequence's first token
};

class Learner {
 public:
  virtual ~Learner() = default;

  // One update: `epochs * minibatches` optimiser steps, then the version grows by one.
  // Errors: kInvalidInput when the batch's arrays disagree, a token is outside the vocabulary, an
  // option is out of range, or a KL coefficient has no reference.
  virtual Result<UpdateReport> update(const wire::TrainBatch& batch,
                                      const UpdateOptions& options) = 0;

  // Scores packed sequences under the current weights: log-probabilities of the distribution that
  // `sampling` draws from (temperature, top_k, top_p; minus infinity for a token it cannot draw),
  // bit-equal to the generator's. Entropies are those of the softmax before top_k and top_p.
  // Errors: kInvalidInput as for update().
  virtual Result<TokenScores> score(std::span<const wire::TokenId> tokens,
                                    std::span<const std::uint32_t> offsets,
                                    const SamplingOptions& sampling = {}) = 0;

  // The policy that KL is measured from, usually the base; null = none. Kept alive by the learner.
  virtual void set_reference(std::shared_ptr<const Weights> reference) = 0;

  // The current weights as an immutable snapshot; later updates do not change it.
  virtual std::shared_ptr<const Weights> publish() = 0;

  virtual PolicyVersion version() const = 0;
  // Restart the optimiser: moments zero, step counter zero, new options. Weights stay.
  virtual void reset_optimiser(const OptimiserOptions& options) = 0;
  // Renumber the current weights, e.g. 0 for the base policy after supervised warm-up.
  virtual void set_version(PolicyVersion version) = 0;

  // Saves / restores weights, moments, step counter and version under `folder`, bit-exactly.
  // save() fsyncs everything and renames into place last: a folder that exists is whole.
  // Errors: kCorrupt with the file's name when anything does not match; errno codes.
  virtual Result<void> save(const std::string& folder) const = 0;
  virtual Result<void> restore(const std::string& folder) = 0;
};

}  // namespace assay::gpu
