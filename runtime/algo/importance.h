// Importance diagnostics: how far the policy that trains stands from the policy that sampled.
//
// All ratios are proximal / behaviour (old / mu): the same weights seen by two engines, or two
// versions. Source: the rollout-correction metrics of verl; the effective sample size as a
// predictor of asynchronous collapse: arXiv:2602.17616.
#pragma once

#include <cstdint>
#include <span>

namespace assay::algo {

struct ImportanceDiagnostics {
  std::uint64_t token_count = 0;
  std::uint64_t sequence_count = 0;
  double kl_k1 = 0;             // mean of lp_mu - lp_old
  double kl_k3 = 0;             // mean of e^x - x - 1, x = lp_old - lp_mu
  double perplexity_ratio = 1;  // mean over sequences of exp(mean lp_mu - mean lp_old)
  double chi2_token = 0;        // mean ratio^2 - 1
  double chi2_sequence = 0;     // mean over sequences of (product of ratios)^2, - 1
  double ess = 1;               // of token ratios clipped to [1 / bound, bound], in (0, 1]
  double ratio_min = 1;
  double ratio_mean = 1;
  double ratio_max = 1;
  double above_fraction = 0;  // ratios above bound
  double below_fraction = 0;  // ratios below 1 / bound
};

// Diagnostics over trained tokens of a packed batch.
//   logprobs_proximal, logprobs_behaviour, mask  [token_count], nats
//   offsets  [sequence_count + 1]
//   bound    > 1; the truncation of the correction in use
// Log-ratios are clamped to [-20, 20] before exp. Without trained tokens: the neutral values above.
ImportanceDiagnostics importance_diagnostics(std::span<const float> logprobs_proximal,
                                             std::span<const float> logprobs_behaviour,
                                             std::span<const std::uint8_t> mask,
                                             std::span<const std::uint32_t> offsets, double bound);

// (sum w)^2 / (n sum w^2), in (0, 1]; 1 for an empty span or all zeros.
double effective_sample_size(std::span<const double> weights);

}  // namespace assay::algo
