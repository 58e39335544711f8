// The policy loss in double precision: the definition that every backend's fast kernel is tested
// against, and what gpu/host uses directly.
//
// A packed batch is processed in any number of pieces of whole sequences. Denominators are counted
// over the whole optimiser step first, so the pieces add up exactly to the undivided batch: loss,
// gradient and tally are plain sums (trap 8 of the field: dividing by what masking left over).
#pragma once

#include <cstdint>
#include <span>

#include "runtime/algo/loss_options.h"
#include "runtime/core/result.h"

namespace assay::algo {

// What a sum over trained tokens is divided by: totals of one optimiser step. Tokens that an
// importance mask later drops still count here, as AReaL does; otherwise the tokens kept would
// weigh more the more were dropped. A sequence counts when it has at least one trained token.
struct LossDenominators {
  double trained_tokens = 0;
  double sequences = 0;

  LossDenominators& operator+=(const LossDenominators& other) {
    trained_tokens += other.trained_tokens;
    sequences += other.sequences;
    return *this;
  }
};

// Totals of one piece; add those of all pieces of the step before computing any loss.
//   mask     [token_count], non-zero = trained
//   offsets  [sequence_count + 1], first 0, last token_count
LossDenominators count_denominators(std::span<const std::uint8_t> mask,
                                    std::span<const std::uint32_t> offsets);

// Views into a packed batch, laid out as wire::TrainBatch: entry t belongs to predicting tokens[t].
// Entries with mask 0 are never read. Offsets start at 0 and cover every entry.
struct LossInputs {
  std::span<const float> logprobs_current;   // [token_count], nats: lp_th
  std::span<const float> logprobs_proximal;  // [token_count]: lp_old; may be empty unless decoupled
  std::span<const float> logprobs_behaviour;  // [token_count]: lp_mu; may be empty for supervised
  std::span<const float> logprobs_reference;  // [token_count]: lp_ref; empty = no reference
  std::span<const float> advantages;          // [token_count]
  std::span<const float> weights;             // [token_count], factor on the loss; empty = all 1
  std::span<const std::uint8_t> mask;         // [token_count], non-zero = trained
  std::span<const std::uint32_t> offsets;     // [sequence_count + 1]
};

// Sums over trained tokens; pieces merge with +=. Ratios are current / proximal (one a sequence for
// GSPO, counted once a token); importance is proximal / behaviour.
struct LossTally {
  double loss = 0;            // already divided: pieces of a step add up to the step's loss
  double trained_tokens = 0;  // the denominator of the means below
  double logprob_sum = 0;
  double clip_low_tokens = 0;   // ratio < 1 - clip_low and advantage < 0
  double clip_high_tokens = 0;  // ratio > 1 + clip_high and advantage > 0 (CISPO: above its cap)
  double clip_dual_tokens = 0;  // loss bounded by dual_clip, advantage < 0
  double masked_tokens = 0;     // dropped by an importance mask
  double ratio_min = 1, ratio_max = 1, ratio_sum = 0;
  // The weight applied to the loss, 0 for dropped tokens.
  double importance_min = 1, importance_max = 1, importance_sum = 0;
  // Raw token ratios clipped to [1/importance_max, importance_max], for the effective sample size.
  double raw_sum = 0, raw_square_sum = 0;
  double behaviour_k1_sum = 0;  // lp_mu - lp_old
  double behaviour_k3_sum = 0;  // e^x - x - 1, x = lp_old - lp_mu
  double reference_k1_sum = 0;  // lp_th - lp_ref
  double reference_k3_sum = 0;  // e^d - d - 1, d = lp_ref - lp_th
  double sequences = 0;         // with a trained token

  LossTally& operator+=(const LossTally& other);

  // A mean over trained tokens; `if_none` when there are none.
  double mean(double sum, double if_none = 0) const;
  // (sum w)^2 / (n sum w^2) in (0, 1]; 1 when there are no trained tokens.
  // Source: the reciprocal form 1 / mean((w / mean w)^2) of verl's rollout diagnostics.
  double ess() const;
};

// Adds one piece's loss to the tally and writes its gradient.
//   gradient  [token_count], overwritten: d loss / d lp_th; 0 where masked out
// Importance weights and CISPO's capped ratio are detached. Log-ratios are clamped to [-20, 20]
// (GSPO's sequence log-ratio to [-20, 10]); outside the clamp the gradient is 0. Without decoupling
// the ratio is current / behaviour, no weight is applied, and the importance figures describe
// current against behaviour. The supervised surrogate reads only current log-probs. Where there is
// a reference, its KL is measured, and added to the loss by kl_coefficient.
// Aborts when the spans disagree in length, or when the denominators are smaller than the piece.
// Source: PPO arXiv:1707.06347, dual clip arXiv:1912.09729, DAPO arXiv:2503.14476 (asymmetric clip,
// token mean), GSPO arXiv:2507.18071, CISPO arXiv:2506.13585, decoupled PPO arXiv:2505.24298.
void add_policy_loss(const LossInputs& inputs, const LossOptions& options,
                     const LossDenominators& denominators, std::span<double> gradient,
                     LossTally& tally);

// What multiplies token `t`'s loss so that the sum over tokens is the aggregated loss: the inverse
// denominator, before any importance weight. `sequence_tokens` = trained tokens of its sequence.
double token_scale(const LossOptions& options, const LossDenominators& denominators,
                   double sequence_tokens);

// Errors: kInvalidInput, its message beginning with the option that is out of range, e.g. dual_clip
// in (0, 1], which would bind inside the clip range, clip ranges of a token ratio for GSPO, which
// never clip, or the KL estimator k1, whose gradient is noise.
Result<void> check_loss_options(const LossOptions& options);

}  // namespace assay::algo
