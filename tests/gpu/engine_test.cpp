// The engine as a whole: exact against the double-precision reference, exact against itself.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <numeric>
#include <vector>

#include "gpu/backend.h"
#include "gpu/host/host_generator.h"
#include "gpu/host/host_learner.h"
#include "gpu/host/trainer.h"
#include "tests/gpu/reference.h"
#include "tests/gpu/small_models.h"
#include "tests/support/temporary_folder.h"

namespace assay::gpu {
namespace {

std::unique_ptr<Learner> learner_of(const model::ModelConfig& config, unsigned threads,
                                    std::uint64_t seed, OptimiserOptions optimiser = {}) {
  BackendOptions backend;
  backend.threads = threads;
  auto made = make_learner(backend, config, optimiser, seed);
  EXPECT_TRUE(made) << (made ? "" : made.error().message);
  return std::move(*made);
}

GenerationRequest request_of(std::uint64_t group, std::vector<wire::TokenId> prompt,
                             std::size_t size, std::uint32_t length) {
  GenerationRequest request;
  request.group = GroupId{group};
  request.prompt_tokens = std::move(prompt);
  for (std::uint32_t i = 0; i < size; ++i) {
    request.indices.push_back(i);
    request.seeds.push_back(group * 1000 + i);
  }
  request.sampling.max_completion_tokens = length;
  return request;
}

std::vector<wire::TokenId> random_tokens(std::size_t count, std::uint32_t vocab, Rng& rng) {
  std::vector<wire::TokenId> tokens;
  for (std::size_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<wire::TokenId>(rng.below(vocab)));
  }
  return tokens;
}

std::vector<wire::Rollout> run_all(Generator& generator) {
  std::vector<wire::Rollout> all;
  while (generator.running_sequences() + generator.queued_sequences() > 0) {
    auto finished = generator.advance();
    EXPECT_TRUE(finished);
    for (wire::Rollout& rollout : *finished) all.push_back(std::move(rollout));
  }
  return all;
}

std::vector<float> scores_of(Learner& learner, const wire::Rollout& rollout) {
  std::vector<wire::TokenId> tokens = rollout.prompt_tokens;
  tokens.insert(tokens.end(), rollout.completion_tokens.begin(), rollout.completion_tokens.end());
  const std::uint32_t offsets[] = {0, static_cast<std::uint32_t>(tokens.size())};
  auto scores = learner.score(tokens, offsets);
  EXPECT_TRUE(scores);
  return {scores->logprobs.begin() + static_cast<std::ptrdiff_t>(rollout.prompt_tokens.size()),
          scores->logprobs.end()};
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

UpdateOptions supervised() {
  UpdateOptions options;
  options.loss.surrogate = algo::Surrogate::kSupervised;
  return options;
}

TEST(Engine, LogprobsMatchTheDoublePrecisionReference) {
  const std::uint64_t seed = test_seed(11);
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  Rng rng(seed);
  host::ThreadPool pool(2);
  for (int round = 0; round < 12; ++round) {
    auto layout = std::make_shared<const host::Layout>(*host::make_layout(random_config(rng)));
    host::WeightStore store(layout);
    disturb(store, rng, pool);
    const host::Transformer transformer(layout, host::best_kernels());
    host::Trainer trainer(transformer, pool);
    const auto tokens = random_tokens(2 + rng.below(60), layout->config.vocab_size, rng);
    const std::uint32_t offsets[] = {0, static_cast<std::uint32_t>(tokens.size())};
    std::vector<float> logprobs(tokens.size()), entropies(tokens.size());

    trainer.score(store, {tokens, offsets, {}}, logprobs, entropies);
    const std::vector<double> arena(store.arena(), store.arena() + layout->arena_size);
    const std::vector<double> expected = reference::logprobs(*layout, arena, tokens);

    for (std::size_t t = 0; t < tokens.size(); ++t) EXPECT_NEAR(logprobs[t], expected[t], 2e-4);
  }
}

TEST(Engine, GradientMatchesFiniteDifferencesOfTheReference) {
  const std::uint64_t seed = test_seed(5);
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  Rng rng(seed);
  host::ThreadPool pool(2);
  for (int round = 0; round < 4; ++round) {
    auto layout = std::make_shared<const host::Layout>(*host::make_layout(random_config(rng)));
    host::WeightStore store(layout);
    disturb(store, rng, pool);
    const host::Transformer transformer(layout, host::best_kernels());
    host::Trainer trainer(transformer, pool);
    const wire::TrainBatch batch = random_batch(layout->config, 3, rng);
    host::LossPass pass;
    pass.batch = &batch;
    pass.sequences = {0, 3};
    pass.options.surrogate = algo::Surrogate::kSupervised;
    pass.denominators = algo::count_denominators(batch.mask, batch.offsets);
    if (pass.denominators.trained_tokens == 0) continue;
    host::FloatBuffer gradient(layout->arena_size);
    trainer.accumulate(store, pass, gradient.get());

    std::vector<double> arena(store.arena(), store.arena() + layout->arena_size);
    const auto loss = [&] {
      double total = 0;
      for (std::size_t i = 0; i < 3; ++i) {
        const auto tokens = std::span(batch.tokens)
                                .subspan(batch.offsets[i], batch.offsets[i + 1] - batch.offsets[i]);
        const auto lp = reference::logprobs(*layout, arena, tokens);
        for (std::size_t t = 0; t < lp.size(); ++t) {
          const std::size_t at = batch.offsets[i] + t;
          if (batch.mask[at]) total -= double{batch.advantages[at]} * lp[t];
        }
      }
      return total / pass.denominators.trained_tokens;
    };
    for (const host::TensorPlace& place : layout->tensors) {
      for (int probe = 0; probe < 2; ++probe) {
        // An embedding row that the batch uses, or the derivative is zero on both sides.
        const std::size_t row = place.name == "model.embed_tokens.weight"
                                    ? static_cast<std::size_t>(batch.tokens[rng.below(5) % 2])
                                    : rng.below(place.rows);
        const std::size_t at = place.offset + row * place.stride + rng.below(place.cols);
        const double kept = arena[at], h = 1e-5;
        arena[at] = kept + h;
        const double above = loss();
        arena[at] = kept - h;
        const double below = loss();
        arena[at] = kept;
        const double expected = (above - below) / (2 * h);
        EXPECT_NEAR(gradient.get()[at], expected, 2e-5 + 2e-3 * std::abs(expected)) << place.name;
      }
    }
  }
}

TEST(Engine, RolloutLogprobsAreBitEqualToScores) {
  const std::uint64_t seed = test_seed(3);
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  Rng rng(seed);
  for (int round = 0; round < 20; ++round) {
    const model::ModelConfig config = random_config(rng);
    auto learner = learner_of(config, 1 + static_cast<unsigned>(rng.below(4)), round);
    // A few steps away from the start, so that the distribution is not flat.
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(learner->update(random_batch(config, 4, rng), supervised()));
    }
    BackendOptions backend;
    backend.threads = 1 + static_cast<unsigned>(rng.below(4));
    auto generator = *make_generator(backend, learner->publish(), {});
    std::size_t left = 1 + rng.below(70);
    for (std::uint64_t group = 1; left > 0; ++group) {
      const std::size_t size = std::min<std::size_t>(left, 1 + rng.below(16));
      ASSERT_TRUE(generator->submit(
          request_of(group, random_tokens(1 + rng.below(40), config.vocab_size, rng), size,
                     1 + static_cast<std::uint32_t>(rng.below(30)))));
      left -= size;
    }

    const auto rollouts = run_all(*generator);

    for (const wire::Rollout& rollout : rollouts) {
      EXPECT_TRUE(same_bits(rollout.logprobs, scores_of(*learner, rollout))) << round;
    }
  }
}

TEST(Engine, TokensDoNotDependOnTheBatchAround) {
  const model::ModelConfig config = tiny_config();
  auto learner = learner_of(config, 2, 1);
  Rng rng(4);
  std::vector<GenerationRequest> requests;
  for (std::uint64_t g = 1; g <= 9; ++g) {
    requests.push_back(request_of(g, random_tokens(1 + g, 18, rng), g, 20));
  }
  auto together = *make_generator({}, learner->publish(), {.max_sequences = 13});
  for (const auto& request : requests) ASSERT_TRUE(together->submit(request));
  std::map<RolloutId, wire::Rollout> batched;
  for (wire::Rollout& r : run_all(*together)) batched.emplace(r.id, std::move(r));

  for (const auto& request : requests) {
    auto alone = *make_generator({}, learner->publish(), {});
    ASSERT_TRUE(alone->submit(request));
    for (const wire::Rollout& r : run_all(*alone)) {
      EXPECT_EQ(r.completion_tokens, batched.at(r.id).completion_tokens);
      EXPECT_TRUE(same_bits(r.logprobs, batched.at(r.id).logprobs));
    }
  }
}

TEST(Engine, UpdatesAreBitEqualForAnyThreadCount) {
  Rng rng(8);
  const model::ModelConfig config = tiny_config();
  const wire::TrainBatch batch = random_batch(config, 150, rng);
  std::vector<Digest> digests;
  for (unsigned threads = 1; threads <= 4; ++threads) {
    auto learner = learner_of(config, threads, 7);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(learner->update(batch, {}));
    digests.push_back(learner->publish()->digest());
  }
  for (const Digest& digest : digests) EXPECT_EQ(digest, digests.front());
}

TEST(Engine, AfterASwapEveryTokenIsScoredByItsOwnVersion) {
  const model::ModelConfig config = tiny_config();
  Rng rng(2);
  auto before = learner_of(config, 2, 1);
  auto after = learner_of(config, 2, 99);
  after->set_version(PolicyVersion{5});
  auto generator = *make_generator({}, before->publish(), {});
  ASSERT_TRUE(generator->submit(request_of(1, random_tokens(9, 18, rng), 5, 24)));
  ASSERT_TRUE(generator->submit(request_of(2, random_tokens(20, 18, rng), 3, 24)));
  for (int i = 0; i < 7; ++i) ASSERT_TRUE(generator->advance());

  generator->set_weights(after->publish());
  const auto rollouts = run_all(*generator);

  ASSERT_EQ(rollouts.size(), 8u);
  for (const wire::Rollout& rollout : rollouts) {
    const auto old_scores = scores_of(*before, rollout), new_scores = scores_of(*after, rollout);
    for (std::size_t t = 0; t < rollout.logprobs.size(); ++t) {
      EXPECT_EQ(rollout.versions[t], t < 7 ? 0u : 5u);
      EXPECT_EQ(rollout.logprobs[t], t < 7 ? old_scores[t] : new_scores[t]);
    }
  }
  EXPECT_EQ(generator->counters().weight_swaps, 1u);
}

TEST(Engine, SamplingFollowsTheDistribution) {
  auto learner = learner_of(tiny_config(), 2, 21);
  const std::vector<wire::TokenId> prompt = {1, 2, 3};
  auto generator = *make_generator({}, learner->publish(), {.max_sequences = 512});
  ASSERT_TRUE(generator->submit(request_of(1, prompt, 4096, 1)));
  std::vector<double> counts(18), expected(18);
  for (const wire::Rollout& r : run_all(*generator)) {
    counts[static_cast<std::size_t>(r.completion_tokens[0])] += 1;
  }
  for (wire::TokenId token = 0; token < 18; ++token) {
    const std::vector<wire::TokenId> tokens = {1, 2, 3, token};
    const std::uint32_t offsets[] = {0, 4};
    expected[static_cast<std::size_t>(token)] =
        4096 * std::exp(double{learner->score(tokens, offsets)->logprobs[3]});
  }

  double chi_square = 0;
  for (std::size_t i = 0; i < 18; ++i) {
    chi_square += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
  }

  EXPECT_NEAR(std::accumulate(expected.begin(), expected.end(), 0.0), 4096, 0.01);
  EXPECT_LT(chi_square, 40.8);  // the 0.1 % point of 17 degrees of freedom
}

TEST(Engine, CheckpointResumesBitExactly) {
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

TEST(Engine, ATinyModelLearnsEightSequencesByHeart) {
  const model::ModelConfig config = tiny_config();
  Rng rng(3);
  wire::TrainBatch batch = random_batch(config, 8, rng);
  for (std::size_t t = 0; t < batch.token_count(); ++t) batch.mask[t] = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    batch.mask[batch.offsets[i]] = 0;
    batch.mask[batch.offsets[i] + 1] = 0;  // nothing tells the sequences apart yet
    batch.tokens[batch.offsets[i]] = static_cast<wire::TokenId>(i);
  }
  std::fill(batch.advantages.begin(), batch.advantages.end(), 1.0f);
  OptimiserOptions optimiser;
  optimiser.lr = 5e-3;
  auto learner = learner_of(config, 2, 1, optimiser);

  double loss = 0;
  for (int i = 0; i < 250; ++i) loss = learner->update(batch, supervised())->loss;

  EXPECT_LT(loss, 0.1);
}

TEST(Engine, SnapshotsDoNotChangeUnderLaterUpdates) {
  auto learner = learner_of(tiny_config(), 2, 1);
  Rng rng(1);
  const auto snapshot = learner->publish();
  EXPECT_EQ(snapshot, learner->publish());
  auto copy = std::dynamic_pointer_cast<const host::HostWeights>(snapshot);
  const std::vector<float> before(copy->store().arena(),
                                  copy->store().arena() + copy->store().layout().arena_size);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(learner->update(random_batch(tiny_config(), 4, rng), supervised()));
  }

  EXPECT_EQ(snapshot->version(), PolicyVersion{0});
  EXPECT_TRUE(same_bits(before, {copy->store().arena(), before.size()}));
  EXPECT_NE(learner->publish()->digest(), snapshot->digest());
}

TEST(Generator, RefusesWhatCanNeverRun) {
  auto learner = learner_of(tiny_config(), 1, 1);
  auto generator = *make_generator({}, learner->publish(), {.cache_bytes_max = 4096});
  EXPECT_EQ(generator->submit(request_of(1, {}, 1, 4)).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(generator->submit(request_of(1, {18}, 1, 4)).error().code, ErrorCode::kInvalidInput);
  EXPECT_EQ(generator->submit(request_of(1, {1}, 1, 64)).error().code, ErrorCode::kInvalidInput);
  // 2 layers * 2 heads * 16 positions * (8 + 16) floats = 6144 bytes.
  EXPECT_EQ(generator->submit(request_of(1, {1}, 1, 4)).error().code, ErrorCode::kExhausted);
}

TEST(Generator, CacheLimitMakesTheQueueWait) {
  auto learner = learner_of(tiny_config(), 1, 1);
  auto generator = *make_generator({}, learner->publish(), {.cache_bytes_max = 3 * 6144});
  ASSERT_TRUE(generator->submit(request_of(1, {1, 2}, 8, 6)));
  ASSERT_TRUE(generator->advance());

  EXPECT_EQ(generator->running_sequences(), 3u);
  EXPECT_LE(generator->cache_bytes(), 3 * 6144u);
  EXPECT_EQ(run_all(*generator).size(), 8u);
  EXPECT_EQ(generator->cache_bytes(), 0u);
}

TEST(Generator, CancelForgetsTheGroupAlone) {
  auto learner = learner_of(tiny_config(), 1, 1);
  auto generator = *make_generator({}, learner->publish(), {.max_sequences = 3});
  ASSERT_TRUE(generator->submit(request_of(1, {1, 2}, 5, 6)));
  ASSERT_TRUE(generator->submit(request_of(2, {3}, 2, 6)));
  ASSERT_TRUE(generator->advance());

  generator->cancel(GroupId{1});
  const auto rollouts = run_all(*generator);

  ASSERT_EQ(rollouts.size(), 2u);
  for (const auto& rollout : rollouts) EXPECT_EQ(rollout.id.group, GroupId{2});
}

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

TEST(Backend, CudaIsUnavailableHere) {
  BackendOptions backend;
  backend.device = "cuda";
  EXPECT_EQ(make_learner(backend, tiny_config(), {}, 1).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace assay::gpu
