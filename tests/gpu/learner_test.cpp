// The learner: its optimiser, its report, what it refuses, and its checkpoints.
#include "gpu/learner.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "gpu/host/host_learner.h"
#include "tests/gpu/engine_tools.h"
#include "tests/support/temporary_folder.h"

namespace assay::gpu {
namespace {

using ::testing::HasSubstr;

TEST(Learner, ABadBatchIsRefusedAndChangesNothing) {
  auto learner = learner_of(tiny_config(), 1, 1);
  Rng rng(1);
  wire::TrainBatch batch = random_batch(tiny_config(), 3, rng);
  const Digest before = learner->publish()->digest();
  wire::TrainBatch foreign = batch, ragged = batch, masked = batch;
  foreign.tokens[2] = 18;
  ragged.advantages.pop_back();
  masked.mask[0] = 1;

  for (const auto* bad : {&foreign, &ragged, &masked}) {
    const auto refused = learner->update(*bad, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidInput);
  }
  EXPECT_EQ(learner->publish()->digest(), before);
}

TEST(Learner, AGradientThatIsNotFiniteIsSkippedAndCounted) {
  auto learner = learner_of(tiny_config(), 2, 1);
  Rng rng(1);
  wire::TrainBatch batch = random_batch(tiny_config(), 3, rng);
  batch.mask[1] = 1;
  batch.advantages[1] = std::numeric_limits<float>::infinity();
  const Digest before = learner->publish()->digest();

  const auto report = learner->update(batch, supervised());

  ASSERT_TRUE(report);
  EXPECT_EQ(report->skipped_steps, 1u);
  EXPECT_EQ(learner->publish()->digest(), before);
}

TEST(Learner, ABadStepLeavesNoTrace) {
  // A gradient of NaNs goes through every buffer; the steps after it are those of a learner that
  // never saw it, moments and bias corrections included.
  for (const bool has_norms : {false, true}) {
    model::ModelConfig config = tiny_config();
    config.head_size = 6;  // rows with padding
    config.hidden_size = 25;
    config.has_qk_norm = config.has_qkv_bias = has_norms;
    auto spoiled = learner_of(config, 2, 1), clean = learner_of(config, 2, 1);
    Rng rng(4);
    wire::TrainBatch bad = random_batch(config, 90, rng);
    for (std::size_t t = 0; t < bad.token_count(); ++t) {
      bad.advantages[t] = std::numeric_limits<float>::quiet_NaN();
    }
    const wire::TrainBatch first = random_batch(config, 20, rng),
                           second = random_batch(config, 40, rng);

    ASSERT_TRUE(spoiled->update(first, supervised()));
    ASSERT_TRUE(clean->update(first, supervised()));
    EXPECT_EQ(spoiled->update(bad, supervised())->skipped_steps, 1u);
    EXPECT_EQ(spoiled->update(second, supervised())->skipped_steps, 0u);
    ASSERT_TRUE(clean->update(second, supervised()));

    EXPECT_EQ(spoiled->publish()->digest(), clean->publish()->digest());
    EXPECT_EQ(spoiled->version(), PolicyVersion{3});
  }
}

TEST(Learner, AnEmptyBatchTeachesNothing) {
  auto learner = learner_of(tiny_config(), 1, 1);
  const Digest before = learner->publish()->digest();
  wire::TrainBatch batch;
  batch.offsets = {0};
  const auto report = learner->update(batch, {});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->trained_tokens, 0u);
  EXPECT_EQ(report->loss, 0);
  EXPECT_EQ(learner->publish()->digest(), before);
  Rng rng(1);
  batch = random_batch(tiny_config(), 3, rng);
  std::fill(batch.mask.begin(), batch.mask.end(), std::uint8_t{0});
  ASSERT_TRUE(learner->update(batch, {}));
  EXPECT_EQ(learner->publish()->digest(), before);
}

// A learner whose weights and gradient can be read.
host::HostLearner open_learner(const model::ModelConfig& config,
                               const OptimiserOptions& optimiser) {
  return host::HostLearner(std::make_shared<const host::Layout>(*host::make_layout(config)),
                           optimiser, 1, std::make_shared<host::ThreadPool>(2),
                           host::best_kernels());
}

std::vector<double> weights_of(const host::HostLearner& learner) {
  const float* arena = learner.weights().arena();
  return {arena, arena + learner.weights().layout().arena_size};
}

TEST(Optimiser, StepsAreAdamWOfTheClippedGradientWithTheScheduledRate) {
  model::ModelConfig config = tiny_config();
  config.has_qkv_bias = config.has_qk_norm = true;
  config.head_size = 6;  // biases of 24, 12 and 12 numbers without gaps between them
  OptimiserOptions o;
  o.lr = 1e-2;
  o.beta1 = 0.8;
  o.beta2 = 0.9;
  o.eps = 1e-6;
  o.weight_decay = 0.3;
  o.grad_norm_max = 0.05;
  o.schedule = OptimiserOptions::Schedule::kCosine;
  o.warmup_updates = 2;
  o.total_updates = 6;
  host::HostLearner learner = open_learner(config, o);
  const std::size_t size = learner.weights().layout().arena_size;
  std::vector<double> first(size), second(size);
  Rng rng(2);
  for (int step = 1; step <= 4; ++step) {
    std::vector<double> expected = weights_of(learner);
    const UpdateReport report = *learner.update(random_batch(config, 10, rng), supervised());
    // Half the way up, then the peak, then a quarter and a half of the cosine.
    const double rates[] = {0.5, 1, 0.5 * (1 + std::cos(std::acos(-1.0) / 4)), 0.5};
    const double lr = 1e-2 * rates[step - 1];
    EXPECT_NEAR(report.lr, lr, 1e-12);

    double norm = 0;
    for (const float g : learner.gradient()) norm += double{g} * double{g};
    norm = std::sqrt(norm);
    EXPECT_NEAR(report.grad_norm, norm, 1e-6 * norm);  // before clipping
    ASSERT_GT(norm, o.grad_norm_max);
    for (const host::TensorPlace& place : learner.weights().layout().tensors) {
      const bool is_matrix = place.shape.size() == 2;
      for (std::size_t i = place.offset; i < place.offset + place.rows * place.stride; ++i) {
        const double g = double{learner.gradient()[i]} * o.grad_norm_max / norm;
        first[i] = o.beta1 * first[i] + (1 - o.beta1) * g;
        second[i] = o.beta2 * second[i] + (1 - o.beta2) * g * g;
        const double mean = first[i] / (1 - std::pow(o.beta1, step));
        const double square = second[i] / (1 - std::pow(o.beta2, step));
        if (is_matrix) expected[i] -= lr * o.weight_decay * expected[i];
        expected[i] -= lr * mean / (std::sqrt(square) + o.eps);
      }
    }
    const std::vector<double> seen = weights_of(learner);
    for (std::size_t i = 0; i < size; ++i) EXPECT_NEAR(seen[i], expected[i], 2e-6) << step;
  }
}

TEST(Optimiser, DecayShrinksMatricesAndSparesNormsAndBiases) {
  model::ModelConfig config = tiny_config();
  config.has_qkv_bias = config.has_qk_norm = true;
  OptimiserOptions optimiser;
  optimiser.lr = 0.5;
  optimiser.weight_decay = 0.1;
  host::HostLearner learner = open_learner(config, optimiser);
  auto& store = const_cast<host::WeightStore&>(learner.weights());
  for (const host::TensorPlace& place : store.layout().tensors) {
    for (std::size_t row = 0; row < place.rows; ++row) {
      std::fill_n(store.arena() + place.offset + row * place.stride, place.cols, 2.0f);
    }
  }
  Rng rng(1);
  wire::TrainBatch batch = random_batch(config, 3, rng);
  std::fill(batch.advantages.begin(), batch.advantages.end(), 0.0f);  // no gradient at all

  ASSERT_TRUE(learner.update(batch, supervised()));

  for (const host::TensorPlace& place : learner.weights().layout().tensors) {
    const bool is_matrix = place.shape.size() == 2;
    EXPECT_FLOAT_EQ(learner.weights().arena()[place.offset], is_matrix ? 1.9f : 2.0f) << place.name;
  }
}

TEST(Optimiser, SchedulesEndWhereTheySay) {
  using Schedule = OptimiserOptions::Schedule;
  Rng rng(1);
  const wire::TrainBatch batch = random_batch(tiny_config(), 2, rng);
  const auto rates = [&](Schedule schedule, std::uint64_t warmup, std::uint64_t total) {
    OptimiserOptions optimiser;
    optimiser.lr = 1;
    optimiser.schedule = schedule;
    optimiser.warmup_updates = warmup;
    optimiser.total_updates = total;
    optimiser.lr_min_fraction = 0.2;
    auto learner = learner_of(tiny_config(), 1, 1, optimiser);
    std::vector<double> seen;
    for (std::uint64_t i = 0; i < 6; ++i) seen.push_back(learner->update(batch, supervised())->lr);
    return seen;
  };
  const auto near = [](const std::vector<double>& values) {
    std::vector<::testing::Matcher<double>> matchers;
    for (const double value : values) matchers.push_back(::testing::DoubleNear(value, 1e-12));
    return ::testing::ElementsAreArray(matchers);
  };
  EXPECT_THAT(rates(Schedule::kConstant, 4, 5), near({0.25, 0.5, 0.75, 1, 1, 1}));
  // 0.2 + 0.8 * what is left: 3/4, 1/2, 1/4 and 0 after the peak, then the floor.
  EXPECT_THAT(rates(Schedule::kLinear, 1, 5), near({1, 0.8, 0.6, 0.4, 0.2, 0.2}));
  EXPECT_THAT(rates(Schedule::kCosine, 1, 5), near({1, 0.2 + 0.4 * (1 + std::sqrt(0.5)), 0.6,
                                                    0.2 + 0.4 * (1 - std::sqrt(0.5)), 0.2, 0.2}));
  EXPECT_THAT(rates(Schedule::kCosine, 9, 5),
              near({1. / 9, 2. / 9, 3. / 9, 4. / 9, 5. / 9, 6. / 9}));
}

TEST(Report, MeansAreThoseOfTheTrainedTokens) {
  const model::ModelConfig config = tiny_config();
  auto learner = learner_of(config, 2, 1);
  Rng rng(3);
  const wire::TrainBatch batch = random_batch(config, 80, rng);
  const TokenScores scores = *learner->score(batch.tokens, batch.offsets);
  double logprob = 0, entropy = 0, count = 0;
  for (std::size_t t = 0; t < batch.token_count(); ++t) {
    if (batch.mask[t] == 0) continue;
    logprob += scores.logprobs[t];
    entropy += scores.entropies[t];
    count += 1;
  }
  const UpdateReport report = *learner->update(batch, {});
  EXPECT_EQ(report.trained_tokens, count);
  EXPECT_NEAR(report.logprob, logprob / count, 1e-9);
  EXPECT_NEAR(report.entropy, entropy / count, 1e-9);
  EXPECT_FALSE(report.kl_reference_k3.has_value());
}

// Rollouts drawn by the learner's own weights, as a batch with advantages of +-1.
wire::TrainBatch own_batch(Learner& learner, const SamplingOptions& sampling) {
  auto generator = *make_generator({}, learner.publish(), {});
  GenerationRequest request = request_of(1, {1, 2, 3, 4}, 24, sampling.max_completion_tokens);
  request.sampling = sampling;
  EXPECT_TRUE(generator->submit(std::move(request)));
  wire::TrainBatch batch;
  batch.offsets.push_back(0);
  for (const wire::Rollout& rollout : run_all(*generator)) {
    const std::size_t prompt = rollout.prompt_tokens.size(), size = rollout.logprobs.size();
    const auto extend = [](auto& values, std::size_t count, auto value) {
      values.insert(values.end(), count, value);
    };
    for (const wire::TokenId token : rollout.prompt_tokens) batch.tokens.push_back(token);
    for (const wire::TokenId token : rollout.completion_tokens) batch.tokens.push_back(token);
    extend(batch.mask, prompt, std::uint8_t{0});
    extend(batch.mask, size, std::uint8_t{1});
    extend(batch.advantages, prompt + size, rollout.id.index % 2 ? 1.0f : -1.0f);
    extend(batch.weights, prompt + size, 1.0f);
    extend(batch.versions, prompt + size, 0u);
    extend(batch.logprobs_behaviour, prompt, 0.0f);
    batch.logprobs_behaviour.insert(batch.logprobs_behaviour.end(), rollout.logprobs.begin(),
                                    rollout.logprobs.end());
    batch.offsets.push_back(static_cast<std::uint32_t>(batch.tokens.size()));
  }
  return batch;
}

TEST(Update, FreshTokensCarryNoWeightAtAnyTemperature) {
  for (const float temperature : {1.0f, 0.5f, 1.6f}) {
    auto learner = learner_of(tiny_config(), 2, 3);
    SamplingOptions sampling;
    sampling.temperature = temperature;
    sampling.max_completion_tokens = 12;
    UpdateOptions options;
    options.temperature = temperature;

    const UpdateReport report = *learner->update(own_batch(*learner, sampling), options);

    EXPECT_EQ(report.importance_min, 1);
    EXPECT_EQ(report.importance_max, 1);
    EXPECT_EQ(report.kl_behaviour_k3, 0);
    EXPECT_EQ(report.ess, 1);
    EXPECT_EQ(report.ratio_max, 1);
  }
}

TEST(Update, ForgettingTheTemperatureShowsAsMismatch) {
  auto learner = learner_of(tiny_config(), 2, 3);
  SamplingOptions sampling;
  sampling.temperature = 0.5f;
  sampling.max_completion_tokens = 12;
  Rng rng(1);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(learner->update(random_batch(tiny_config(), 8, rng), supervised()));
  }
  const UpdateReport report = *learner->update(own_batch(*learner, sampling), {});
  EXPECT_GT(report.kl_behaviour_k3, 1e-4);
  EXPECT_LT(report.importance_min, 0.99);
}

TEST(Update, TruncatedSamplingNeverRaisesAWeightAboveOne) {
  // mu keeps a share Z of the mass, so old / mu = Z for every token that can be drawn.
  auto learner = learner_of(tiny_config(), 2, 3);
  SamplingOptions sampling;
  sampling.top_k = 5;
  sampling.max_completion_tokens = 12;
  const UpdateReport report = *learner->update(own_batch(*learner, sampling), {});
  EXPECT_LE(report.importance_max, 1.000001);
  EXPECT_LT(report.importance_mean, 0.5);  // five of eighteen nearly equal tokens
}

TEST(Update, GreedyCompletionsAreNotTrained) {
  auto learner = learner_of(tiny_config(), 1, 1);
  Rng rng(1);
  UpdateOptions options;
  options.temperature = 0;
  EXPECT_EQ(learner->update(random_batch(tiny_config(), 2, rng), options).error().code,
            ErrorCode::kInvalidInput);
}

TEST(Update, SeveralStepsClipAgainstTheWeightsTheUpdateBeganWith) {
  OptimiserOptions optimiser;
  optimiser.lr = 3e-2;
  auto learner = learner_of(tiny_config(), 2, 3, optimiser);
  SamplingOptions sampling;
  sampling.max_completion_tokens = 12;
  const wire::TrainBatch batch = own_batch(*learner, sampling);
  UpdateOptions options;
  options.epochs = 4;
  options.minibatches = 2;

  const UpdateReport report = *learner->update(batch, options);

  EXPECT_GT(report.ratio_max, 1.28);  // the later passes are off the weights at the start
  EXPECT_GT(report.clip_high_fraction, 0);
  EXPECT_GT(report.clip_low_fraction, 0);
  EXPECT_EQ(report.importance_max, 1);  // old / mu stays that of the start: fresh
  EXPECT_EQ(learner->version(), PolicyVersion{1});
}

TEST(Reference, KlFromItselfIsZeroAndFromAnEarlierPolicyIsNot) {
  auto learner = learner_of(tiny_config(), 2, 3);
  learner->set_reference(learner->publish());
  Rng rng(1);
  const UpdateReport first = *learner->update(random_batch(tiny_config(), 10, rng), {});
  EXPECT_EQ(first.kl_reference_k3, 0);
  EXPECT_EQ(first.kl_reference_k1, 0);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(learner->update(random_batch(tiny_config(), 10, rng), supervised()));
  }
  const UpdateReport later = *learner->update(random_batch(tiny_config(), 10, rng), {});
  EXPECT_GT(*later.kl_reference_k3, 1e-5);
  EXPECT_GT(*later.kl_reference_sequence, *later.kl_reference_k3);  // a sum over some 12 tokens
}

TEST(Reference, ThePenaltyKeepsThePolicyNear) {
  const auto distance = [](double coefficient) {
    OptimiserOptions optimiser;
    optimiser.lr = 3e-3;
    auto learner = learner_of(tiny_config(), 2, 3, optimiser);
    learner->set_reference(learner->publish());
    UpdateOptions options;
    options.loss.kl_coefficient = coefficient;
    UpdateReport report;
    SamplingOptions sampling;
    sampling.max_completion_tokens = 12;
    for (int i = 0; i < 30; ++i) report = *learner->update(own_batch(*learner, sampling), options);
    return *report.kl_reference_k3;
  };
  EXPECT_LT(distance(5), 0.5 * distance(0));
}

TEST(Reference, ACoefficientWithoutAReferenceIsRefused) {
  auto learner = learner_of(tiny_config(), 1, 1);
  Rng rng(1);
  UpdateOptions options;
  options.loss.kl_coefficient = 0.1;
  const auto refused = learner->update(random_batch(tiny_config(), 2, rng), options);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("reference"));
}

TEST(Checkpoint, ResumesBitExactly) {
  const testing::TemporaryFolder folder;
  const model::ModelConfig config = tiny_config();
  Rng rng(6);
  const wire::TrainBatch first = random_batch(config, 20, rng),
                         second = random_batch(config, 20, rng);
  auto learner = learner_of(config, 2, 1);
  ASSERT_TRUE(learner->update(first, supervised()));
  ASSERT_TRUE(learner->save(folder.path("checkpoint")));
  auto resumed = learner_of(config, 1, 2);
  ASSERT_TRUE(resumed->restore(folder.path("checkpoint")));

  EXPECT_EQ(resumed->version(), PolicyVersion{1});
  EXPECT_EQ(resumed->publish()->digest(), learner->publish()->digest());
  auto loaded = load_weights({}, folder.path("checkpoint"));
  ASSERT_TRUE(loaded);
  EXPECT_EQ((*loaded)->digest(), learner->publish()->digest());
  ASSERT_TRUE(learner->update(second, supervised()));
  ASSERT_TRUE(resumed->update(second, supervised()));
  EXPECT_EQ(resumed->publish()->digest(), learner->publish()->digest());
}

TEST(Checkpoint, ResumesAtAnyUpdateOfAScheduledRun) {
  const testing::TemporaryFolder folder;
  model::ModelConfig config = tiny_config();
  config.has_qkv_bias = config.has_qk_norm = true;
  config.has_tied_embeddings = false;
  OptimiserOptions optimiser;
  optimiser.lr = 1e-2;
  optimiser.schedule = OptimiserOptions::Schedule::kLinear;
  optimiser.warmup_updates = 2;
  optimiser.total_updates = 6;
  UpdateOptions options;
  options.epochs = 2;
  options.minibatches = 3;
  Rng rng(6);
  std::vector<wire::TrainBatch> batches;
  for (int i = 0; i < 6; ++i) batches.push_back(random_batch(config, 12, rng));
  auto whole = learner_of(config, 2, 1, optimiser);
  for (const wire::TrainBatch& batch : batches) ASSERT_TRUE(whole->update(batch, options));

  for (std::size_t stop = 0; stop <= 6; ++stop) {
    const std::string path = folder.path("step_" + std::to_string(stop));
    auto before = learner_of(config, 3, 1, optimiser);
    for (std::size_t i = 0; i < stop; ++i) ASSERT_TRUE(before->update(batches[i], options));
    ASSERT_TRUE(before->save(path));
    auto after = learner_of(config, 1, 77, optimiser);
    ASSERT_TRUE(after->restore(path));
    for (std::size_t i = stop; i < 6; ++i) ASSERT_TRUE(after->update(batches[i], options));
    EXPECT_EQ(after->publish()->digest(), whole->publish()->digest()) << stop;
    EXPECT_EQ(after->version(), PolicyVersion{6});
  }
}

TEST(Checkpoint, DamageIsNamedAndChangesNothing) {
  const testing::TemporaryFolder folder;
  auto learner = learner_of(tiny_config(), 1, 1);
  ASSERT_TRUE(learner->save(folder.path("good")));
  auto other = learner_of(tiny_config(), 1, 2);
  const Digest before = other->publish()->digest();
  const auto damaged = [&](const std::string& file, const auto& damage) {
    const std::string copy = folder.path("bad");
    std::filesystem::remove_all(copy);
    std::filesystem::copy(folder.path("good"), copy);
    damage(copy + "/" + file);
    const auto restored = other->restore(copy);
    EXPECT_FALSE(restored) << file;
    EXPECT_THAT(restored.error().message, HasSubstr(file));
    EXPECT_EQ(other->publish()->digest(), before);
    return restored.error().code;
  };
  const auto cut = [](const std::string& path) {
    std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  };
  const auto remove = [](const std::string& path) { std::filesystem::remove(path); };
  const auto blank = [](const std::string& path) { std::ofstream(path) << "{}"; };
  for (const char* file : {"model.safetensors", "optimiser.safetensors", "learner.json"}) {
    EXPECT_EQ(damaged(file, cut), ErrorCode::kCorrupt) << file;
    EXPECT_EQ(damaged(file, remove), ErrorCode::kNotFound) << file;
    EXPECT_EQ(damaged(file, blank), ErrorCode::kCorrupt) << file;
  }
  EXPECT_FALSE(load_weights({}, folder.path("bad")));
  EXPECT_FALSE(load_weights({}, folder.path("absent")));
}

TEST(Checkpoint, OfAnotherModelIsRefused) {
  const testing::TemporaryFolder folder;
  ASSERT_TRUE(learner_of(tiny_config(), 1, 1)->save(folder.path("tiny")));
  model::ModelConfig wider = tiny_config();
  wider.ffn_size = 64;
  auto learner = learner_of(wider, 1, 1);
  EXPECT_EQ(learner->restore(folder.path("tiny")).error().code, ErrorCode::kCorrupt);
}

TEST(Checkpoint, SavingAgainReplacesTheOlderOneAsAWhole) {
  const testing::TemporaryFolder folder;
  auto learner = learner_of(tiny_config(), 1, 1);
  ASSERT_TRUE(learner->save(folder.path("latest")));
  Rng rng(1);
  ASSERT_TRUE(learner->update(random_batch(tiny_config(), 3, rng), supervised()));
  ASSERT_TRUE(learner->save(folder.path("latest")));

  auto restored = learner_of(tiny_config(), 1, 2);
  ASSERT_TRUE(restored->restore(folder.path("latest")));
  EXPECT_EQ(restored->publish()->digest(), learner->publish()->digest());
  std::size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path("."))) {
    ++entries;
  }
  EXPECT_EQ(entries, 1u);  // neither a draft nor an older one is left
}

}  // namespace
}  // namespace assay::gpu
