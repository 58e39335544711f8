// How per-token advantages enter the loss: the choices shared by the double-precision definition
// (policy_loss.h) and the fast backends (gpu/*), which are tested against it.
//
// Notation: mu = behaviour policy (drew the tokens), old = proximal policy (weights when the update
// began), th = current policy. Every log-ratio is clamped to [-20, 20] before exp.
#pragma once

#include <cstdint>

#include "runtime/algo/kl.h"

namespace assay::algo {

enum class Surrogate : std::uint8_t {
  kSupervised,  // -advantage * lp_th: maximum likelihood when advantages are 1; nothing is
                // corrected
  kClipped,     // PPO clipping of exp(lp_th - lp_old) per token, asymmetric, optional dual clip
  kGspo,        // one length-normalised ratio a sequence, arXiv:2507.18071
  kCispo,       // detached capped ratio times lp_th, never zero gradient, arXiv:2506.13585
  kReinforce,   // -advantage * lp_th with the importance correction below, RLOO arXiv:2402.14740
};

// Denominators are taken over the whole optimiser step, before any importance masking.
enum class Aggregation : std::uint8_t {
  kTokenMean,     // sum over tokens / trained tokens (DAPO, verl and TRL default)
  kSequenceMean,  // mean over sequences of the sequence's token mean (GRPO paper, GSPO)
  kSequenceSum,   // mean over sequences of the sequence's token sum (REINFORCE)
  kConstant,      // sum over tokens / (sequences * length_max) (Dr. GRPO, as TRL divides)
};

enum class ImportanceCorrection : std::uint8_t {
  kNone,
  kTokenTruncate,     // w_t = min(pi_old/pi_mu, importance_max)
  kTokenMask,         // w_t = ratio if importance_min <= ratio <= importance_max, else 0
  kSequenceTruncate,  // the same on the product over the sequence
  kSequenceMask,
};

struct LossOptions {
  Surrogate surrogate = Surrogate::kClipped;
  Aggregation aggregation = Aggregation::kTokenMean;
  double clip_low = 0.2;         // GSPO wants about 3e-4
  double clip_high = 0.28;       // GSPO wants about 4e-4
  double dual_clip = 3.0;        // bound on the loss for negative advantages; 0 = off
  double cispo_ratio_max = 5.0;  // absolute cap on the ratio, not 1 + eps
  std::uint32_t length_max = 0;  // for kConstant
  ImportanceCorrection importance = ImportanceCorrection::kTokenTruncate;
  double importance_min = 0.5;  // masks only
  double importance_max = 2.0;
  // Decoupled: ratio is th/old with old the weights at the start of the update, corrected by old/mu
  // (AReaL, arXiv:2505.24298). Otherwise old := mu and no correction is applied.
  bool is_decoupled = true;
  double entropy_coefficient = 0;  // loss -= coefficient * mean token entropy
  // loss += coefficient * KL between the current and the reference policy, aggregated as the
  // surrogate is. It is not reweighted for stale tokens.
  double kl_coefficient = 0;
  KlEstimator kl_estimator = KlEstimator::kK3Plus;
};

}  // namespace assay::algo
