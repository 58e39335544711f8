#include "runtime/algo/policy_loss.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "runtime/core/rng.h"
#include "tests/support/seed.h"

namespace assay::algo {
namespace {

// A packed batch that owns its arrays.
struct Batch {
  std::vector<float> current, proximal, behaviour, reference, advantages, weights;
  std::vector<std::uint8_t> mask;
  std::vector<std::uint32_t> offsets{0};

  LossInputs inputs() const {
    return {current, proximal, behaviour, reference, advantages, weights, mask, offsets};
  }

  // Appends one sequence: an unused first entry, then one trained entry for each current log-prob.
  void add(float advantage, const std::vector<float>& th, const std::vector<float>& old,
           const std::vector<float>& mu) {
    push(0, 0, 0, 0, 0);
    for (std::size_t t = 0; t < th.size(); ++t) push(th[t], old[t], mu[t], advantage, 1);
    offsets.push_back(static_cast<std::uint32_t>(mask.size()));
  }

  void push(float th, float old, float mu, float advantage, std::uint8_t is_trained) {
    current.push_back(th);
    proximal.push_back(old);
    behaviour.push_back(mu);
    advantages.push_back(advantage);
    weights.push_back(1);
    mask.push_back(is_trained);
  }

  // Sequences [first, last) as a batch of their own.
  Batch slice(std::size_t first, std::size_t last) const {
    Batch piece;
    for (std::size_t i = first; i < last; ++i) {
      for (std::size_t t = offsets[i]; t < offsets[i + 1]; ++t) {
        piece.push(current[t], proximal[t], behaviour[t], advantages[t], mask[t]);
        piece.weights.back() = weights[t];
      }
      piece.offsets.push_back(static_cast<std::uint32_t>(piece.mask.size()));
    }
    return piece;
  }
};

struct Outcome {
  LossTally tally;
  std::vector<double> gradient;
};

Outcome evaluate(const Batch& batch, const LossOptions& options) {
  Outcome outcome;
  outcome.gradient.resize(batch.mask.size());
  add_policy_loss(batch.inputs(), options, count_denominators(batch.mask, batch.offsets),
                  outcome.gradient, outcome.tally);
  return outcome;
}

// One token a sequence, ratio and importance weight given directly.
Outcome evaluate_token(double ratio, double advantage, LossOptions options, double importance = 1) {
  Batch batch;
  const float old = -3;
  batch.add(static_cast<float>(advantage), {static_cast<float>(old + std::log(ratio))}, {old},
            {static_cast<float>(old - std::log(importance))});
  return evaluate(batch, options);
}

// Ratios are drawn well off the clip edges, where the loss has a kink and no derivative.
Batch random_batch(Rng& rng, double clip_low, double clip_high) {
  Batch batch;
  for (int i = 0; i < 5; ++i) {
    const auto length = 1 + rng.below(6);
    std::vector<float> th, old, mu;
    const float advantage = static_cast<float>(rng.next_normal());
    for (std::uint64_t t = 0; t < length; ++t) {
      double difference = 0.5 * rng.next_normal();
      for (const double edge : {std::log(1 - clip_low), std::log(1 + clip_high), std::log(3.0)}) {
        if (std::abs(difference - edge) < 0.02) difference = edge + 0.02;
      }
      old.push_back(static_cast<float>(-1 - rng.next_unit()));
      th.push_back(static_cast<float>(old.back() + difference));
      mu.push_back(static_cast<float>(old.back() + 0.6 * rng.next_normal()));
    }
    batch.add(advantage, th, old, mu);
  }
  for (float& weight : batch.weights) weight = static_cast<float>(0.5 + rng.next_unit());
  batch.mask[batch.offsets[2] - 1] = 0;  // a hole, such as a tool's tokens
  return batch;
}

// The loss with every detached factor frozen at `frozen`: what the gradient is the derivative of.
double detached_loss(const Batch& batch, const Batch& frozen, const LossOptions& options) {
  if (options.surrogate != Surrogate::kCispo) return evaluate(batch, options).tally.loss;
  const std::vector<double> coefficients = evaluate(frozen, options).gradient;
  double loss = 0;
  for (std::size_t t = 0; t < coefficients.size(); ++t) loss += coefficients[t] * batch.current[t];
  return loss;
}

TEST(PolicyLoss, GradientMatchesFiniteDifferencesForEveryCombination) {
  const std::uint64_t seed = test_seed();
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  for (int surrogate = 0; surrogate <= static_cast<int>(Surrogate::kReinforce); ++surrogate) {
    for (int aggregation = 0; aggregation <= 3; ++aggregation) {
      for (int importance = 0; importance <= 4; ++importance) {
        for (const bool is_decoupled : {true, false}) {
          LossOptions options;
          options.surrogate = static_cast<Surrogate>(surrogate);
          options.aggregation = static_cast<Aggregation>(aggregation);
          options.importance = static_cast<ImportanceCorrection>(importance);
          options.is_decoupled = is_decoupled;
          options.length_max = 11;
          options.cispo_ratio_max = 1.5;
          Rng rng(seed,
                  static_cast<std::uint64_t>(surrogate * 100 + aggregation * 10 + importance));
          Batch batch = random_batch(rng, options.clip_low, options.clip_high);
          // Without decoupling the ratio is taken to the behaviour policy: keep it off the edges.
          if (!is_decoupled) batch.behaviour = batch.proximal;
          const std::vector<double> gradient = evaluate(batch, options).gradient;
          for (std::size_t t = 0; t < batch.mask.size(); ++t) {
            Batch up = batch, down = batch;
            up.current[t] += 1e-3f;
            down.current[t] -= 1e-3f;
            const double step = double{up.current[t]} - double{down.current[t]};
            const double slope =
                (detached_loss(up, batch, options) - detached_loss(down, batch, options)) / step;
            EXPECT_NEAR(gradient[t], slope, 1e-6 + 1e-4 * std::abs(slope))
                << "surrogate " << surrogate << " aggregation " << aggregation << " importance "
                << importance << " decoupled " << is_decoupled << " token " << t;
          }
        }
      }
    }
  }
}

TEST(PolicyLoss, GradientOfTheKlTermMatchesFiniteDifferences) {
  for (const KlEstimator estimator : {KlEstimator::kK2, KlEstimator::kK3}) {
    for (int aggregation = 0; aggregation <= 3; ++aggregation) {
      LossOptions options;
      options.aggregation = static_cast<Aggregation>(aggregation);
      options.length_max = 11;
      options.kl_coefficient = 0.7;
      options.kl_estimator = estimator;
      Rng rng = test_rng(static_cast<std::uint64_t>(aggregation));
      SCOPED_TRACE(seed_text());
      Batch batch = random_batch(rng, options.clip_low, options.clip_high);
      for (const float current : batch.current) {
        batch.reference.push_back(static_cast<float>(current + 0.4 * rng.next_normal()));
      }
      const std::vector<double> gradient = evaluate(batch, options).gradient;
      for (std::size_t t = 0; t < batch.mask.size(); ++t) {
        Batch up = batch, down = batch;
        up.current[t] += 1e-3f;
        down.current[t] -= 1e-3f;
        const double step = double{up.current[t]} - double{down.current[t]};
        const double slope =
            (evaluate(up, options).tally.loss - evaluate(down, options).tally.loss) / step;
        EXPECT_NEAR(gradient[t], slope, 1e-6 + 1e-4 * std::abs(slope)) << aggregation << " " << t;
      }
    }
  }
}

TEST(PolicyLoss, KlIsAddedAsTheSurrogateIsAggregated) {
  Batch batch;  // advantage 0: the KL term alone. d = lp_ref - lp_th is 0.5, then 1 and 0.
  batch.add(0, {-1}, {-1}, {-1});
  batch.add(0, {-2, -2}, {-2, -2}, {-2, -2});
  batch.reference = {0, -0.5f, 0, -1, -2};
  LossOptions options;
  options.kl_coefficient = 0.1;
  options.kl_estimator = KlEstimator::kK2;
  const double first = 0.5 * 0.5 / 2, second = 1.0 / 2;

  EXPECT_NEAR(evaluate(batch, options).tally.loss, 0.1 * (first + second) / 3, 1e-9);
  EXPECT_NEAR(evaluate(batch, options).gradient[1], 0.1 * -0.5 / 3, 1e-9);
  options.aggregation = Aggregation::kSequenceMean;
  EXPECT_NEAR(evaluate(batch, options).tally.loss, 0.1 * (first + second / 2) / 2, 1e-9);
  // The value of k3 with the gradient of k2.
  options.aggregation = Aggregation::kTokenMean;
  options.kl_estimator = KlEstimator::kK3Plus;
  const Outcome straight = evaluate(batch, options);
  EXPECT_NEAR(straight.tally.loss, 0.1 * (std::exp(0.5) - 1.5 + std::exp(1.0) - 2) / 3, 1e-7);
  EXPECT_NEAR(straight.gradient[3], 0.1 * -1.0 / 3, 1e-9);
}

TEST(PolicyLoss, KlIsMeasuredWithoutBeingPenalised) {
  Batch batch;  // d = 0.5 and -0.5: k1 = -0.5 and 0.5
  batch.add(1, {-1, -1}, {-1, -1}, {-1, -1});
  batch.reference = {0, -0.5f, -1.5f};
  const Outcome measured = evaluate(batch, {});
  batch.reference.clear();
  const Outcome plain = evaluate(batch, {});

  EXPECT_EQ(measured.gradient, plain.gradient);
  EXPECT_EQ(measured.tally.loss, plain.tally.loss);
  EXPECT_NEAR(measured.tally.reference_k1_sum, 0, 1e-12);
  EXPECT_NEAR(measured.tally.reference_k3_sum, std::exp(0.5) - 1.5 + std::exp(-0.5) - 0.5, 1e-9);
  EXPECT_EQ(measured.tally.sequences, 1);
}

TEST(PolicyLoss, KlPullsEvenOnTokensThatAMaskDropped) {
  Batch batch;  // pi_old / pi_mu = e^5: dropped by the mask, yet still to be kept near
  batch.add(1, {-1}, {-1}, {-6});
  batch.reference = {0, -2};
  LossOptions options;
  options.importance = ImportanceCorrection::kTokenMask;
  options.kl_coefficient = 0.1;
  options.kl_estimator = KlEstimator::kK2;

  EXPECT_NEAR(evaluate(batch, options).gradient[1], 0.1, 1e-9);  // -d = lp_th - lp_ref = 1
}

TEST(PolicyLoss, ReinforceIsCorrectedForStaleTokensAndMaximumLikelihoodIsNot) {
  Batch batch;  // drawn where the token was half as likely: w = 2 (truncated at 2), A = -1
  batch.add(-1, {-1}, {-1}, {static_cast<float>(-1 - std::log(4.0))});
  LossOptions options;
  options.surrogate = Surrogate::kReinforce;
  EXPECT_NEAR(evaluate(batch, options).gradient[1], 2, 1e-6);
  options.importance = ImportanceCorrection::kNone;
  EXPECT_NEAR(evaluate(batch, options).gradient[1], 1, 1e-6);
  options.surrogate = Surrogate::kSupervised;
  options.importance = ImportanceCorrection::kTokenTruncate;
  EXPECT_NEAR(evaluate(batch, options).gradient[1], 1, 1e-6);
}

TEST(PolicyLoss, PiecesOfWholeSequencesAddUpToTheUndividedBatch) {
  for (int aggregation = 0; aggregation <= 3; ++aggregation) {
    LossOptions options;
    options.aggregation = static_cast<Aggregation>(aggregation);
    options.importance = ImportanceCorrection::kTokenMask;
    options.length_max = 7;
    Rng rng(test_seed());
    const Batch batch = random_batch(rng, options.clip_low, options.clip_high);
    const Outcome whole = evaluate(batch, options);

    LossDenominators denominators;
    const Batch pieces[] = {batch.slice(0, 1), batch.slice(1, 4), batch.slice(4, 5)};
    for (const Batch& piece : pieces) {
      denominators += count_denominators(piece.mask, piece.offsets);
    }
    LossTally total;
    std::vector<double> gradient;
    for (const Batch& piece : pieces) {
      std::vector<double> part(piece.mask.size());
      add_policy_loss(piece.inputs(), options, denominators, part, total);
      gradient.insert(gradient.end(), part.begin(), part.end());
    }

    EXPECT_EQ(gradient, whole.gradient);
    EXPECT_NEAR(total.loss, whole.tally.loss, 1e-12);
    EXPECT_EQ(total.masked_tokens, whole.tally.masked_tokens);
    EXPECT_EQ(total.ratio_min, whole.tally.ratio_min);
    EXPECT_EQ(total.importance_max, whole.tally.importance_max);
    EXPECT_NEAR(total.ess(), whole.tally.ess(), 1e-12);
  }
}

TEST(PolicyLoss, AggregationsDivideAsTheirSourcesSay) {
  Batch batch;  // token losses -1 each, then -2 each: ratio 1 everywhere
  batch.add(1, {-1}, {-1}, {-1});
  batch.add(2, {-1, -1, -1}, {-1, -1, -1}, {-1, -1, -1});
  LossOptions options;
  options.length_max = 10;

  const auto loss = [&](Aggregation aggregation) {
    options.aggregation = aggregation;
    return evaluate(batch, options).tally.loss;
  };

  EXPECT_NEAR(loss(Aggregation::kTokenMean), -7.0 / 4, 1e-12);           // (1 + 6) / 4 tokens
  EXPECT_NEAR(loss(Aggregation::kSequenceMean), -(1 + 2) / 2.0, 1e-12);  // mean of token means
  EXPECT_NEAR(loss(Aggregation::kSequenceSum), -7.0 / 2, 1e-12);         // 7 / 2 sequences
  // With the 1 / sequences of TRL; without it, as verl divides, it would be -0.7.
  EXPECT_NEAR(loss(Aggregation::kConstant), -7.0 / (2 * 10), 1e-12);
}

TEST(PolicyLoss, ClipsLowAndHighApart) {
  LossOptions options;  // 0.2 below, 0.28 above, dual 3

  const Outcome high = evaluate_token(1.5, 1, options);  // min(1.5, 1.28) = 1.28
  EXPECT_NEAR(high.tally.loss, -1.28, 1e-6);
  EXPECT_EQ(high.gradient[1], 0);
  EXPECT_EQ(high.tally.clip_high_tokens, 1);
  EXPECT_EQ(high.tally.clip_low_tokens, 0);

  const Outcome low = evaluate_token(0.5, -1, options);  // max(0.5, 0.8) = 0.8
  EXPECT_NEAR(low.tally.loss, 0.8, 1e-6);
  EXPECT_EQ(low.gradient[1], 0);
  EXPECT_EQ(low.tally.clip_low_tokens, 1);
  EXPECT_EQ(low.tally.clip_high_tokens, 0);
}

TEST(PolicyLoss, ARatioThatMustReturnIsNeverClipped) {
  LossOptions options;

  // Too likely already and punished, too unlikely and rewarded: the gradient pulls back.
  EXPECT_NEAR(evaluate_token(1.5, -1, options).gradient[1], 1.5, 1e-6);
  EXPECT_NEAR(evaluate_token(0.5, 1, options).gradient[1], -0.5, 1e-6);
}

TEST(PolicyLoss, DualClipBoundsOnlyNegativeAdvantages) {
  LossOptions options;

  const Outcome bounded = evaluate_token(5, -1, options);  // min(5, 3)
  EXPECT_NEAR(bounded.tally.loss, 3, 1e-6);
  EXPECT_EQ(bounded.gradient[1], 0);
  EXPECT_EQ(bounded.tally.clip_dual_tokens, 1);

  options.dual_clip = 0;
  EXPECT_NEAR(evaluate_token(5, -1, options).tally.loss, 5, 1e-5);
  options.dual_clip = 3;
  EXPECT_EQ(evaluate_token(5, 1, options).tally.clip_dual_tokens, 0);
}

TEST(PolicyLoss, CispoCapIsAbsoluteAndKeepsItsGradient) {
  LossOptions options;
  options.surrogate = Surrogate::kCispo;  // cap 5, not 1 + 5

  const Outcome capped = evaluate_token(5.5, 1, options);
  EXPECT_NEAR(capped.gradient[1], -5, 1e-6);
  EXPECT_EQ(capped.tally.clip_high_tokens, 1);
  EXPECT_NEAR(evaluate_token(0.01, 1, options).gradient[1], -0.01, 1e-6);  // no lower bound
}

TEST(PolicyLoss, GspoClipsOneRatioForTheWholeSequence) {
  Batch batch;  // log-ratios 0.004 and -0.002: mean 0.001, ratio 1.0010005 > 1 + 4e-4
  batch.add(1, {-0.996f, -1.002f}, {-1, -1}, {-1, -1});
  LossOptions options;
  options.surrogate = Surrogate::kGspo;
  options.clip_low = 3e-4;
  options.clip_high = 4e-4;

  const Outcome outcome = evaluate(batch, options);
  EXPECT_NEAR(outcome.tally.loss, -1.0004, 1e-9);
  EXPECT_EQ(outcome.tally.clip_high_tokens, 2);
  EXPECT_EQ(outcome.gradient[1], 0);
  EXPECT_EQ(outcome.gradient[2], 0);
}

TEST(PolicyLoss, TokenClipRangesAreRefusedForGspo) {
  LossOptions options;
  options.surrogate = Surrogate::kGspo;
  EXPECT_FALSE(check_loss_options(options));  // 0.2 would silently never clip

  options.clip_low = 3e-4;
  options.clip_high = 4e-4;
  EXPECT_TRUE(check_loss_options(options));
}

TEST(PolicyLoss, DefaultsAreTheDecidedOnes) {
  // Where the field disagrees, these were chosen; a changed default is a changed algorithm.
  const LossOptions options;
  EXPECT_EQ(options.surrogate, Surrogate::kClipped);
  EXPECT_EQ(options.aggregation, Aggregation::kTokenMean);
  EXPECT_EQ(options.clip_low, 0.2);
  EXPECT_EQ(options.clip_high, 0.28);
  EXPECT_EQ(options.dual_clip, 3);
  EXPECT_EQ(options.cispo_ratio_max, 5);
  EXPECT_TRUE(options.is_decoupled);
  EXPECT_EQ(options.importance, ImportanceCorrection::kTokenTruncate);
  EXPECT_EQ(options.importance_max, 2);
  EXPECT_EQ(options.kl_coefficient, 0);
  EXPECT_EQ(options.kl_estimator, KlEstimator::kK3Plus);
  EXPECT_EQ(options.entropy_coefficient, 0);
}

TEST(PolicyLoss, OptionsOutOfRangeAreNamed) {
  LossOptions options;
  EXPECT_TRUE(check_loss_options(options));
  options.dual_clip = 0.5;
  EXPECT_NE(check_loss_options(options).error().message.find("dual_clip"), std::string::npos);
  options = {};
  options.aggregation = Aggregation::kConstant;
  EXPECT_NE(check_loss_options(options).error().message.find("length_max"), std::string::npos);
  options = {};
  options.cispo_ratio_max = 0.28;  // a clip range mistaken for the cap
  EXPECT_NE(check_loss_options(options).error().message.find("cispo_ratio_max"), std::string::npos);
  options = {};
  options.importance_min = 3;
  EXPECT_TRUE(check_loss_options(options).error().message.starts_with("importance_min"));
  options = {};
  options.kl_coefficient = -1;
  EXPECT_TRUE(check_loss_options(options).error().message.starts_with("kl_coefficient"));
  options.kl_coefficient = 0.01;
  options.kl_estimator = KlEstimator::kK1;  // its gradient is zero on average
  EXPECT_TRUE(check_loss_options(options).error().message.starts_with("kl_estimator"));
  options.kl_coefficient = 0;
  EXPECT_TRUE(check_loss_options(options));
  options.entropy_coefficient = std::nan("");
  EXPECT_TRUE(check_loss_options(options).error().message.starts_with("entropy_coefficient"));
  options = {};
  options.clip_low = std::nan("");
  EXPECT_FALSE(check_loss_options(options));
}

TEST(PolicyLoss, TruncationCapsTheWeightAndMaskingDropsTheToken) {
  LossOptions options;  // bounds 0.5 .. 2
  const auto weight = [&](ImportanceCorrection correction, double importance) {
    options.importance = correction;
    return -evaluate_token(1, 1, options, importance).tally.loss;
  };

  EXPECT_NEAR(weight(ImportanceCorrection::kNone, 9), 1, 1e-6);
  EXPECT_NEAR(weight(ImportanceCorrection::kTokenTruncate, 9), 2, 1e-6);
  EXPECT_NEAR(weight(ImportanceCorrection::kTokenTruncate, 0.1), 0.1, 1e-6);  // no lower bound
  EXPECT_NEAR(weight(ImportanceCorrection::kTokenMask, 1.5), 1.5, 1e-6);
  EXPECT_NEAR(weight(ImportanceCorrection::kTokenMask, 2.1), 0, 1e-12);
  EXPECT_NEAR(weight(ImportanceCorrection::kTokenMask, 0.4), 0, 1e-12);
}

TEST(PolicyLoss, MaskBoundsActOnTheRatioItselfNotItsInverse) {
  LossOptions options;
  options.importance = ImportanceCorrection::kTokenMask;
  options.importance_min = 0.5;
  options.importance_max = 5;

  // 4 lies inside [0.5, 5]; its inverse 0.25 does not.
  EXPECT_NEAR(evaluate_token(1, 1, options, 4).tally.loss, -4, 1e-5);
  EXPECT_EQ(evaluate_token(1, 1, options, 0.25).tally.masked_tokens, 1);
}

TEST(PolicyLoss, SequenceCorrectionUsesTheProductOverTheSequence) {
  Batch batch;  // token weights 1.5 and 1.6: product 2.4, above 2, though each token is inside
  batch.add(1, {-1, -1}, {-1, -1},
            {static_cast<float>(-1 - std::log(1.5)), static_cast<float>(-1 - std::log(1.6))});
  LossOptions options;
  options.importance = ImportanceCorrection::kSequenceMask;
  EXPECT_EQ(evaluate(batch, options).tally.masked_tokens, 2);
  options.importance = ImportanceCorrection::kSequenceTruncate;
  EXPECT_NEAR(evaluate(batch, options).tally.loss, -2, 1e-6);
}

TEST(PolicyLoss, DroppedTokensStayInTheDenominator) {
  Batch batch;  // one token kept, one dropped
  batch.add(1, {-1, -1}, {-1, -1}, {-1, -6});
  LossOptions options;
  options.importance = ImportanceCorrection::kTokenMask;

  // Divided by both tokens: -1/2. Divided by the kept one it would be -1.
  EXPECT_NEAR(evaluate(batch, options).tally.loss, -0.5, 1e-12);
}

TEST(PolicyLoss, DecouplingClipsAgainstTheProximalPolicyNotTheStaleOne) {
  Batch batch;  // th = old, but the sampler was far behind: th/mu = e^1 = 2.7 would be clipped
  batch.add(1, {-1}, {-1}, {-2});
  LossOptions options;
  EXPECT_NEAR(evaluate(batch, options).gradient[1], -2, 1e-6);  // ratio 1, weight min(2.7, 2)

  options.is_decoupled = false;
  const Outcome coupled = evaluate(batch, options);
  EXPECT_EQ(coupled.gradient[1], 0);  // clipped, and no second weight: it would count twice
  EXPECT_NEAR(coupled.tally.loss, -1.28, 1e-6);
  EXPECT_EQ(coupled.tally.importance_max, 1);
}

TEST(PolicyLoss, EffectiveSampleSizeOfEqualWeightsIsOne) {
  Batch batch;
  batch.add(1, {-1, -1}, {-1, -1}, {-1, -1});
  EXPECT_NEAR(evaluate(batch, {}).tally.ess(), 1, 1e-12);

  Batch uneven;  // weights 2 and 0.5: (2.5)^2 / (2 * 4.25)
  uneven.add(1, {-1, -1}, {-1, -1},
             {static_cast<float>(-1 - std::log(2.0)), static_cast<float>(-1 + std::log(2.0))});
  EXPECT_NEAR(evaluate(uneven, {}).tally.ess(), 6.25 / 8.5, 1e-6);
}

TEST(PolicyLoss, MismatchIsMeasuredFromBehaviourToProximal) {
  Batch batch;  // x = lp_old - lp_mu = 0.5
  batch.add(1, {-1}, {-1}, {-1.5});
  const LossTally tally = evaluate(batch, {}).tally;
  EXPECT_NEAR(tally.behaviour_k1_sum, -0.5, 1e-12);
  EXPECT_NEAR(tally.behaviour_k3_sum, std::exp(0.5) - 1.5, 1e-9);
}

TEST(PolicyLoss, AMaskedRolloutChangesNothing) {
  Batch batch;
  batch.add(1, {-1}, {-1}, {-1});
  const Outcome alone = evaluate(batch, {});
  batch.add(-5, {-1, -2}, {-1, -1}, {-1, -1});
  for (std::size_t t = batch.offsets[1]; t < batch.offsets[2]; ++t) batch.mask[t] = 0;

  for (int aggregation = 0; aggregation <= 3; ++aggregation) {
    LossOptions options;
    options.aggregation = static_cast<Aggregation>(aggregation);
    options.length_max = 1;
    const Outcome both = evaluate(batch, options);
    EXPECT_EQ(both.tally.loss, alone.tally.loss);  // not half of it
    EXPECT_EQ(both.tally.trained_tokens, 1);
    EXPECT_EQ(both.gradient[3], 0);
  }
}

TEST(PolicyLoss, AnEntirelyMaskedBatchIsZeroNotNan) {
  Batch batch;
  batch.push(-1, -1, -1, 1, 0);
  batch.offsets.push_back(1);
  const Outcome outcome = evaluate(batch, {});
  EXPECT_EQ(outcome.tally.loss, 0);
  EXPECT_EQ(outcome.tally.ess(), 1);
  EXPECT_EQ(outcome.tally.ratio_min, 1);
  EXPECT_EQ(outcome.gradient[0], 0);
}

TEST(PolicyLoss, HugeLogRatiosStayFinite) {
  Batch batch;
  batch.add(-1, {-1}, {-300}, {-600});
  for (int surrogate = 0; surrogate <= static_cast<int>(Surrogate::kCispo); ++surrogate) {
    LossOptions options;
    options.surrogate = static_cast<Surrogate>(surrogate);
    options.dual_clip = 0;
    const Outcome outcome = evaluate(batch, options);
    EXPECT_TRUE(std::isfinite(outcome.tally.loss));
    EXPECT_TRUE(std::isfinite(outcome.gradient[1]));
  }
}

TEST(PolicyLoss, SupervisedIsTheMeanNegativeLogProb) {
  Batch batch;
  batch.add(1, {-1, -3}, {0, 0}, {0, 0});
  batch.proximal.clear();
  batch.behaviour.clear();
  LossOptions options;
  options.surrogate = Surrogate::kSupervised;
  const Outcome outcome = evaluate(batch, options);
  EXPECT_NEAR(outcome.tally.loss, 2, 1e-12);
  EXPECT_NEAR(outcome.gradient[1], -0.5, 1e-12);
  EXPECT_NEAR(outcome.tally.mean(outcome.tally.logprob_sum), -2, 1e-12);
}

TEST(PolicyLoss, BatchWeightsScaleTheLossNotTheDenominator) {
  Batch batch;
  batch.add(1, {-1, -1}, {-1, -1}, {-1, -1});
  batch.weights = {1, 3, 0};
  EXPECT_NEAR(evaluate(batch, {}).tally.loss, -1.5, 1e-12);
}

}  // namespace
}  // namespace assay::algo
