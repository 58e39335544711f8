#include "runtime/algo/kl.h"

#include <algorithm>
#include <cmath>

namespace assay::algo {
namespace {

constexpr double kDifferenceMax = 20;
constexpr double kK3Max = 10;

KlTerm k3_term(double d) {
  const double value = std::expm1(d) - d;
  return value > kK3Max ? KlTerm{kK3Max, 0} : KlTerm{value, -std::expm1(d)};
}

}  // namespace

KlTerm kl_term(KlEstimator estimator, double logprob_current, double logprob_reference) {
  const double unclamped = logprob_reference - logprob_current;
  const double d = std::clamp(unclamped, -kDifferenceMax, kDifferenceMax);
  const bool is_clamped = d != unclamped;
  const auto with_slope = [&](double value, double slope) {
    return KlTerm{value, is_clamped ? 0 : slope};
  };
  switch (estimator) {
    case KlEstimator::kK1:
      return with_slope(-d, 1);
    case KlEstimator::kK2:
      return with_slope(d * d / 2, -d);
    case KlEstimator::kK3:
      return with_slope(k3_term(d).value, k3_term(d).slope);
    case KlEstimator::kK3Plus:
      return with_slope(k3_term(d).value, -d);
  }
  return {};
}

}  // namespace assay::algo
