// KL estimators between the current policy and a reference, token by token.
//
// With d = lp_ref - lp_th at a token drawn from the current policy:
//   k1 = -d            unbiased, may be negative; as a loss its expected gradient is zero
//   k2 = d^2 / 2       biased value; as a loss, the gradient of KL(th || ref)
//   k3 = e^d - d - 1   unbiased, never negative; as a loss, the gradient of KL(ref || th)
//   k3+                the value of k3 with the gradient of k2 (straight through)
// Source: Schulman, "Approximating KL divergence"; the straight-through form as in verl. Values are
// unbiased only for tokens of the current policy: multiply by the ratio for stale ones.
#pragma once

#include <cstdint>

namespace assay::algo {

enum class KlEstimator : std::uint8_t { kK1, kK2, kK3, kK3Plus };

struct KlTerm {
  double value = 0;  // nats
  double slope = 0;  // d loss / d lp_th when the estimator is added to the loss
};

// The estimator at one token. d is clamped to [-20, 20] and k3 to at most 10, as verl does; the
// slope is 0 outside the clamps.
KlTerm kl_term(KlEstimator estimator, double logprob_current, double logprob_reference);

}  // namespace assay::algo
