#include "gpu/host/host_learner.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numbers>
#include <utility>

#include "gpu/host/checkpoint.h"
#include "gpu/host/float_mode.h"
#include "gpu/host/sampling.h"
#include "runtime/core/file.h"

namespace assay::gpu::host {
namespace {

// Floats whose squares, or whose step, are one item of work. Fixed, so that sums are too.
constexpr std::size_t kBlock = 16384;

Error invalid(std::string message) {
  return {ErrorCode::kInvalidInput, std::move(message), "", "", ""};
}

Result<void> check_sequences(std::span<const wire::TokenId> tokens,
                             std::span<const std::uint32_t> offsets,
                             const model::ModelConfig& config) {
  if (offsets.empty() || offsets.front() != 0 || offsets.back() != tokens.size()) {
    return invalid("the offsets of a batch must start at 0 and end at its token count");
  }
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    if (offsets[i + 1] <= offsets[i]) return invalid("a sequence of a batch is empty");
    if (offsets[i + 1] - offsets[i] > config.context_size) {
      return invalid("sequence " + std::to_string(i) + " of a batch has " +
                     std::to_string(offsets[i + 1] - offsets[i]) +
                     " tokens, more than the context of " + std::to_string(config.context_size));
    }
  }
  for (const wire::TokenId token : tokens) {
    if (token < 0 || static_cast<std::uint32_t>(token) >= config.vocab_size) {
      return invalid("token " + std::to_string(token) + " is outside the vocabulary of " +
                     std::to_string(config.vocab_size));
    }
  }
  return {};
}

Result<void> check_batch(const wire::TrainBatch& batch, const UpdateOptions& options,
                         const model::ModelConfig& config) {
  if (auto checked = check_sequences(batch.tokens, batch.offsets, config); !checked) return checked;
  if (auto checked = algo::check_loss_options(options.loss); !checked) return checked;
  const std::size_t count = batch.token_count();
  const bool is_supervised = options.loss.surrogate == algo::Surrogate::kSupervised;
  if (batch.mask.size() != count || batch.advantages.size() != count ||
      (!batch.weights.empty() && batch.weights.size() != count) ||
      (batch.logprobs_behaviour.size() != count &&
       !(is_supervised && batch.logprobs_behaviour.empty()))) {
    return invalid("the per-token arrays of a batch differ in length");
  }
  for (const std::uint32_t offset : batch.offsets) {
    if (offset < count && batch.mask[offset]) {
      return invalid(
          "the first token of a sequence has nothing to be predicted from, but is "
          "marked as trained");
    }
  }
  if (options.epochs == 0 || options.minibatches == 0) {
    return invalid("epochs and minibatches must be at least 1");
  }
  if (options.temperature == 0) return invalid("greedy completions hold nothing to learn from");
  SamplingOptions sampling;
  sampling.temperature = options.temperature;
  return check_sampling(sampling);
}

// Sequences [first, end) of part `index` of `parts`, in order and as even as can be.
SequenceRange minibatch_range(std::size_t sequences, std::size_t parts, std::size_t index) {
  return {sequences * index / parts, sequences * (index + 1) / parts};
}

algo::LossDenominators denominators_of(const wire::TrainBatch& batch, SequenceRange range) {
  algo::LossDenominators total;
  for (std::size_t i = range.first; i < range.end; ++i) {
    const std::uint32_t length = batch.offsets[i + 1] - batch.offsets[i];
    const std::uint32_t offsets[] = {0, length};
    total +=
        algo::count_denominators(std::span(batch.mask).subspan(batch.offsets[i], length), offsets);
  }
  return total;
}

}  // namespace

struct HostLearner::StepSums {
  algo::LossTally tally;        // all optimiser steps
  algo::LossTally first_tally;  // the first pass
  double entropy_sum = 0;       // the first pass
  double loss = 0;
  std::uint64_t steps = 0, skipped = 0;
  double grad_norm = 0;
  bool is_first_pass = true;
};

HostLearner::HostLearner(std::shared_ptr<const Layout> layout, const OptimiserOptions& optimiser,
                         std::uint64_t init_seed, std::shared_ptr<ThreadPool> pool,
                         const Kernels& kernels)
    : layout_(std::move(layout)),
      optimiser_(optimiser),
      pool_(std::move(pool)),
      transformer_(layout_, kernels),
      trainer_(transformer_, *pool_),
      store_(std::make_shared<WeightStore>(layout_)),
      gradient_(layout_->arena_size),
      first_moment_(layout_->arena_size),
      second_moment_(layout_->arena_size) {
  draw_weights(init_seed, *store_);
  store_->pack(*pool_);
}

Result<TokenScores> HostLearner::score(std::span<const wire::TokenId> tokens,
                                       std::span<const std::uint32_t> offsets,
                                       const SamplingOptions& sampling) {
  if (auto checked = check_sequences(tokens, offsets, layout_->config); !checked) {
    return checked.error();
  }
  if (auto checked = check_sampling(sampling); !checked) return checked.error();
  const DenormalsOff denormals_off;
  TokenScores scores{std::vector<float>(tokens.size()), std::vector<float>(tokens.size())};
  trainer_.score(*store_, {tokens, offsets, sampling}, scores.logprobs, scores.entropies);
  return scores;
}

void HostLearner::set_reference(std::shared_ptr<const Weights> reference) {
  reference_ = std::dynamic_pointer_cast<const HostWeights>(std::move(reference));
  ASSAY_CHECK(reference_ == nullptr || reference_->config() == layout_->config,
              "a reference policy has the learner's own shape");
}

// Of every token of the batch under other weights than those being changed.
std::vector<float> HostLearner::logprobs_of(const WeightStore& weights,
                                            const wire::TrainBatch& batch, float temperature) {
  std::vector<float> logprobs(batch.token_count()), entropies(batch.token_count());
  SamplingOptions sampling;
  sampling.temperature = temperature;
  trainer_.score(weights, {batch.tokens, batch.offsets, sampling}, logprobs, entropies);
  return logprobs;
}

Result<UpdateReport> HostLearner::update(const wire::TrainBatch& batch,
                                         const UpdateOptions& options) {
  if (auto checked = check_batch(batch, options, layout_->config); !checked) {
    return checked.error();
  }
  const DenormalsOff denormals_off;
  const bool is_supervised = options.loss.surrogate == algo::Surrogate::kSupervised;
  if (!is_supervised && options.loss.kl_coefficient > 0 && !reference_) {
    return invalid("kl_coefficient is set, but there is no reference policy to measure KL from");
  }
  std::vector<float> proximal, reference;
  const bool is_many_steps = options.epochs > 1 || options.minibatches > 1;
  if (is_many_steps && !is_supervised) {
    proximal = logprobs_of(*store_, batch, options.temperature);
  }
  if (reference_ && !is_supervised) {
    reference = logprobs_of(reference_->store(), batch, options.temperature);
  }
  StepSums sums;
  for (std::uint32_t epoch = 0; epoch < options.epochs; ++epoch) {
    for (std::uint32_t part = 0; part < options.minibatches; ++part) {
      LossPass pass;
      pass.batch = &batch;
      pass.sequences = minibatch_range(batch.sequence_count(), options.minibatches, part);
      pass.options = options.loss;
      pass.denominators = denominators_of(batch, pass.sequences);
      pass.proximal = proximal;
      pass.reference = reference;
      pass.temperature = options.temperature;
      if (pass.denominators.trained_tokens > 0) optimiser_step(pass, sums);
    }
    sums.is_first_pass = false;
  }
  const algo::LossTally& tally = sums.tally;
  const algo::LossTally& first = sums.first_tally;
  UpdateReport report;
  report.loss = sums.steps ? sums.loss / static_cast<double>(sums.steps) : 0;
  report.entropy = first.mean(sums.entropy_sum);
  report.logprob = first.mean(first.logprob_sum);
  report.ratio_min = tally.ratio_min;
  report.ratio_mean = tally.mean(tally.ratio_sum, 1);
  report.ratio_max = tally.ratio_max;
  report.clip_low_fraction = tally.mean(tally.clip_low_tokens);
  report.clip_high_fraction = tally.mean(tally.clip_high_tokens);
  report.clip_dual_fraction = tally.mean(tally.clip_dual_tokens);
  report.kl_behaviour_k3 = tally.mean(tally.behaviour_k3_sum);
  if (!reference.empty()) {
    report.kl_reference_k1 = first.mean(first.reference_k1_sum);
    report.kl_reference_k3 = first.mean(first.reference_k3_sum);
    report.kl_reference_sequence =
        first.sequences > 0 ? first.reference_k3_sum / first.sequences : 0;
  }
  report.importance_min = tally.importance_min;
  report.importance_mean = tally.mean(tally.importance_sum, 1);
  report.importance_max = tally.importance_max;
  report.ess = tally.ess();
  report.masked_fraction = tally.mean(tally.masked_tokens);
  report.grad_norm = sums.grad_norm;
  report.lr = learning_rate();
  report.trained_tokens = static_cast<std::uint64_t>(first.trained_tokens);
  report.skipped_steps = sums.skipped;
  ++schedule_updates_;
  ++version_.value;
  published_.reset();
  return report;
}

// The rate of the update under work: the first one is number 1, so that warm-up never wastes it.
double HostLearner::learning_rate() const {
  const OptimiserOptions& o = optimiser_;
  const double update = static_cast<double>(schedule_updates_ + 1);
  const double warmup = static_cast<double>(o.warmup_updates);
  if (update < warmup) return o.lr * update / warmup;
  const double length = static_cast<double>(o.total_updates) - warmup;
  if (o.schedule == OptimiserOptions::Schedule::kConstant || length <= 0) return o.lr;
  const double done = std::clamp((update - warmup) / length, 0.0, 1.0);
  const double left = o.schedule == OptimiserOptions::Schedule::kLinear
                          ? 1 - done
                          : 0.5 * (1 + std::cos(std::numbers::pi * done));
  return o.lr * (o.lr_min_fraction + (1 - o.lr_min_fraction) * left);
}

void HostLearner::optimiser_step(const LossPass& pass, StepSums& sums) {
  gradient_.clear();
  const LossSums seen = trainer_.accumulate(*store_, pass, gradient_.get());
  sums.tally += seen.tally;
  if (sums.is_first_pass) {
    sums.first_tally += seen.tally;
    sums.entropy_sum += seen.entropy_sum;
  }
  sums.loss += seen.tally.loss - pass.options.entropy_coefficient * seen.entropy_sum /
                                     pass.denominators.trained_tokens;
  ++sums.steps;
  sums.grad_norm = gradient_norm();
  if (std::isfinite(sums.grad_norm)) {
    apply_gradient(sums.grad_norm);
  } else {
    ++sums.skipped;
  }
}

double HostLearner::gradient_norm() {
  const std::size_t blocks = (gradient_.size() + kBlock - 1) / kBlock;
  std::vector<double> squares(blocks);
  pool_->run(blocks, [&](std::size_t block, unsigned) {
    const std::size_t begin = block * kBlock;
    squares[block] = transformer_.kernels().sum_squares(gradient_.get() + begin,
                                                        std::min(kBlock, gradient_.size() - begin));
  });
  double total = 0;
  for (const double square : squares) total += square;
  return std::sqrt(total);
}

void HostLearner::apply_gradient(double norm) {
  ++optimiser_steps_;
  const auto steps = static_cast<double>(optimiser_steps_);
  const double limit = optimiser_.grad_norm_max;
  const double lr = learning_rate();
  published_.reset();
  const bool is_shared = store_.use_count() > 1;
  std::shared_ptr<WeightStore> target = store_;
  if (is_shared) {
    const bool is_spare_free = spare_ && spare_.use_count() == 1;
    // What its last reader read, perhaps on another thread, happened before we write.
    std::atomic_thread_fence(std::memory_order_acquire);
    target = is_spare_free ? spare_ : std::make_shared<WeightStore>(layout_);
  }
  AdamStep step;
  step.gradient_scale = static_cast<float>(limit > 0 && norm > limit ? limit / norm : 1.0);
  step.beta1 = static_cast<float>(optimiser_.beta1);
  step.beta2 = static_cast<float>(optimiser_.beta2);
  step.step_size = static_cast<float>(lr / (1 - std::pow(optimiser_.beta1, steps)));
  step.second_correction = static_cast<float>(1 / (1 - std::pow(optimiser_.beta2, steps)));
  step.eps = static_cast<float>(optimiser_.eps);
  pool_->run(layout_->tensors.size(), [&](std::size_t index, unsigned) {
    const TensorPlace& place = layout_->tensors[index];
    const bool is_matrix =
        place.kind == TensorKind::kMatrix || place.kind == TensorKind::kResidualMatrix;
    AdamStep own = step;
    own.decay = is_matrix ? static_cast<float>(lr * optimiser_.weight_decay) : 0.0f;
    own.weights_out = target->arena() + place.offset;
    own.weights = store_->arena() + place.offset;
    own.first = first_moment_.get() + place.offset;
    own.second = second_moment_.get() + place.offset;
    own.gradient = gradient_.get() + place.offset;
    own.size = place.rows * place.stride;
    transformer_.kernels().adam(own);
  });
  target->pack(*pool_);
  if (is_shared) spare_ = std::exchange(store_, std::move(target));
}

std::shared_ptr<const Weights> HostLearner::publish() {
  if (!published_) published_ = std::make_shared<HostWeights>(store_, version_);
  return published_;
}

void HostLearner::reset_optimiser(const OptimiserOptions& options) {
  optimiser_ = options;
  optimiser_steps_ = schedule_updates_ = 0;
  first_moment_.clear();
  second_moment_.clear();
}

void HostLearner::set_version(PolicyVersion version) {
  version_ = version;
  published_.reset();
}

Result<void> HostLearner::save(const std::string& folder) const {
  // Everything is written beside the target and renamed last, so that a folder that exists is
  // whole: an older one is moved aside in one step before its files go.
  const std::string draft = folder + ".tmp";
  std::error_code failure;
  std::filesystem::remove_all(draft, failure);
  if (auto made = make_folders(draft); !made) return made;
  const auto floats = [](const float* arena, std::size_t size) {
    return std::span<float>(const_cast<float*>(arena), size);  // only read below
  };
  const std::size_t size = layout_->arena_size;
  const NamedArena weights[] = {{"", floats(store_->arena(), size)}};
  const NamedArena moments[] = {{"first.", floats(first_moment_.get(), size)},
                                {"second.", floats(second_moment_.get(), size)}};
  if (auto done = write_arenas(draft + "/" + kModelFile, *layout_, weights); !done) return done;
  if (auto done = write_arenas(draft + "/" + kOptimiserFile, *layout_, moments); !done) return done;
  const LearnerState state{layout_->config, version_, optimiser_steps_, schedule_updates_};
  if (auto done = write_learner_state(draft, state); !done) return done;
  const std::string older = folder + ".old";
  std::filesystem::remove_all(older, failure);
  if (::rename(folder.c_str(), older.c_str()) != 0 && errno != ENOENT) {
    return errno_error("rename", folder);
  }
  if (::rename(draft.c_str(), folder.c_str()) != 0) return errno_error("rename", draft);
  std::filesystem::remove_all(older, failure);
  const std::string parent = std::filesystem::path(folder).parent_path().string();
  return sync_folder(parent.empty() ? "." : parent);
}

Result<void> HostLearner::restore(const std::string& folder) {
  const auto state = read_learner_state(folder);
  if (!state) return state.error();
  if (!(state->config == layout_->config)) {
    return Error{ErrorCode::kCorrupt, folder + "/" + kLearnerFile + ": describes another model",
                 "restore it with the model it was saved from", "", ""};
  }
  auto store = std::make_shared<WeightStore>(layout_);
  FloatBuffer first(layout_->arena_size), second(layout_->arena_size);
  const NamedArena weights[] = {{"", {store->arena(), layout_->arena_size}}};
  const NamedArena moments[] = {{"first.", first.span()}, {"second.", second.span()}};
  if (auto done = read_arenas(folder + "/" + kModelFile, *layout_, weights); !done) return done;
  if (auto done = read_arenas(folder + "/" + kOptimiserFile, *layout_, moments); !done) return done;
  store->pack(*pool_);
  store_ = std::move(store);
  first_moment_ = std::move(first);
  second_moment_ = std::move(second);
  version_ = state->version;
  optimiser_steps_ = state->optimiser_steps;
  schedule_updates_ = state->schedule_updates;
  published_.reset();
  return {};
}

}  // namespace assay::gpu::host
