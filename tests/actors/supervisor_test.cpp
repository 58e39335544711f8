// The supervisor with a real team: workers that die, groups that cannot be drawn, a learner that
// fails.
#include "actors/supervisor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>

#include "actors/cli/run_setup.h"
#include "runtime/core/digest.h"
#include "runtime/core/file.h"
#include "runtime/store/ledger_checker.h"
#include "tests/support/temporary_folder.h"

namespace assay::actors {
namespace {

// Judges by a coin that the completion is; throws, as no verifier may, when told to.
class FaultyVerifier final : public verifiers::Verifier {
 public:
  // Dies at every `period`-th call, at most `deaths_max` times; period 0: never.
  FaultyVerifier(std::uint64_t period, std::uint64_t deaths_max, bool does_score = true)
      : period_(period), deaths_max_(deaths_max), does_score_(does_score) {}

  wire::Verdict verify(const wire::Prompt&, std::string_view completion) const override {
    const std::uint64_t call = ++calls_;
    if (period_ > 0 && call % period_ == 0 && deaths_ < deaths_max_) {
      ++deaths_;
      throw std::runtime_error("a verifier broke its word");
    }
    const Digest judged = sha256(completion);
    wire::Verdict verdict =
        !does_score_ ? wire::Verdict::unscored(wire::VerdictCode::kJudgeUnavailable, "no coin")
        : judged.bytes[0] % 2 == 0
            ? wire::Verdict::correct("heads")
            : wire::Verdict::incorrect(wire::VerdictCode::kWrongAnswer, "tails");
    verdict.judged = judged;
    return verdict;
  }
  std::string identity() const override { return "faulty/1"; }

  std::uint64_t deaths() const { return deaths_; }

 private:
  std::uint64_t period_, deaths_max_;
  bool does_score_;
  mutable std::atomic<std::uint64_t> calls_ = 0, deaths_ = 0;
};

Error engine_error() {
  return {ErrorCode::kUnavailable, "the engine is broken", "", {}, {}};
}

// How often an engine fails, counted over all its replacements.
struct Faults {
  std::uint64_t period = 0, failures_max = 0;  // period 0: never
  std::atomic<std::uint64_t> calls = 0, failures = 0;

  bool is_due() {
    const bool is_hit = period > 0 && ++calls % period == 0 && failures < failures_max;
    if (is_hit) ++failures;
    return is_hit;
  }
};

// A real generator whose advance() fails, or throws as none may, when its faults say so.
class FaultyGenerator final : public gpu::Generator {
 public:
  FaultyGenerator(std::unique_ptr<gpu::Generator> real, std::shared_ptr<Faults> faults)
      : real_(std::move(real)), faults_(std::move(faults)) {}

  Result<std::vector<wire::Rollout>> advance() override {
    if (!faults_->is_due()) return real_->advance();
    if (faults_->failures % 2 == 0) throw std::runtime_error("an engine broke its word");
    return engine_error();
  }
  Result<void> submit(gpu::GenerationRequest request) override {
    return real_->submit(std::move(request));
  }
  void set_weights(std::shared_ptr<const gpu::Weights> weights) override {
    real_->set_weights(std::move(weights));
  }
  void cancel(GroupId group) override { real_->cancel(group); }
  std::size_t running_sequences() const override { return real_->running_sequences(); }
  std::size_t queued_sequences() const override { return real_->queued_sequences(); }
  std::size_t cache_bytes() const override { return real_->cache_bytes(); }
  gpu::GeneratorCounters counters() const override { return real_->counters(); }

 private:
  std::unique_ptr<gpu::Generator> real_;
  std::shared_ptr<Faults> faults_;
};

// A real learner whose update() fails when its faults say so.
class FaultyLearner final : public gpu::Learner {
 public:
  FaultyLearner(std::unique_ptr<gpu::Learner> real, std::shared_ptr<Faults> faults)
      : real_(std::move(real)), faults_(std::move(faults)) {}

  Result<gpu::UpdateReport> update(const wire::TrainBatch& batch,
                                   const gpu::UpdateOptions& options) override {
    if (faults_->is_due()) return engine_error();
    return real_->update(batch, options);
  }
  Result<gpu::TokenScores> score(std::span<const wire::TokenId> tokens,
                                 std::span<const std::uint32_t> offsets,
                                 const gpu::SamplingOptions& sampling) override {
    return real_->score(tokens, offsets, sampling);
  }
  void set_reference(std::shared_ptr<const gpu::Weights> reference) override {
    real_->set_reference(std::move(reference));
  }
  std::shared_ptr<const gpu::Weights> publish() override { return real_->publish(); }
  PolicyVersion version() const override { return real_->version(); }
  void reset_optimiser(const gpu::OptimiserOptions& options) override {
    real_->reset_optimiser(options);
  }
  void set_version(PolicyVersion version) override { real_->set_version(version); }
  Result<void> save(const std::string& folder) const override { return real_->save(folder); }
  Result<void> restore(const std::string& folder) override { return real_->restore(folder); }

 private:
  std::unique_ptr<gpu::Learner> real_;
  std::shared_ptr<Faults> faults_;
};

std::shared_ptr<Faults> faults(std::uint64_t period, std::uint64_t failures_max) {
  auto made = std::make_shared<Faults>();
  made->period = period;
  made->failures_max = failures_max;
  return made;
}

// An arm of a few updates with a policy of a few thousand weights.
class SupervisedArm : public ::testing::Test {
 protected:
  Result<ArmOutcome> run(std::shared_ptr<const FaultyVerifier> verifier) {
    cli::RunConfig config;
    config.run_name = "supervised";
    config.max_steps = 6;
    config.seq_len = 32;
    config.is_deterministic = is_deterministic_;
    config.model.shape.hidden_size = 16;
    config.model.shape.layer_count = 1;
    config.model.shape.head_count = 1;
    config.model.shape.kv_head_count = 1;
    config.model.shape.head_size = 16;
    config.model.shape.ffn_size = 32;
    config.learner.threads = 1;
    config.generator.replicas = generator_count_;
    config.curator.batch_size = 4;
    config.curator.group_size = 4;
    config.generator.sampling.max_completion_tokens = 12;
    cli::SourceSettings source;
    source.name = source.task = "arithmetic";
    source.verifier = "chain";
    config.curator.train = {source};
    cli::VerifierSettings chain;
    chain.name = chain.type = "chain";
    chain.replicas = 2;
    config.verifiers = {chain};
    Result<cli::RunSetup> setup = cli::make_run_setup({config, config::Resolved({})});
    if (!setup) return setup.error();
    setup->model.context_size = context_size_;
    setup->verifiers["chain"] = std::move(verifier);
    if (!is_resume_) ++arm_count_;
    return run_in(*setup, folder_.path("arm" + std::to_string(arm_count_)));
  }

  Result<ArmOutcome> run_in(const cli::RunSetup& setup, const std::string& folder) {
    const store::RunPaths paths(folder);
    Result<ArmOptions> options = cli::make_arm_options(setup, paths, "true", 0.5, is_resume_);
    if (!options) return options.error();
    break_engines(*options);
    options->status_socket.clear();
    options->rollouts_folder.clear();
    if (auto made = make_folders(options->checkpoints_folder); !made) return made.error();
    Result<telemetry::LogFolder> logs =
        telemetry::LogFolder::create(folder, telemetry::LogLevel::kInfo);
    if (!logs) return logs.error();
    log_path_ = logs->path() + "/supervisor.log";
    options->logs = std::make_shared<const telemetry::LogFolder>(std::move(*logs));
    Result<std::unique_ptr<gpu::Learner>> base = cli::make_run_learner(setup, options->optimiser);
    if (!base) return base.error();
    if (!is_resume_) {
      if (auto saved = (*base)->save(options->base_folder); !saved) return saved.error();
    }
    const std::atomic<bool> interrupt = false;
    ledger_path_ = options->ledger_path;
    return run_arm(*options, {}, interrupt);
  }

  void break_engines(ArmOptions& options) {
    options.make_generator = [real = options.make_generator, faults = generator_faults_,
                              pause = generator_pause_](std::shared_ptr<const gpu::Weights> weights)
        -> Result<std::unique_ptr<gpu::Generator>> {
      std::this_thread::sleep_for(pause);
      auto made = real(std::move(weights));
      if (!made) return made.error();
      return std::unique_ptr<gpu::Generator>(new FaultyGenerator(std::move(*made), faults));
    };
    options.make_learner = [real = options.make_learner,
                            faults = learner_faults_]() -> Result<std::unique_ptr<gpu::Learner>> {
      auto made = real();
      if (!made) return made.error();
      return std::unique_ptr<gpu::Learner>(new FaultyLearner(std::move(*made), faults));
    };
  }

  void expect_clean_ledger() const {
    Result<store::LedgerReader> reader = store::LedgerReader::open(ledger_path_);
    ASSERT_TRUE(reader);
    const Result<store::CheckReport> report = store::check_ledger(*reader, {});
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->is_clean());
    EXPECT_TRUE(report->is_finished);
  }

  std::string supervisor_log() const { return *read_file(log_path_, 1 << 20); }

  assay::testing::TemporaryFolder folder_;
  std::string log_path_, ledger_path_;
  std::uint32_t context_size_ = 32;
  bool is_deterministic_ = false, is_resume_ = false;
  std::uint32_t generator_count_ = 1;
  std::chrono::milliseconds generator_pause_{0};  // that making one takes
  std::shared_ptr<Faults> generator_faults_ = faults(0, 0), learner_faults_ = faults(0, 0);
  int arm_count_ = 0;
};

TEST_F(SupervisedArm, ADeadVerifierIsReplacedAndItsWorkDoneAgain) {
  const auto faulty = std::make_shared<const FaultyVerifier>(20, 3);

  const Result<ArmOutcome> outcome = run(faulty);

  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(faulty->deaths(), 3u);
  EXPECT_EQ(outcome->steps, 6u);
  EXPECT_EQ(outcome->lost_workers, 0u);
  EXPECT_TRUE(outcome->accounting.is_closed());
  EXPECT_EQ(outcome->accounting.open, 0u);
  EXPECT_NE(supervisor_log().find("; restart "), std::string::npos) << supervisor_log();
  expect_clean_ledger();
}

TEST_F(SupervisedArm, DeathsDoNotChangeADeterministicArm) {
  is_deterministic_ = true;
  const Result<ArmOutcome> calm = run(std::make_shared<const FaultyVerifier>(0, 0));
  const Result<ArmOutcome> stormy = run(std::make_shared<const FaultyVerifier>(25, 4));

  ASSERT_TRUE(calm && stormy);
  EXPECT_EQ(calm->weights, stormy->weights);
  expect_clean_ledger();
}

TEST_F(SupervisedArm, ABrokenGeneratorIsReplacedAndItsGroupsAreDrawnAgain) {
  generator_count_ = 2;
  generator_faults_ = faults(9, 3);

  const Result<ArmOutcome> outcome = run(std::make_shared<const FaultyVerifier>(0, 0));

  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(generator_faults_->failures, 3u);
  EXPECT_EQ(outcome->steps, 6u);
  EXPECT_EQ(outcome->lost_workers, 0u);
  EXPECT_TRUE(outcome->accounting.is_closed());
  EXPECT_NE(supervisor_log().find("the engine is broken"), std::string::npos) << supervisor_log();
  expect_clean_ledger();
}

// As long as no group is given up: that takes three generators dying of it.
TEST_F(SupervisedArm, BrokenGeneratorsDoNotChangeADeterministicArm) {
  is_deterministic_ = true;
  generator_count_ = 2;
  const Result<ArmOutcome> calm = run(std::make_shared<const FaultyVerifier>(0, 0));
  generator_faults_ = faults(9, 2);
  const Result<ArmOutcome> stormy = run(std::make_shared<const FaultyVerifier>(0, 0));

  ASSERT_TRUE(calm && stormy);
  EXPECT_EQ(generator_faults_->failures, 2u);
  EXPECT_FALSE(stormy->accounting.dropped.contains(wire::DropReason::kGeneratorGaveUp));
  EXPECT_EQ(calm->weights, stormy->weights);
  expect_clean_ledger();
}

TEST_F(SupervisedArm, GeneratorsThatBreakEveryTimeAreGivenUpAndTheArmSaysSo) {
  generator_faults_ = faults(1, 1000);

  const Result<ArmOutcome> outcome = run(std::make_shared<const FaultyVerifier>(0, 0));

  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message.find("the last worker of pool generator died"),
            std::string::npos)
      << outcome.error().message;
}

TEST_F(SupervisedArm, AFailingLearnerEndsTheArmAndResumingGoesOnAsIfNothingHadBeen) {
  is_deterministic_ = true;
  const Result<ArmOutcome> calm = run(std::make_shared<const FaultyVerifier>(0, 0));
  learner_faults_ = faults(4, 1);
  const Result<ArmOutcome> broken = run(std::make_shared<const FaultyVerifier>(0, 0));
  is_resume_ = true;
  const Result<ArmOutcome> resumed = run(std::make_shared<const FaultyVerifier>(0, 0));

  ASSERT_TRUE(calm && resumed);
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().message, "the engine is broken");
  EXPECT_EQ(resumed->steps, 6u);
  EXPECT_EQ(calm->weights, resumed->weights);
  expect_clean_ledger();
}

// What was complete before is trained on at once: by the time the generator is there, versions
// exist that it was not made with, and open groups are pinned to them.
TEST_F(SupervisedArm, AGeneratorThatTakesLongToStartMissesNoVersion) {
  is_deterministic_ = true;
  const Result<ArmOutcome> calm = run(std::make_shared<const FaultyVerifier>(0, 0));
  learner_faults_ = faults(2, 1);
  const Result<ArmOutcome> broken = run(std::make_shared<const FaultyVerifier>(0, 0));
  is_resume_ = true;
  generator_pause_ = std::chrono::milliseconds(300);
  const Result<ArmOutcome> resumed = run(std::make_shared<const FaultyVerifier>(0, 0));

  ASSERT_TRUE(calm && !broken && resumed);
  EXPECT_EQ(calm->weights, resumed->weights);
}

TEST_F(SupervisedArm, VerifiersThatDieEveryTimeAreGivenUpAndTheArmSaysSo) {
  const Result<ArmOutcome> outcome = run(std::make_shared<const FaultyVerifier>(1, 1000));

  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(outcome.error().message.find("the last worker of pool chain died"), std::string::npos)
      << outcome.error().message;
  EXPECT_NE(supervisor_log().find("is given up"), std::string::npos);
}

TEST_F(SupervisedArm, AJudgeThatNeverScoresEndsTheArmInsteadOfDrawingForEver) {
  const Result<ArmOutcome> outcome = run(std::make_shared<const FaultyVerifier>(0, 0, false));

  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message.find("groups in a row came to nothing"), std::string::npos)
      << outcome.error().message;
}

TEST_F(SupervisedArm, AGroupThatCannotBeDrawnIsDroppedAndTheRunGoesOn) {
  // Prompts of 2 to 5 operands have 5, 7, 9 and 11 characters; with 12 for the completion the
  // longest do not fit.
  context_size_ = 22;

  const Result<ArmOutcome> outcome = run(std::make_shared<const FaultyVerifier>(0, 0));

  ASSERT_TRUE(outcome) << outcome.error().message;
  EXPECT_EQ(outcome->steps, 6u);
  EXPECT_GT(outcome->accounting.dropped.at(wire::DropReason::kGeneratorGaveUp), 0u);
  EXPECT_TRUE(outcome->accounting.is_closed());
  expect_clean_ledger();
}

TEST_F(SupervisedArm, WhenNoGroupCanBeDrawnTheArmEndsWithTheReason) {
  context_size_ = 12;

  const Result<ArmOutcome> outcome = run(std::make_shared<const FaultyVerifier>(0, 0));

  ASSERT_FALSE(outcome);
  EXPECT_NE(outcome.error().message.find("groups in a row came to nothing"), std::string::npos)
      << outcome.error().message;
}

}  // namespace
}  // namespace assay::actors
