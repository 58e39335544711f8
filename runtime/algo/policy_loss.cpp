#include "runtime/algo/policy_loss.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <vector>

namespace assay::algo {
namespace {

constexpr double kLogRatioMax = 20;
constexpr double kGspoLogRatioMax = 10;
// A token ratio's usual clip range is never reached by GSPO's length-normalised ratio.
constexpr double kGspoClipMax = 0.05;

double log_ratio(double numerator, double denominator) {
  return std::clamp(numerator - denominator, -kLogRatioMax, kLogRatioMax);
}

// d clamp(x) / dx.
double clamp_slope(double x, double low, double high) {
  return x < low || x > high ? 0.0 : 1.0;
}

enum class Clip { kNone, kLow, kHigh, kDual };

// The negated clipped objective of one ratio, and its derivative by that ratio.
struct ClippedLoss {
  double value = 0;
  double slope = 0;
  Clip clip = Clip::kNone;
};

ClippedLoss clipped_loss(double ratio, double advantage, const LossOptions& options) {
  const double nearest = std::clamp(ratio, 1 - options.clip_low, 1 + options.clip_high);
  const double plain = -advantage * ratio;
  const double clipped = -advantage * nearest;
  if (clipped > plain) return {clipped, 0, advantage < 0 ? Clip::kLow : Clip::kHigh};
  const double bound = -advantage * options.dual_clip;
  if (advantage < 0 && options.dual_clip > 0 && plain > bound) return {bound, 0, Clip::kDual};
  return {plain, -advantage, Clip::kNone};
}

void count_clip(Clip clip, LossTally& tally) {
  tally.clip_low_tokens += clip == Clip::kLow;
  tally.clip_high_tokens += clip == Clip::kHigh;
  tally.clip_dual_tokens += clip == Clip::kDual;
}

void extend(double value, double& low, double& high) {
  low = std::min(low, value);
  high = std::max(high, value);
}

// One sequence of the piece under work.
struct Sequence {
  std::size_t begin = 0;
  std::size_t end = 0;
  double tokens = 0;  // trained
  double scale = 0;   // inverse denominator of its tokens
};

class PieceLoss {
 public:
  PieceLoss(const LossInputs& inputs, const LossOptions& options, std::span<double> gradient)
      : in_(inputs),
        options_(options),
        gradient_(gradient),
        importance_(inputs.mask.size(), 1.0),
        is_supervised_(options.surrogate == Surrogate::kSupervised) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    tally_.ratio_min = tally_.importance_min = kInfinity;
    tally_.ratio_max = tally_.importance_max = -kInfinity;
  }

  void add(const Sequence& sequence) {
    tally_.trained_tokens += sequence.tokens;
    tally_.sequences += 1;
    for_trained(sequence, [&](std::size_t t) { tally_.logprob_sum += in_.logprobs_current[t]; });
    if (is_supervised_) {
      add_supervised(sequence);
      return;
    }
    weigh(sequence);
    switch (options_.surrogate) {
      case Surrogate::kSupervised:
        break;
      case Surrogate::kClipped:
        add_clipped(sequence);
        break;
      case Surrogate::kGspo:
        add_gspo(sequence);
        break;
      case Surrogate::kCispo:
        add_cispo(sequence);
        break;
      case Surrogate::kReinforce:
        add_log_likelihood(sequence);
        break;
    }
    if (!in_.logprobs_reference.empty()) add_reference(sequence);
  }

  const LossTally& tally() const { return tally_; }

 private:
  template <class Visit>
  void for_trained(const Sequence& sequence, Visit&& visit) const {
    for (std::size_t t = sequence.begin; t < sequence.end; ++t) {
      if (in_.mask[t]) visit(t);
    }
  }

  std::span<const float> proximal() const {
    return options_.is_decoupled ? in_.logprobs_proximal : in_.logprobs_behaviour;
  }

  // Factor on token t's loss besides the surrogate: batch weight, correction, aggregation.
  double factor(std::size_t t, const Sequence& sequence) const {
    return (in_.weights.empty() ? 1.0 : in_.weights[t]) * importance_[t] * sequence.scale;
  }

  void add_ratio(double ratio) {
    extend(ratio, tally_.ratio_min, tally_.ratio_max);
    tally_.ratio_sum += ratio;
  }

  double corrected(double ratio) const {
    switch (options_.importance) {
      case ImportanceCorrection::kNone:
        return 1;
      case ImportanceCorrection::kTokenTruncate:
      case ImportanceCorrection::kSequenceTruncate:
        return std::min(ratio, options_.importance_max);
      case ImportanceCorrection::kTokenMask:
      case ImportanceCorrection::kSequenceMask:
        return ratio >= options_.importance_min && ratio <= options_.importance_max ? ratio : 0;
    }
    return 1;
  }

  // Sets importance_ for the sequence and records the mismatch between sampler and trainer.
  void weigh(const Sequence& sequence) {
    const std::span<const float> nearer =
        options_.is_decoupled ? in_.logprobs_proximal : in_.logprobs_current;
    double sum = 0;
    for_trained(sequence, [&](std::size_t t) {
      const double x = log_ratio(nearer[t], in_.logprobs_behaviour[t]);
      sum += double{nearer[t]} - double{in_.logprobs_behaviour[t]};
      add_mismatch(x);
      if (options_.is_decoupled) importance_[t] = corrected(std::exp(x));
    });
    if (options_.is_decoupled && is_sequence_level()) {
      const double weight = corrected(std::exp(std::clamp(sum, -kLogRatioMax, kLogRatioMax)));
      for_trained(sequence, [&](std::size_t t) { importance_[t] = weight; });
    }
    for_trained(sequence, [&](std::size_t t) {
      extend(importance_[t], tally_.importance_min, tally_.importance_max);
      tally_.importance_sum += importance_[t];
      tally_.masked_tokens += importance_[t] == 0;
    });
  }

  bool is_sequence_level() const {
    return options_.importance == ImportanceCorrection::kSequenceTruncate ||
           options_.importance == ImportanceCorrection::kSequenceMask;
  }

  void add_mismatch(double x) {
    const double raw =
        std::clamp(std::exp(x), 1 / options_.importance_max, options_.importance_max);
    tally_.raw_sum += raw;
    tally_.raw_square_sum += raw * raw;
    tally_.behaviour_k1_sum -= x;
    tally_.behaviour_k3_sum += std::expm1(x) - x;
  }

  void add_supervised(const Sequence& sequence) {
    add_log_likelihood(sequence);
    tally_.importance_sum += sequence.tokens;
    tally_.raw_sum += sequence.tokens;
    tally_.raw_square_sum += sequence.tokens;
    extend(1, tally_.importance_min, tally_.importance_max);
  }

  void add_log_likelihood(const Sequence& sequence) {
    for_trained(sequence, [&](std::size_t t) {
      const double coefficient = -factor(t, sequence) * in_.advantages[t];
      tally_.loss += coefficient * in_.logprobs_current[t];
      gradient_[t] = coefficient;
      add_ratio(1);
    });
  }

  void add_clipped(const Sequence& sequence) {
    for_trained(sequence, [&](std::size_t t) {
      const double difference = double{in_.logprobs_current[t]} - double{proximal()[t]};
      const double ratio = std::exp(std::clamp(difference, -kLogRatioMax, kLogRatioMax));
      const ClippedLoss loss = clipped_loss(ratio, in_.advantages[t], options_);
      const double scale = factor(t, sequence);
      tally_.loss += scale * loss.value;
      gradient_[t] =
          scale * loss.slope * ratio * clamp_slope(difference, -kLogRatioMax, kLogRatioMax);
      count_clip(loss.clip, tally_);
      add_ratio(ratio);
    });
  }

  // Every token's loss depends on the one ratio, hence on every log-prob of the sequence alike.
  void add_gspo(const Sequence& sequence) {
    double mean = 0;
    for_trained(sequence, [&](std::size_t t) {
      mean += (double{in_.logprobs_current[t]} - double{proximal()[t]}) / sequence.tokens;
    });
    const double ratio = std::exp(std::clamp(mean, -kLogRatioMax, kGspoLogRatioMax));
    double slope = 0;
    for_trained(sequence, [&](std::size_t t) {
      const ClippedLoss loss = clipped_loss(ratio, in_.advantages[t], options_);
      const double scale = factor(t, sequence);
      tally_.loss += scale * loss.value;
      slope += scale * loss.slope;
      count_clip(loss.clip, tally_);
      add_ratio(ratio);
    });
    slope *= ratio * clamp_slope(mean, -kLogRatioMax, kGspoLogRatioMax) / sequence.tokens;
    for_trained(sequence, [&](std::size_t t) { gradient_[t] = slope; });
  }

  void add_cispo(const Sequence& sequence) {
    for_trained(sequence, [&](std::size_t t) {
      const double ratio = std::exp(log_ratio(in_.logprobs_current[t], proximal()[t]));
      const double capped = std::min(ratio, options_.cispo_ratio_max);
      const double coefficient = -factor(t, sequence) * capped * in_.advantages[t];
      tally_.loss += coefficient * in_.logprobs_current[t];
      gradient_[t] = coefficient;
      tally_.clip_high_tokens += ratio > options_.cispo_ratio_max;
      add_ratio(ratio);
    });
  }

  void add_reference(const Sequence& sequence) {
    for_trained(sequence, [&](std::size_t t) {
      const double current = in_.logprobs_current[t], reference = in_.logprobs_reference[t];
      tally_.reference_k1_sum += kl_term(KlEstimator::kK1, current, reference).value;
      tally_.reference_k3_sum += kl_term(KlEstimator::kK3, current, reference).value;
      if (options_.kl_coefficient == 0) return;
      const KlTerm term = kl_term(options_.kl_estimator, current, reference);
      const double scale = (in_.weights.empty() ? 1.0 : in_.weights[t]) * sequence.scale;
      tally_.loss += options_.kl_coefficient * scale * term.value;
      gradient_[t] += options_.kl_coefficient * scale * term.slope;
    });
  }

  const LossInputs& in_;
  const LossOptions& options_;
  std::span<double> gradient_;
  std::vector<double> importance_;  // [token_count]
  bool is_supervised_;
  LossTally tally_;
};

void check_shapes(const LossInputs& inputs, const LossOptions& options,
                  std::span<const double> gradient) {
  const std::size_t tokens = inputs.mask.size();
  const bool is_supervised = options.surrogate == Surrogate::kSupervised;
  ASSAY_CHECK(inputs.logprobs_current.size() == tokens && inputs.advantages.size() == tokens &&
                  gradient.size() == tokens,
              "log-probs, advantages, mask and gradient have one entry a token");
  ASSAY_CHECK(inputs.weights.empty() || inputs.weights.size() == tokens,
              "weights are empty or have one entry a token");
  ASSAY_CHECK(is_supervised || inputs.logprobs_behaviour.size() == tokens,
              "behaviour log-probs have one entry a token");
  ASSAY_CHECK(is_supervised || !options.is_decoupled || inputs.logprobs_proximal.size() == tokens,
              "proximal log-probs have one entry a token when decoupled");
  ASSAY_CHECK(is_supervised || inputs.logprobs_reference.size() == tokens ||
                  (inputs.logprobs_reference.empty() && options.kl_coefficient == 0),
              "a KL term has one reference log-prob a token");
}

double count_trained(std::span<const std::uint8_t> mask) {
  return static_cast<double>(
      std::count_if(mask.begin(), mask.end(), [](std::uint8_t m) { return m != 0; }));
}

Error invalid(std::string message, std::string remedy) {
  return {ErrorCode::kInvalidInput, std::move(message), std::move(remedy), "", ""};
}

}  // namespace

LossTally& LossTally::operator+=(const LossTally& other) {
  if (other.trained_tokens > 0) {
    const bool is_first = trained_tokens == 0;
    ratio_min = is_first ? other.ratio_min : std::min(ratio_min, other.ratio_min);
    ratio_max = is_first ? other.ratio_max : std::max(ratio_max, other.ratio_max);
    importance_min =
        is_first ? other.importance_min : std::min(importance_min, other.importance_min);
    importance_max =
        is_first ? other.importance_max : std::max(importance_max, other.importance_max);
  }
  loss += other.loss;
  trained_tokens += other.trained_tokens;
  logprob_sum += other.logprob_sum;
  clip_low_tokens += other.clip_low_tokens;
  clip_high_tokens += other.clip_high_tokens;
  clip_dual_tokens += other.clip_dual_tokens;
  masked_tokens += other.masked_tokens;
  ratio_sum += other.ratio_sum;
  importance_sum += other.importance_sum;
  raw_sum += other.raw_sum;
  raw_square_sum += other.raw_square_sum;
  behaviour_k1_sum += other.behaviour_k1_sum;
  behaviour_k3_sum += other.behaviour_k3_sum;
  reference_k1_sum += other.reference_k1_sum;
  reference_k3_sum += other.reference_k3_sum;
  sequences += other.sequences;
  return *this;
}

double LossTally::mean(double sum, double if_none) const {
  return trained_tokens > 0 ? sum / trained_tokens : if_none;
}

double LossTally::ess() const {
  return raw_square_sum > 0 ? raw_sum * raw_sum / (trained_tokens * raw_square_sum) : 1;
}

LossDenominators count_denominators(std::span<const std::uint8_t> mask,
                                    std::span<const std::uint32_t> offsets) {
  LossDenominators total;
  for (std::size_t i = 0; i + 1 < offsets.size(); ++i) {
    const double tokens = count_trained(mask.subspan(offsets[i], offsets[i + 1] - offsets[i]));
    total.trained_tokens += tokens;
    total.sequences += tokens > 0;
  }
  return total;
}

double token_scale(const LossOptions& options, const LossDenominators& denominators,
                   double sequence_tokens) {
  switch (options.aggregation) {
    case Aggregation::kTokenMean:
      return 1 / denominators.trained_tokens;
    case Aggregation::kSequenceMean:
      return 1 / (denominators.sequences * sequence_tokens);
    case Aggregation::kSequenceSum:
      return 1 / denominators.sequences;
    case Aggregation::kConstant:
      return 1 / (denominators.sequences * options.length_max);
  }
  return 0;
}

void add_policy_loss(const LossInputs& inputs, const LossOptions& options,
                     const LossDenominators& denominators, std::span<double> gradient,
                     LossTally& tally) {
  check_shapes(inputs, options, gradient);
  ASSAY_CHECK(denominators.trained_tokens >= count_trained(inputs.mask),
              "denominators are counted over the whole step, which holds this piece");
  std::fill(gradient.begin(), gradient.end(), 0.0);
  PieceLoss piece(inputs, options, gradient);
  for (std::size_t i = 0; i + 1 < inputs.offsets.size(); ++i) {
    Sequence sequence{inputs.offsets[i], inputs.offsets[i + 1]};
    sequence.tokens =
        count_trained(inputs.mask.subspan(sequence.begin, sequence.end - sequence.begin));
    if (sequence.tokens == 0) continue;
    sequence.scale = token_scale(options, denominators, sequence.tokens);
    piece.add(sequence);
  }
  if (piece.tally().trained_tokens > 0) tally += piece.tally();
}

Result<void> check_loss_options(const LossOptions& options) {
  const bool is_gspo = options.surrogate == Surrogate::kGspo;
  if (!(options.clip_low >= 0) || !(options.clip_high >= 0)) {
    return invalid("clip_low and clip_high must be at least 0", "use e.g. 0.2 and 0.28");
  }
  if (is_gspo && (options.clip_low > kGspoClipMax || options.clip_high > kGspoClipMax)) {
    return invalid(
        std::string(options.clip_high > kGspoClipMax ? "clip_high" : "clip_low") +
            " above 0.05 never clips GSPO's ratio, which is a mean over the whole sequence",
        "use clip_low = 3e-4 and clip_high = 4e-4");
  }
  if (!(options.dual_clip == 0 || options.dual_clip > 1)) {
    return invalid("dual_clip must be 0 (off) or above 1", "use 3.0");
  }
  if (!(options.cispo_ratio_max >= 1)) {
    return invalid("cispo_ratio_max is an absolute cap on the ratio and must be at least 1",
                   "use 5.0");
  }
  if (options.aggregation == Aggregation::kConstant && options.length_max == 0) {
    return invalid("aggregation constant divides by length_max, which is 0",
                   "set length_max to the longest completion allowed");
  }
  if (!(options.kl_coefficient >= 0) || !std::isfinite(options.kl_coefficient)) {
    return invalid("kl_coefficient must be at least 0", "use e.g. 0.001");
  }
  if (options.kl_coefficient > 0 && options.kl_estimator == KlEstimator::kK1) {
    return invalid("kl_estimator k1 has a gradient that is zero on average: as a loss it is noise",
                   "use k2 or k3_plus, whose gradient is that of the KL divergence");
  }
  if (!(options.entropy_coefficient >= 0) || !std::isfinite(options.entropy_coefficient)) {
    return invalid("entropy_coefficient must be at least 0", "use e.g. 0.001");
  }
  if (!(options.importance_max >= 1) || !(options.importance_min >= 0) ||
      !(options.importance_min <= 1)) {
    return invalid("importance_min and importance_max must hold 0 <= min <= 1 <= max",
                   "use 0.5 and 2.0");
  }
  return {};
}

}  // namespace assay::algo
