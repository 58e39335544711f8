// What the tests of learner and generator share.
#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "gpu/backend.h"
#include "tests/gpu/small_models.h"

namespace assay::gpu {

inline std::unique_ptr<Learner> learner_of(const model::ModelConfig& config, unsigned threads,
                                           std::uint64_t seed,
                                           const OptimiserOptions& optimiser = {}) {
  BackendOptions backend;
  backend.threads = threads;
  auto made = make_learner(backend, config, optimiser, seed);
  EXPECT_TRUE(made) << (made ? "" : made.error().message);
  return std::move(*made);
}

inline GenerationRequest request_of(std::uint64_t group, std::vector<wire::TokenId> prompt,
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

inline std::vector<wire::TokenId> random_tokens(std::size_t count, std::uint32_t vocab, Rng& rng) {
  std::vector<wire::TokenId> tokens;
  for (std::size_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<wire::TokenId>(rng.below(vocab)));
  }
  return tokens;
}

inline std::vector<wire::Rollout> run_all(Generator& generator) {
  std::vector<wire::Rollout> all;
  while (generator.running_sequences() + generator.queued_sequences() > 0) {
    auto finished = generator.advance();
    EXPECT_TRUE(finished);
    for (wire::Rollout& rollout : *finished) all.push_back(std::move(rollout));
  }
  return all;
}

// Of the completion, under the learner's weights and the distribution that `sampling` draws from.
inline std::vector<float> scores_of(Learner& learner, const wire::Rollout& rollout,
                                    const SamplingOptions& sampling = {}) {
  std::vector<wire::TokenId> tokens = rollout.prompt_tokens;
  tokens.insert(tokens.end(), rollout.completion_tokens.begin(), rollout.completion_tokens.end());
  const std::uint32_t offsets[] = {0, static_cast<std::uint32_t>(tokens.size())};
  auto scores = learner.score(tokens, offsets, sampling);
  EXPECT_TRUE(scores);
  return {scores->logprobs.begin() + static_cast<std::ptrdiff_t>(rollout.prompt_tokens.size()),
          scores->logprobs.end()};
}

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

inline UpdateOptions supervised() {
  UpdateOptions options;
  options.loss.surrogate = algo::Surrogate::kSupervised;
  return options;
}

}  // namespace assay::gpu
