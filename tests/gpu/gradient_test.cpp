// The whole policy against double precision: log-probabilities, entropies and the gradient of every
// loss, for odd and degenerate shapes.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "gpu/host/float_mode.h"
#include "gpu/host/trainer.h"
#include "runtime/algo/policy_loss.h"
#include "tests/gpu/engine_tools.h"
#include "tests/gpu/reference.h"

namespace assay::gpu {
namespace {

// One model with disturbed weights, in float and in double.
class Twin {
 public:
  Twin(const model::ModelConfig& config, Rng& rng)
      : pool_(2),
        layout_(std::make_shared<const host::Layout>(*host::make_layout(config))),
        store_(layout_),
        transformer_(layout_, host::best_kernels()),
        trainer_(transformer_, pool_) {
    disturb(store_, rng, pool_);
    arena_.assign(store_.arena(), store_.arena() + layout_->arena_size);
  }

  const host::Layout& layout() const { return *layout_; }
  std::vector<double>& arena() { return arena_; }

  TokenScores scores(std::span<const wire::TokenId> tokens, std::span<const std::uint32_t> offsets,
                     float temperature) {
    const host::DenormalsOff denormals_off;
    TokenScores scores{std::vector<float>(tokens.size()), std::vector<float>(tokens.size())};
    SamplingOptions sampling;
    sampling.temperature = temperature;
    trainer_.score(store_, {tokens, offsets, sampling}, scores.logprobs, scores.entropies);
    return scores;
  }

  host::LossSums accumulate(const host::LossPass& pass, float* gradient) {
    const host::DenormalsOff denormals_off;
    return trainer_.accumulate(store_, pass, gradient);
  }

 private:
  host::ThreadPool pool_;
  std::shared_ptr<const host::Layout> layout_;
  host::WeightStore store_;
  host::Transformer transformer_;
  host::Trainer trainer_;
  std::vector<double> arena_;
};

void expect_scores_match(const model::ModelConfig& config, std::size_t length, float temperature,
                         Rng& rng) {
  Twin twin(config, rng);
  const auto tokens = random_tokens(length, config.vocab_size, rng);
  const std::uint32_t offsets[] = {0, static_cast<std::uint32_t>(tokens.size())};

  const TokenScores seen = twin.scores(tokens, offsets, temperature);
  const reference::Scores expected =
      reference::scores(twin.layout(), twin.arena(), tokens, double{temperature});

  for (std::size_t t = 0; t < tokens.size(); ++t) {
    EXPECT_NEAR(seen.logprobs[t], expected.logprobs[t], 2e-4) << t;
    EXPECT_NEAR(seen.entropies[t], expected.entropies[t], 2e-4) << t;
  }
}

// Shapes at the edges: one layer, one head, one of everything, and none a multiple of 16.
std::vector<model::ModelConfig> degenerate_configs() {
  model::ModelConfig least;
  least.vocab_size = least.hidden_size = least.layer_count = least.head_count = 1;
  least.kv_head_count = least.ffn_size = 1;
  least.head_size = 2;
  least.context_size = 24;
  std::vector<model::ModelConfig> configs(6, least);
  configs[1].vocab_size = 2;
  configs[1].hidden_size = 17;
  configs[2].vocab_size = 17;
  configs[2].hidden_size = 1;
  configs[2].ffn_size = 33;
  configs[3].vocab_size = 16;  // exact multiples, so that nothing is padding
  configs[3].hidden_size = configs[3].ffn_size = configs[3].head_size = 16;
  configs[4].vocab_size = 15;
  configs[4].hidden_size = 31;
  configs[4].head_count = 5;  // five queries share one key head
  configs[4].head_size = 34;
  configs[4].ffn_size = 47;
  configs[5].vocab_size = 33;
  configs[5].hidden_size = 48;
  configs[5].head_count = configs[5].kv_head_count = 3;
  configs[5].head_size = 10;
  configs[5].layer_count = 2;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    configs[i].has_qkv_bias = i % 2 == 0;
    configs[i].has_qk_norm = i % 3 == 0;
    configs[i].has_tied_embeddings = i % 2 == 1;
  }
  return configs;
}

TEST(Reference, ScoresMatchForRandomShapes) {
  const std::uint64_t seed = test_seed(11);
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  Rng rng(seed);
  for (int round = 0; round < 12; ++round) {
    expect_scores_match(random_config(rng), 2 + rng.below(60), 1.0f, rng);
  }
}

TEST(Reference, ScoresMatchForDegenerateShapes) {
  Rng rng(test_seed(12));
  for (const model::ModelConfig& config : degenerate_configs()) {
    expect_scores_match(config, 24, 1.0f, rng);
    expect_scores_match(config, 2, 1.0f, rng);
  }
}

TEST(Reference, ScoresMatchAtOtherTemperatures) {
  Rng rng(test_seed(13));
  for (const float temperature : {0.3f, 0.9f, 1.7f, 10.0f}) {
    expect_scores_match(random_config(rng), 30, temperature, rng);
  }
}

TEST(Reference, ScoresMatchForSequencesLongerThanABlock) {
  // Longer than the rows that pass through the model at once, in training and in generation.
  Rng rng(test_seed(14));
  model::ModelConfig config = tiny_config();
  config.context_size = 400;
  expect_scores_match(config, 400, 1.0f, rng);
}

// A batch, what its loss is, and the loss's gradient by log-prob and by entropy, so that the whole
// is the derivative of a linear function of the policy's log-probs and entropies.
struct LossCase {
  wire::TrainBatch batch;
  std::vector<float> proximal, reference;
  algo::LossOptions options;
  float temperature = 1.0f;
  std::vector<double> slopes;  // [tokens]: d loss / d log-prob
  double entropy_slope = 0;    // d loss / d entropy of a trained token
};

LossCase loss_case(Twin& twin, const algo::LossOptions& options, float temperature, Rng& rng) {
  LossCase one;
  one.batch = random_batch(twin.layout().config, 3, rng);
  one.batch.mask[1] = 1;  // at least one token is trained
  one.options = options;
  one.temperature = temperature;
  const std::vector<float> current =
      twin.scores(one.batch.tokens, one.batch.offsets, temperature).logprobs;
  // Off the clip edges at 0.8, 1.28 and 3 and inside the importance bounds, on either side.
  const float distances[] = {-0.5f, -0.1f, 0.0f, 0.1f, 0.5f};
  for (std::size_t t = 0; t < current.size(); ++t) {
    one.proximal.push_back(current[t] - distances[rng.below(5)]);
    one.batch.logprobs_behaviour[t] = one.proximal[t] - distances[rng.below(5)];
    one.reference.push_back(current[t] + static_cast<float>(0.3 * rng.next_normal()));
  }
  algo::LossInputs inputs;
  inputs.logprobs_current = current;
  inputs.logprobs_proximal = one.proximal;
  inputs.logprobs_behaviour = one.batch.logprobs_behaviour;
  inputs.logprobs_reference = one.reference;
  inputs.advantages = one.batch.advantages;
  inputs.weights = one.batch.weights;
  inputs.mask = one.batch.mask;
  inputs.offsets = one.batch.offsets;
  const auto denominators = algo::count_denominators(one.batch.mask, one.batch.offsets);
  one.slopes.resize(current.size());
  algo::LossTally tally;
  algo::add_policy_loss(inputs, options, denominators, one.slopes, tally);
  one.entropy_slope = -options.entropy_coefficient / denominators.trained_tokens;
  return one;
}

double linear_loss(const LossCase& one, const host::Layout& layout,
                   const std::vector<double>& arena) {
  double total = 0;
  for (std::size_t i = 0; i + 1 < one.batch.offsets.size(); ++i) {
    const std::uint32_t begin = one.batch.offsets[i], end = one.batch.offsets[i + 1];
    const reference::Scores scores =
        reference::scores(layout, arena, std::span(one.batch.tokens).subspan(begin, end - begin),
                          double{one.temperature});
    for (std::size_t t = begin; t < end; ++t) {
      total += one.slopes[t] * scores.logprobs[t - begin];
      if (one.batch.mask[t]) total += one.entropy_slope * scores.entropies[t - begin];
    }
  }
  return total;
}

void expect_gradient_matches(Twin& twin, const LossCase& one, int probes, Rng& rng) {
  host::LossPass pass;
  pass.batch = &one.batch;
  pass.sequences = {0, one.batch.sequence_count()};
  pass.options = one.options;
  pass.denominators = algo::count_denominators(one.batch.mask, one.batch.offsets);
  pass.proximal = one.proximal;
  pass.reference = one.reference;
  pass.temperature = one.temperature;
  host::FloatBuffer gradient(twin.layout().arena_size);
  twin.accumulate(pass, gradient.get());

  std::vector<double>& arena = twin.arena();
  for (const host::TensorPlace& place : twin.layout().tensors) {
    for (int probe = 0; probe < probes; ++probe) {
      // An embedding row that the batch uses, or the derivative is zero on both sides.
      const std::size_t row = place.name == "model.embed_tokens.weight"
                                  ? static_cast<std::size_t>(one.batch.tokens[rng.below(2)])
                                  : rng.below(place.rows);
      const std::size_t at = place.offset + row * place.stride + rng.below(place.cols);
      const double kept = arena[at], h = 1e-5;
      arena[at] = kept + h;
      const double above = linear_loss(one, twin.layout(), arena);
      arena[at] = kept - h;
      const double below = linear_loss(one, twin.layout(), arena);
      arena[at] = kept;
      const double expected = (above - below) / (2 * h);
      EXPECT_NEAR(gradient.get()[at], expected, 2e-5 + 2e-3 * std::abs(expected)) << place.name;
    }
  }
}

algo::LossOptions supervised_loss() {
  algo::LossOptions options;
  options.surrogate = algo::Surrogate::kSupervised;
  return options;
}

TEST(Gradient, MatchesFiniteDifferencesForRandomShapes) {
  const std::uint64_t seed = test_seed(5);
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  Rng rng(seed);
  for (int round = 0; round < 3; ++round) {
    Twin twin(random_config(rng), rng);
    expect_gradient_matches(twin, loss_case(twin, supervised_loss(), 1.0f, rng), 2, rng);
  }
}

TEST(Gradient, MatchesFiniteDifferencesForDegenerateShapes) {
  Rng rng(test_seed(6));
  for (model::ModelConfig config : degenerate_configs()) {
    config.context_size = 40;
    Twin twin(config, rng);
    expect_gradient_matches(twin, loss_case(twin, supervised_loss(), 1.0f, rng), 1, rng);
  }
}

model::ModelConfig small_config() {
  model::ModelConfig c;
  c.vocab_size = 9;
  c.hidden_size = 13;
  c.layer_count = 1;
  c.head_count = 2;
  c.kv_head_count = 1;
  c.head_size = 6;
  c.ffn_size = 11;
  c.context_size = 40;
  c.has_qkv_bias = c.has_qk_norm = true;
  c.has_tied_embeddings = false;
  return c;
}

TEST(Gradient, OfEverySurrogateIsTheDerivativeOfItsLoss) {
  const std::uint64_t seed = test_seed(7);
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  Rng rng(seed);
  for (int surrogate = 0; surrogate <= static_cast<int>(algo::Surrogate::kReinforce); ++surrogate) {
    Twin twin(small_config(), rng);
    algo::LossOptions options;
    options.surrogate = static_cast<algo::Surrogate>(surrogate);
    options.aggregation = static_cast<algo::Aggregation>(rng.below(4));
    options.length_max = 30;
    options.importance = static_cast<algo::ImportanceCorrection>(rng.below(5));
    expect_gradient_matches(twin, loss_case(twin, options, 1.0f, rng), 1, rng);
  }
}

TEST(Gradient, OfEntropyBonusKlAndTemperatureIsTheDerivativeOfTheLoss) {
  Rng rng(test_seed(8));
  for (const float temperature : {1.0f, 0.6f, 1.9f}) {
    Twin twin(small_config(), rng);
    algo::LossOptions options;
    options.entropy_coefficient = 0.3;
    options.kl_coefficient = 0.5;
    expect_gradient_matches(twin, loss_case(twin, options, temperature, rng), 2, rng);
  }
}

TEST(Gradient, OfManyMicroBatchesIsThatOfOneBatch) {
  // About 90 sequences of up to 31 tokens do not fit one micro-batch of 2048 tokens.
  Rng rng(test_seed(9));
  Twin twin(small_config(), rng);
  const wire::TrainBatch batch = random_batch(small_config(), 150, rng);
  ASSERT_GT(batch.token_count(), 2048u);
  host::LossPass pass;
  pass.batch = &batch;
  pass.options = supervised_loss();
  pass.denominators = algo::count_denominators(batch.mask, batch.offsets);
  host::FloatBuffer whole(twin.layout().arena_size), pieces(twin.layout().arena_size);

  pass.sequences = {0, 150};
  const double loss = twin.accumulate(pass, whole.get()).tally.loss;
  double sum = 0;
  for (std::size_t i = 0; i < 150; i += 15) {
    pass.sequences = {i, i + 15};
    sum += twin.accumulate(pass, pieces.get()).tally.loss;
  }

  EXPECT_NEAR(sum, loss, 1e-9);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    EXPECT_NEAR(whole.get()[i], pieces.get()[i], 1e-6) << i;
  }
}

}  // namespace
}  // namespace assay::gpu
