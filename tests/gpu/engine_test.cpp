// The engine as a whole: generator and learner agree to the last bit, whatever the batch, the
// number of threads and the instruction set.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <vector>

#include "gpu/backend.h"
#include "gpu/host/float_mode.h"
#include "gpu/host/host_generator.h"
#include "gpu/host/host_learner.h"
#include "tests/gpu/engine_tools.h"

namespace assay::gpu {
namespace {

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

std::vector<SamplingOptions> sampling_choices() {
  std::vector<SamplingOptions> choices(7);
  choices[1].temperature = 0.37f;
  choices[2].temperature = 1.9f;
  choices[3].top_k = 3;
  choices[4].top_p = 0.6f;
  choices[5].temperature = 0.8f;
  choices[5].top_k = 9;
  choices[5].top_p = 0.9f;
  choices[6].temperature = 0;
  return choices;
}

TEST(Engine, RolloutLogprobsAreBitEqualForEverySamplingOption) {
  const std::uint64_t seed = test_seed(31);
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  Rng rng(seed);
  for (SamplingOptions sampling : sampling_choices()) {
    const model::ModelConfig config = random_config(rng);
    auto learner = learner_of(config, 2, rng.next_u64());
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(learner->update(random_batch(config, 4, rng), supervised()));
    }
    auto generator = *make_generator({}, learner->publish(), {});
    sampling.max_completion_tokens = 20;
    for (std::uint64_t group = 1; group <= 4; ++group) {
      GenerationRequest request =
          request_of(group, random_tokens(1 + rng.below(30), config.vocab_size, rng), 5, 20);
      request.sampling = sampling;
      ASSERT_TRUE(generator->submit(std::move(request)));
    }
    for (const wire::Rollout& rollout : run_all(*generator)) {
      EXPECT_TRUE(same_bits(rollout.logprobs, scores_of(*learner, rollout, sampling)))
          << sampling.temperature << " " << sampling.top_k << " " << sampling.top_p;
    }
  }
}

TEST(Engine, PromptsLongerThanABlockAreBitEqualToo) {
  model::ModelConfig config = tiny_config();
  config.context_size = 512;
  auto learner = learner_of(config, 2, 5);
  Rng rng(5);
  auto generator = *make_generator({}, learner->publish(), {});
  for (const std::size_t length : {191, 192, 193, 400}) {
    ASSERT_TRUE(generator->submit(request_of(length, random_tokens(length, 18, rng), 3, 100)));
  }
  for (const wire::Rollout& rollout : run_all(*generator)) {
    EXPECT_EQ(rollout.completion_tokens.size(), 100u);
    EXPECT_TRUE(same_bits(rollout.logprobs, scores_of(*learner, rollout)));
  }
}

TEST(Engine, DegenerateShapesRunAndAreBitEqual) {
  // One layer, one head, one hidden number; vocabularies of one and two tokens.
  model::ModelConfig config;
  config.hidden_size = config.layer_count = config.head_count = config.kv_head_count = 1;
  config.ffn_size = 1;
  config.head_size = 2;
  config.context_size = 8;
  Rng rng(6);
  for (const std::uint32_t vocab : {1u, 2u, 17u}) {
    config.vocab_size = vocab;
    auto learner = learner_of(config, 3, vocab);
    auto generator = *make_generator({}, learner->publish(), {});
    ASSERT_TRUE(generator->submit(request_of(1, random_tokens(3, vocab, rng), 4, 5)));
    for (const wire::Rollout& rollout : run_all(*generator)) {
      EXPECT_TRUE(same_bits(rollout.logprobs, scores_of(*learner, rollout)));
    }
  }
}

// The same policy trained and drawn from with one instruction set.
struct Trained {
  Digest weights;
  std::vector<wire::Rollout> rollouts;
};

Trained train_with(const host::Kernels& kernels, unsigned threads) {
  const model::ModelConfig config = tiny_config();
  auto layout = std::make_shared<const host::Layout>(*host::make_layout(config));
  auto pool = std::make_shared<host::ThreadPool>(threads);
  host::HostLearner learner(layout, {}, 3, pool, kernels);
  Rng rng(12);
  UpdateOptions options;
  options.minibatches = 2;
  options.loss.entropy_coefficient = 0.01;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(learner.update(random_batch(config, 30, rng), options));
  auto weights = std::dynamic_pointer_cast<const host::HostWeights>(learner.publish());
  host::HostGenerator generator(weights, {}, pool, kernels);
  EXPECT_TRUE(generator.submit(request_of(1, {1, 2, 3}, 20, 25)));
  return {weights->digest(), run_all(generator)};
}

TEST(Engine, InstructionSetsGiveEqualWeightsAndTokens) {
  const Trained portable = train_with(*host::kernels_for(host::InstructionSet::kPortable), 1);
  for (const auto set : {host::InstructionSet::kAvx2, host::InstructionSet::kAvx512}) {
    const host::Kernels* kernels = host::kernels_for(set);
    if (kernels == nullptr) continue;  // this processor lacks it; kernels_test says so
    const Trained other = train_with(*kernels, 3);
    EXPECT_EQ(other.weights, portable.weights) << kernels->name;
    ASSERT_EQ(other.rollouts.size(), portable.rollouts.size());
    for (std::size_t i = 0; i < other.rollouts.size(); ++i) {
      EXPECT_EQ(other.rollouts[i].completion_tokens, portable.rollouts[i].completion_tokens);
      EXPECT_TRUE(same_bits(other.rollouts[i].logprobs, portable.rollouts[i].logprobs));
    }
  }
}

// A learner on one thread, the caller's, moved by steps so small that they are denormal.
Digest moved_by_denormals() {
  OptimiserOptions optimiser;
  optimiser.lr = 1e-38;
  optimiser.weight_decay = 0;
  auto layout = std::make_shared<const host::Layout>(*host::make_layout(tiny_config()));
  host::HostLearner learner(layout, optimiser, 9, std::make_shared<host::ThreadPool>(1u),
                            host::best_kernels());
  auto& store = const_cast<host::WeightStore&>(learner.weights());
  for (std::size_t i = 0; i < layout->arena_size; i += 3) store.arena()[i] *= 1e-37f;
  Rng rng(3);
  EXPECT_TRUE(learner.update(random_batch(tiny_config(), 40, rng), {}));
  return learner.publish()->digest();
}

TEST(Engine, DenormalsAreZeroWhateverTheCallerThinksOfThem) {
  const Digest plain = moved_by_denormals();
  {
    const host::DenormalsOff denormals_off;
    EXPECT_EQ(moved_by_denormals(), plain);
  }
  const volatile float tiny = 1e-39f;
  EXPECT_GT(tiny * 0.5f, 0);  // and the caller's own arithmetic is as before
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

// Every optional tensor, and none whose size is a multiple of a register's.
model::ModelConfig odd_config() {
  model::ModelConfig config = tiny_config();
  config.hidden_size = 25;
  config.head_size = 6;
  config.ffn_size = 37;
  config.has_qkv_bias = config.has_qk_norm = true;
  config.has_tied_embeddings = false;
  return config;
}

TEST(Engine, UpdatesAreBitEqualForAnyThreadCount) {
  Rng rng(8);
  for (const model::ModelConfig& config : {tiny_config(), odd_config()}) {
    const wire::TrainBatch batch = random_batch(config, 150, rng);
    std::vector<Digest> digests;
    for (const unsigned threads : {1u, 2u, 3u, 4u, 4u, 4u}) {
      auto learner = learner_of(config, threads, 7);
      for (int i = 0; i < 3; ++i) ASSERT_TRUE(learner->update(batch, {}));
      digests.push_back(learner->publish()->digest());
    }
    for (const Digest& digest : digests) EXPECT_EQ(digest, digests.front());
  }
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

TEST(Backend, CudaIsUnavailableHere) {
  BackendOptions backend;
  backend.device = "cuda";
  EXPECT_EQ(make_learner(backend, tiny_config(), {}, 1).error().code, ErrorCode::kUnavailable);
}

}  // namespace
}  // namespace assay::gpu
