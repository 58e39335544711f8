// The generator: what it refuses, its limits, and continuous batching with cancels and new weights.
#include "gpu/generator.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <vector>

#include "tests/gpu/engine_tools.h"

namespace assay::gpu {
namespace {

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

TEST(Generator, RefusesSamplingThatMeansNothing) {
  auto learner = learner_of(tiny_config(), 1, 1);
  auto generator = *make_generator({}, learner->publish(), {});
  GenerationRequest cold = request_of(1, {1}, 1, 4), wide = cold, empty = cold, ragged = cold;
  cold.sampling.temperature = 1e-20f;
  wide.sampling.top_p = 1.5f;
  empty.sampling.max_completion_tokens = 0;
  ragged.seeds.push_back(1);
  for (const GenerationRequest* request : {&cold, &wide, &empty, &ragged}) {
    const auto refused = generator->submit(*request);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::kInvalidInput);
  }
  EXPECT_EQ(generator->queued_sequences(), 0u);
}

TEST(Generator, StopTokensEndACompletionAndBelongToIt) {
  auto learner = learner_of(tiny_config(), 1, 1);
  auto generator = *make_generator({}, learner->publish(), {});
  GenerationRequest request = request_of(1, {1, 2}, 64, 20);
  request.sampling.stop_tokens = {3, 7};
  ASSERT_TRUE(generator->submit(request));
  int ended = 0;
  for (const wire::Rollout& rollout : run_all(*generator)) {
    const auto& tokens = rollout.completion_tokens;
    ended += rollout.finish == wire::FinishReason::kEos;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const bool is_stop = tokens[i] == 3 || tokens[i] == 7;
      EXPECT_EQ(is_stop, i + 1 == tokens.size() && rollout.finish == wire::FinishReason::kEos);
    }
  }
  EXPECT_GT(ended, 20);  // an untrained policy draws one of two in eighteen tokens
}

TEST(Generator, CountsWhatItComputesOnce) {
  auto learner = learner_of(tiny_config(), 2, 1);
  auto generator = *make_generator({}, learner->publish(), {});
  ASSERT_TRUE(generator->submit(request_of(1, {1, 2, 3, 4, 5}, 8, 3)));
  ASSERT_TRUE(generator->advance());
  EXPECT_EQ(generator->counters().prompt_tokens, 5u);  // once for the eight
  EXPECT_EQ(generator->counters().recomputed_tokens, 0u);
  ASSERT_TRUE(generator->advance());
  generator->set_weights(learner->publish());
  EXPECT_EQ(run_all(*generator).size(), 8u);
  EXPECT_EQ(generator->counters().generated_tokens, 24u);
  EXPECT_EQ(generator->counters().recomputed_tokens, 8 * 6u);  // five and the first of two drawn
  EXPECT_EQ(generator->counters().prompt_tokens, 5u);
}

TEST(Generator, FinishedRolloutsComeInOrderOfSubmissionAndIndex) {
  auto learner = learner_of(tiny_config(), 3, 1);
  auto generator = *make_generator({}, learner->publish(), {});
  for (const std::uint64_t group : {9, 4, 7}) {
    ASSERT_TRUE(generator->submit(request_of(group, {1, 2}, 30, 1)));
  }
  const auto finished = generator->advance();
  ASSERT_TRUE(finished);
  ASSERT_EQ(finished->size(), 90u);
  for (std::size_t i = 0; i < 90; ++i) {
    EXPECT_EQ((*finished)[i].id.group.value, (std::vector<std::uint64_t>{9, 4, 7})[i / 30]);
    EXPECT_EQ((*finished)[i].id.index, i % 30);
  }
}

TEST(GeneratorProperties, ComingsAndGoingsLeaveEveryoneElseAlone) {
  // Groups come at any time, some are cancelled while queued or running, the cache makes others
  // wait: who stays draws the tokens it would have drawn alone.
  const std::uint64_t seed = test_seed(17);
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  Rng rng(seed);
  const model::ModelConfig config = tiny_config();
  auto learner = learner_of(config, 2, 1);
  for (int round = 0; round < 6; ++round) {
    BackendOptions backend;
    backend.threads = 1 + static_cast<unsigned>(rng.below(3));
    GeneratorOptions limits;
    limits.max_sequences = 5 + rng.below(20);
    limits.cache_bytes_max = (4 + rng.below(30)) * 12288;
    auto generator = *make_generator(backend, learner->publish(), limits);
    std::map<std::uint64_t, GenerationRequest> requests;
    std::map<RolloutId, wire::Rollout> finished;
    std::set<std::uint64_t> cancelled;
    for (int event = 0; event < 120; ++event) {
      const auto kind = rng.below(6);
      if (kind == 0) {
        const std::uint64_t group = 1 + requests.size();
        requests[group] =
            request_of(group, random_tokens(1 + rng.below(12), 18, rng), 1 + rng.below(9),
                       1 + static_cast<std::uint32_t>(rng.below(15)));
        requests[group].sampling.stop_tokens = {2};
        ASSERT_TRUE(generator->submit(requests[group]));
      } else if (kind == 1 && !requests.empty() && rng.next_bool(0.3)) {
        const std::uint64_t group = 1 + rng.below(requests.size());
        cancelled.insert(group);
        generator->cancel(GroupId{group});
      } else {
        auto some = generator->advance();
        ASSERT_TRUE(some);
        EXPECT_LE(generator->cache_bytes(), limits.cache_bytes_max);
        EXPECT_LE(generator->running_sequences(), limits.max_sequences);
        for (wire::Rollout& rollout : *some) finished.emplace(rollout.id, std::move(rollout));
      }
    }
    for (wire::Rollout& rollout : run_all(*generator)) finished.emplace(rollout.id, rollout);
    EXPECT_EQ(generator->cache_bytes(), 0u);

    for (const auto& [group, request] : requests) {
      auto alone = *make_generator({}, learner->publish(), {});
      ASSERT_TRUE(alone->submit(request));
      for (const wire::Rollout& expected : run_all(*alone)) {
        const auto found = finished.find(expected.id);
        if (found == finished.end()) {
          EXPECT_TRUE(cancelled.contains(group));
          continue;
        }
        EXPECT_EQ(found->second.completion_tokens, expected.completion_tokens);
        EXPECT_TRUE(same_bits(found->second.logprobs, expected.logprobs));
      }
    }
  }
}

TEST(GeneratorProperties, NewWeightsAtAnyMomentScoreEveryTokenByItsVersion) {
  const std::uint64_t seed = test_seed(23);
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  Rng rng(seed);
  for (int round = 0; round < 4; ++round) {
    const model::ModelConfig config = random_config(rng);
    std::vector<std::unique_ptr<Learner>> learners;
    for (std::uint64_t version = 0; version < 3; ++version) {
      learners.push_back(learner_of(config, 2, 100 + version));
      learners.back()->set_version(PolicyVersion{version});
    }
    SamplingOptions sampling;
    sampling.temperature = round % 2 == 0 ? 1.0f : 0.7f;
    sampling.top_k = round == 3 ? 4 : 0;
    sampling.max_completion_tokens = 25;
    GeneratorOptions limits;
    limits.max_sequences = 7;  // members of one group are admitted at different times
    auto generator = *make_generator({}, learners[0]->publish(), limits);
    for (std::uint64_t group = 1; group <= 5; ++group) {
      GenerationRequest request =
          request_of(group, random_tokens(1 + rng.below(40), config.vocab_size, rng), 4, 25);
      request.sampling = sampling;
      ASSERT_TRUE(generator->submit(std::move(request)));
    }
    std::vector<wire::Rollout> rollouts;
    for (int step = 0; generator->running_sequences() + generator->queued_sequences() > 0; ++step) {
      if (step == 9 || step == 10 || step == 41) {
        generator->set_weights(learners[rng.below(3)]->publish());
      }
      auto finished = generator->advance();
      ASSERT_TRUE(finished);
      for (wire::Rollout& rollout : *finished) rollouts.push_back(std::move(rollout));
    }

    ASSERT_EQ(rollouts.size(), 20u);
    for (const wire::Rollout& rollout : rollouts) {
      std::vector<std::vector<float>> scores;
      for (const auto& learner : learners) scores.push_back(scores_of(*learner, rollout, sampling));
      for (std::size_t t = 0; t < rollout.logprobs.size(); ++t) {
        EXPECT_EQ(rollout.logprobs[t], scores[rollout.versions[t]][t]) << t;
      }
    }
  }
}

}  // namespace
}  // namespace assay::gpu
