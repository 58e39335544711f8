// Drawing a token: the distribution drawn from is the one that was asked for, and the one reported.
#include "gpu/host/sampling.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "gpu/host/float_buffer.h"
#include "gpu/host/float_mode.h"

namespace assay::gpu::host {
namespace {

TEST(Sampling, TruncationReportsTheTruncatedDistribution) {
  const Kernels& kernels = best_kernels();
  FloatBuffer logits(16), exps(16);
  for (std::size_t i = 0; i < 4; ++i) logits.get()[i] = static_cast<float>(std::log(4.0 - i));
  std::vector<std::uint32_t> order;
  SamplingOptions options;
  options.top_k = 2;
  // Masses 4 and 3 of the four tokens 4, 3, 2, 1 are kept: 4/7 and 3/7.
  for (std::uint32_t position = 0; position < 50; ++position) {
    const Draw draw = draw_token(kernels, logits.get(), 4, options, 1, position, exps.get(), order);
    ASSERT_LT(draw.token, 2);
    EXPECT_NEAR(draw.logprob, std::log((4.0 - draw.token) / 7), 1e-6);
  }
  // 4/10 is below 0.5, 7/10 reaches it: again two tokens.
  options.top_k = 0;
  options.top_p = 0.5f;
  for (std::uint32_t position = 0; position < 50; ++position) {
    EXPECT_LT(draw_token(kernels, logits.get(), 4, options, 2, position, exps.get(), order).token,
              2);
  }
}

TEST(Sampling, GreedyTakesTheLowestOfEqualLogits) {
  FloatBuffer logits(16), exps(16);
  logits.get()[3] = logits.get()[5] = 2;
  std::vector<std::uint32_t> order;
  SamplingOptions options;
  options.temperature = 0;

  EXPECT_EQ(draw_token(best_kernels(), logits.get(), 9, options, 1, 0, exps.get(), order).token, 3);
}

// What softmax(logits / temperature), cut by top_k and then by top_p, gives each token.
std::vector<double> expected_shares(const std::vector<double>& logits,
                                    const SamplingOptions& options) {
  std::vector<double> shares;
  for (const double z : logits) shares.push_back(std::exp(z / double{options.temperature}));
  std::vector<std::size_t> order(shares.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return shares[a] > shares[b]; });
  std::size_t kept = options.top_k > 0 ? options.top_k : shares.size();
  double total = 0;
  for (std::size_t i = 0; i < kept; ++i) total += shares[order[i]];
  double mass = 0;
  for (std::size_t i = 0; i < kept; ++i) {
    mass += shares[order[i]];
    if (mass >= double{options.top_p} * total) kept = i + 1;
  }
  for (std::size_t i = kept; i < shares.size(); ++i) shares[order[i]] = 0;
  const double sum = std::accumulate(shares.begin(), shares.end(), 0.0);
  for (double& share : shares) share /= sum;
  return shares;
}

TEST(Sampling, FollowsTheTemperedAndTruncatedDistribution) {
  const DenormalsOff denormals_off;
  const std::vector<double> logits{0.3, 2.0, -1.0, 1.1, 0.9, -0.4, 0.0, 1.6, -2.2, 0.5, 1.3};
  FloatBuffer row(16), exps(16);
  for (std::size_t i = 0; i < logits.size(); ++i) row.get()[i] = static_cast<float>(logits[i]);
  std::vector<SamplingOptions> choices(6);
  choices[1].temperature = 0.4f;
  choices[2].temperature = 2.5f;
  choices[3].top_k = 4;
  choices[4].top_p = 0.7f;
  choices[5].temperature = 1.5f;
  choices[5].top_k = 7;
  choices[5].top_p = 0.8f;
  std::vector<std::uint32_t> order;
  for (const SamplingOptions& options : choices) {
    const std::vector<double> shares = expected_shares(logits, options);
    constexpr int kDraws = 20'000;
    std::vector<double> counts(logits.size());
    for (int i = 0; i < kDraws; ++i) {
      const Draw draw = draw_token(best_kernels(), row.get(), logits.size(), options,
                                   static_cast<std::uint64_t>(i) * 7919, 3, exps.get(), order);
      const auto token = static_cast<std::size_t>(draw.token);
      ++counts[token];
      ASSERT_GT(shares[token], 0);
      ASSERT_NEAR(draw.logprob, std::log(shares[token]), 1e-5);
    }
    double chi_square = 0;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      if (shares[i] == 0) continue;
      chi_square += std::pow(counts[i] - kDraws * shares[i], 2) / (kDraws * shares[i]);
    }
    // The 0.1 % point of 10 degrees of freedom; fewer tokens have fewer degrees.
    EXPECT_LT(chi_square, 29.6) << options.temperature << " " << options.top_k;
  }
}

TEST(Sampling, PositionsOfOneSeedAreIndependent) {
  // Pairs of consecutive draws from eight equal tokens: 64 cells, 63 degrees of freedom.
  FloatBuffer row(16), exps(16);
  std::vector<std::uint32_t> order;
  std::vector<double> counts(64);
  constexpr int kSeeds = 12'800;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const auto draw = [&](std::uint32_t position) {
      return static_cast<std::size_t>(
          draw_token(best_kernels(), row.get(), 8, {}, seed, position, exps.get(), order).token);
    };
    ++counts[draw(0) * 8 + draw(1)];
  }
  double chi_square = 0;
  for (const double count : counts) chi_square += std::pow(count - 200, 2) / 200;
  EXPECT_LT(chi_square, 103.4);  // the 0.1 % point
  EXPECT_GT(chi_square, 32);     // evener than chance is no chance either
}

TEST(Sampling, ATokenThatCannotBeDrawnIsNeverDrawn) {
  FloatBuffer row(16), exps(16);
  std::vector<std::uint32_t> order;
  row.get()[1] = -200;  // exp underflows to zero
  row.get()[2] = -std::numeric_limits<float>::infinity();
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    const Draw draw = draw_token(best_kernels(), row.get(), 4, {}, seed, 0, exps.get(), order);
    ASSERT_TRUE(draw.token == 0 || draw.token == 3);
  }
}

TEST(Sampling, TheColdestTemperatureIsNearlyGreedyAndFinite) {
  FloatBuffer row(16), exps(16);
  std::vector<std::uint32_t> order;
  row.get()[0] = 49.9f;
  row.get()[3] = 50.0f;
  SamplingOptions options;
  options.temperature = kTemperatureMin;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const Draw draw = draw_token(best_kernels(), row.get(), 9, options, seed, 0, exps.get(), order);
    EXPECT_EQ(draw.token, 3);
    EXPECT_TRUE(std::isfinite(draw.logprob));
  }
}

TEST(Sampling, OptionsOutOfRangeAreRefused) {
  const auto is_refused = [](float temperature, float top_p) {
    SamplingOptions options;
    options.temperature = temperature;
    options.top_p = top_p;
    return !check_sampling(options).has_value();
  };
  EXPECT_FALSE(is_refused(1, 1));
  EXPECT_FALSE(is_refused(0, 1));      // greedy
  EXPECT_TRUE(is_refused(1e-30f, 1));  // 1 / temperature times a logit overflows
  EXPECT_TRUE(is_refused(-1, 1));
  EXPECT_TRUE(is_refused(std::nanf(""), 1));
  EXPECT_TRUE(is_refused(std::numeric_limits<float>::infinity(), 1));
  EXPECT_TRUE(is_refused(1, 0));
  EXPECT_TRUE(is_refused(1, 1.5f));
  EXPECT_TRUE(is_refused(1, std::nanf("")));
}

}  // namespace
}  // namespace assay::gpu::host
