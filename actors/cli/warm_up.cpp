#include "actors/cli/warm_up.h"

#include <chrono>
#include <filesystem>

#include "runtime/core/check.h"
#include "runtime/core/file.h"
#include "runtime/core/limits.h"

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

constexpr const char* kDigestName = "weights.sha256";
constexpr std::chrono::seconds kSavePause{10};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// With the digest beside the weights, so that a bit that flips later is found out.
Result<void> save_sealed(gpu::Learner& learner, const std::string& folder) {
  if (auto saved = learner.save(folder); !saved) return saved.error();
  return write_file_durably(folder + "/" + kDigestName, learner.publish()->digest().hex() + "\n");
}

Result<void> restore_sealed(gpu::Learner& learner, const std::string& folder) {
  const std::string path = folder + "/" + kDigestName;
  const Result<std::string> text = read_file(path, limits::kConfigBytesMax);
  if (!text) return text.error();
  if (auto restored = learner.restore(folder); !restored) return restored.error();
  if (*text == learner.publish()->digest().hex() + "\n") return {};
  return Error{ErrorCode::kCorrupt, folder + ": the weights are not those of " + path, {}, {}, {}};
}

// One warm-up on its way to a base policy.
class WarmUp {
 public:
  WarmUp(const RunSetup& setup, std::string folder, const WarmUpListener& listener)
      : setup_(setup), folder_(std::move(folder)), listener_(listener) {}

  Result<WarmUpOutcome> make(const std::atomic<bool>& interrupt) {
    const auto start = std::chrono::steady_clock::now();
    if (auto made = make_learner(); !made) return made.error();
    if (is_there(folder_)) {
      outcome_.is_cached = true;
      return outcome_;
    }
    const bool is_trained = setup_.config.sft.steps > 0;
    if (is_trained && is_there(cached())) {
      outcome_.is_cached = true;
    } else if (is_trained) {
      if (auto trained = train(interrupt); !trained) return trained.error();
      if (outcome_.is_interrupted) return outcome_;
    }
    if (auto kept = keep(); !kept) return kept.error();
    outcome_.wall_s = seconds_since(start);
    return outcome_;
  }

 private:
  Result<void> make_learner() {
    gpu::OptimiserOptions optimiser = setup_.config.sft.optim;
    optimiser.total_updates = setup_.config.sft.steps;
    Result<std::unique_ptr<gpu::Learner>> learner = make_run_learner(setup_, optimiser);
    if (!learner) return learner.error();
    learner_ = std::move(*learner);
    return {};
  }

  std::string part() const { return folder_ + ".part"; }
  // Empty when there is no cache.
  std::string cached() const {
    const std::string& cache = setup_.config.sft.cache_dir;
    return cache.empty() ? "" : cache + "/base-" + setup_.warm_up_sha256.hex().substr(0, 16);
  }

  // Restores what the folder holds. A damaged one is passed over; the learner starts afresh.
  bool is_there(const std::string& folder) {
    if (folder.empty() || !path_exists(folder)) return false;
    const Result<void> restored = restore_sealed(*learner_, folder);
    if (restored) return true;
    listener_.tell("passed over: " + restored.error().message);
    const Result<void> made = make_learner();
    ASSAY_CHECK(made, "a learner that could be made once can be made again");
    return false;
  }

  // Its version counts the steps done.
  Result<void> train(const std::atomic<bool>& interrupt) {
    if (is_there(part())) {
      listener_.tell("warm-up goes on at step " + std::to_string(learner_->version().value));
    }
    const auto start = std::chrono::steady_clock::now();
    auto saved_at = start;
    std::uint64_t tokens = 0;
    const std::uint64_t steps = setup_.config.sft.steps;
    for (std::uint64_t step = learner_->version().value; step < steps; ++step) {
      const bool is_save_due = std::chrono::steady_clock::now() - saved_at > kSavePause;
      if (interrupt || is_save_due) {
        if (auto saved = save_sealed(*learner_, part()); !saved) return saved.error();
        saved_at = std::chrono::steady_clock::now();
      }
      outcome_.is_interrupted = interrupt;
      if (outcome_.is_interrupted) return {};
      const wire::TrainBatch batch = make_batch(setup_, step);
      Result<gpu::UpdateReport> report = learner_->update(batch, supervised_options());
      if (!report) return report.error();
      tokens += batch.token_count();
      outcome_.final_loss = report->loss;
      listener_.progress(
          {step + 1, steps, report->loss, static_cast<double>(tokens) / seconds_since(start)});
    }
    return {};
  }

  // A cache that cannot be written costs time some day, not this run.
  void keep_for_later_runs() {
    if (cached().empty()) return;
    Result<void> kept = make_folders(setup_.config.sft.cache_dir);
    if (kept) kept = save_sealed(*learner_, cached());
    if (!kept) listener_.tell("warm-up not kept for later runs: " + kept.error().message);
  }

  Result<void> keep() {
    gpu::OptimiserOptions fresh = setup_.config.learner.optim;
    fresh.total_updates = setup_.config.max_steps;
    learner_->reset_optimiser(fresh);
    learner_->set_version(PolicyVersion{0});
    if (setup_.config.sft.steps > 0 && !outcome_.is_cached) keep_for_later_runs();
    if (auto saved = save_sealed(*learner_, folder_); !saved) return saved.error();
    std::error_code ignored;
    std::filesystem::remove_all(part(), ignored);
    return {};
  }

  const RunSetup& setup_;
  std::string folder_;
  const WarmUpListener& listener_;
  WarmUpOutcome outcome_;
  std::unique_ptr<gpu::Learner> learner_;
};

}  // namespace

Result<WarmUpOutcome> make_base_policy(const RunSetup& setup, const std::string& folder,
                                       const WarmUpListener& listener,
                                       const std::atomic<bool>& interrupt) {
  return WarmUp(setup, folder, listener).make(interrupt);
}

}  // namespace assay::cli
