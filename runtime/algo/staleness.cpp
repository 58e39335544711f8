#include "runtime/algo/staleness.h"

#include <algorithm>

namespace assay::algo {

std::uint64_t admission_capacity(const AdmissionState& state) {
  const std::uint64_t limit = (state.staleness_max + state.policy_version + 1) * state.batch_groups;
  const std::uint64_t started = state.accepted + state.running;
  const std::uint64_t by_staleness = limit > started ? limit - started : 0;
  if (state.running_max == 0) return by_staleness;
  const std::uint64_t by_running =
      state.running_max > state.running ? state.running_max - state.running : 0;
  return std::min(by_staleness, by_running);
}

std::uint64_t accepted_after_recovery(std::uint64_t policy_version, std::uint64_t batch_groups) {
  return policy_version * batch_groups;
}

std::uint64_t staleness_of(PolicyVersion trained_at, PolicyVersion oldest_token) {
  return trained_at > oldest_token ? trained_at.value - oldest_token.value : 0;
}

void StalenessHistogram::add(std::uint64_t staleness) {
  if (staleness < counts_.size()) {
    ++counts_[staleness];
  } else {
    ++overflow_;
  }
  ++total_;
  max_ = std::max(max_, staleness);
  sum_ += static_cast<double>(staleness);
}

double interpolated_proximal(const StaleToken& token) {
  if (token.version_current <= token.version_behaviour ||
      token.version_proximal <= token.version_behaviour) {
    return token.logprob_behaviour;
  }
  const auto travelled = static_cast<double>(token.version_proximal - token.version_behaviour);
  const auto whole = static_cast<double>(token.version_current - token.version_behaviour);
  const double fraction = std::min(travelled / whole, 1.0);
  return token.logprob_behaviour + fraction * (token.logprob_current - token.logprob_behaviour);
}

}  // namespace assay::algo
