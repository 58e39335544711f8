#include "actors/cli/warm_up.h"

#include <chrono>

namespace assay::cli {

namespace {

void append_demonstration(const text::Tokenizer& tokenizer, const dataset::Demonstration& shown,
                          wire::TrainBatch& batch) {
  const Result<std::vector<text::TokenId>> prompt = tokenizer.encode(shown.prompt);
  const Result<std::vector<text::TokenId>> completion = tokenizer.encode(shown.completion);
  ASSAY_CHECK(prompt && completion, "the task speaks the tokenizer's alphabet");
  const std::size_t trained = completion->size() + 1;  // and the end token
  batch.tokens.insert(batch.tokens.end(), prompt->begin(), prompt->end());
  batch.tokens.insert(batch.tokens.end(), completion->begin(), completion->end());
  batch.tokens.push_back(tokenizer.eos_token());
  batch.mask.insert(batch.mask.end(), prompt->size(), 0);
  batch.mask.insert(batch.mask.end(), trained, 1);
  batch.offsets.push_back(static_cast<std::uint32_t>(batch.tokens.size()));
}

wire::TrainBatch make_batch(const RunSetup& setup, std::uint64_t step) {
  const WarmUpSettings& sft = setup.config.sft;
  wire::TrainBatch batch;
  batch.offsets.push_back(0);
  for (std::uint32_t i = 0; i < sft.batch_size; ++i) {
    append_demonstration(
        *setup.tokenizer,
        setup.warm_up_task->demonstration(step * sft.batch_size + i, sft.chain_fraction), batch);
  }
  const std::size_t count = batch.token_count();
  batch.advantages.assign(count, 1.0f);
  batch.weights.assign(count, 1.0f);
  batch.logprobs_behaviour.assign(count, 0.0f);
  batch.versions.assign(count, 0);
  return batch;
}

gpu::UpdateOptions supervised_options() {
  gpu::UpdateOptions options;
  options.loss.surrogate = algo::Surrogate::kSupervised;
  options.loss.aggregation = algo::Aggregation::kTokenMean;
  options.loss.importance = algo::ImportanceCorrection::kNone;
  options.loss.is_decoupled = false;
  return options;
}

Result<void> train(const RunSetup& setup, gpu::Learner& learner,
                   const std::function<void(const WarmUpProgress&)>& progress,
                   const std::atomic<bool>& interrupt, WarmUpOutcome& outcome) {
  const auto start = std::chrono::steady_clock::now();
  std::uint64_t tokens = 0;
  const std::uint64_t steps = setup.config.sft.steps;
  for (std::uint64_t step = 0; step < steps && !interrupt; ++step) {
    const wire::TrainBatch batch = make_batch(setup, step);
    Result<gpu::UpdateReport> report = learner.update(batch, supervised_options());
    if (!report) return report.error();
    tokens += batch.token_count();
    outcome.final_loss = report->loss;
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    progress({step + 1, steps, report->loss, static_cast<double>(tokens) / seconds});
  }
  outcome.is_interrupted = interrupt;
  return {};
}

}  // namespace

Result<WarmUpOutcome> make_base_policy(const RunSetup& setup, const std::string& folder,
                                       const std::function<void(const WarmUpProgress&)>& progress,
                                       const std::atomic<bool>& interrupt) {
  WarmUpOutcome outcome;
  if (path_exists(folder)) {
    outcome.is_cached = true;
    return outcome;
  }
  gpu::OptimiserOptions optimiser = setup.config.sft.optim;
  optimiser.total_updates = setup.config.sft.steps;
  Result<std::unique_ptr<gpu::Learner>> learner = make_run_learner(setup, optimiser);
  if (!learner) return learner.error();
  const auto start = std::chrono::steady_clock::now();
  const std::string& cache = setup.config.sft.cache_dir;
  const std::string cached = cache + "/base-" + setup.warm_up_sha256.hex().substr(0, 16);
  if (!cache.empty() && setup.config.sft.steps > 0 && path_exists(cached)) {
    if (auto restored = (*learner)->restore(cached); !restored) return restored.error();
    outcome.is_cached = true;
  } else if (setup.config.sft.steps > 0) {
    if (auto trained = train(setup, **learner, progress, interrupt, outcome); !trained) {
      return trained.error();
    }
    if (outcome.is_interrupted) return outcome;
  }
  gpu::OptimiserOptions fresh = setup.config.learner.optim;
  fresh.total_updates = setup.config.max_steps;
  (*learner)->reset_optimiser(fresh);
  (*learner)->set_version(PolicyVersion{0});
  if (!cache.empty() && setup.config.sft.steps > 0 && !outcome.is_cached) {
    if (auto made = make_folders(cache); !made) return made.error();
    if (auto saved = (*learner)->save(cached); !saved) return saved.error();
  }
  if (auto saved = (*learner)->save(folder); !saved) return saved.error();
  outcome.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return outcome;
}

}  // namespace assay::cli
