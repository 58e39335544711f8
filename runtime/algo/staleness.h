// Staleness: how many policy versions pass between sampling a rollout and training on it, and the
// admission rule that bounds it.
//
// Staleness is counted in versions, never as a fraction of rollouts, from the oldest token.
// Source: AReaL, arXiv:2505.24298 and its capacity rule.
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/core/ids.h"

namespace assay::algo {

// Everything in groups: mixing groups and rollouts breaks the bound.
struct AdmissionState {
  std::uint64_t running = 0;   // issued, not yet accepted nor rejected
  std::uint64_t accepted = 0;  // complete and kept for training, ever
  std::uint64_t policy_version = 0;
  std::uint64_t batch_groups = 1;  // groups one update consumes
  std::uint64_t staleness_max = 0;
  std::uint64_t running_max = 0;  // concurrency; 0 = unbounded
};

// How many more groups may start now:
//   min(running_max - running, (staleness_max + version + 1) * batch - (accepted + running)), >= 0.
// Then the n-th kept group starts no earlier than version n / batch - staleness_max, so no group is
// trained more than staleness_max versions late *if updates consume groups in the order they were
// started*. Consumed in the order they finish, a slow group is overtaken without limit: whoever
// does that must also drop what is older than the bound. A rejected group leaves `running` without
// entering `accepted`. With staleness_max 0 the run is synchronous.
std::uint64_t admission_capacity(const AdmissionState& state);

// What `accepted` must be after recovery from a checkpoint at `policy_version`: version * batch.
// Counting from 0 would admit a burst of that size.
std::uint64_t accepted_after_recovery(std::uint64_t policy_version, std::uint64_t batch_groups);

// Training version minus the oldest token's version. 0 when the token is newer (it cannot be in a
// correct run; the histogram of a run is where that would show).
std::uint64_t staleness_of(PolicyVersion trained_at, PolicyVersion oldest_token);

// Counts of staleness 0..staleness_max, and everything above, which is a broken invariant.
class StalenessHistogram {
 public:
  explicit StalenessHistogram(std::uint64_t staleness_max) : counts_(staleness_max + 1) {}

  void add(std::uint64_t staleness);
  const std::vector<std::uint64_t>& counts() const { return counts_; }  // [staleness_max + 1]
  std::uint64_t overflow() const { return overflow_; }
  std::uint64_t total() const { return total_; }
  std::uint64_t max() const { return max_; }
  double mean() const { return total_ ? sum_ / static_cast<double>(total_) : 0; }

 private:
  std::vector<std::uint64_t> counts_;
  std::uint64_t overflow_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t max_ = 0;
  double sum_ = 0;
};

// One token's log-prob and the versions it lies between.
struct StaleToken {
  double logprob_behaviour = 0;  // at version_behaviour, when drawn
  double logprob_current = 0;    // at version_current
  std::uint64_t version_behaviour = 0;
  std::uint64_t version_proximal = 0;
  std::uint64_t version_current = 0;
};

// Approximates the proximal log-prob without another forward pass: lp_mu + a * (lp_th - lp_mu) with
// a = (v_old - v_mu) / (v_th - v_mu), clamped to [0, 1]; a = 0 when the token is not stale.
// Source: AReaL's approximation of the proximal policy.
double interpolated_proximal(const StaleToken& token);

}  // namespace assay::algo
