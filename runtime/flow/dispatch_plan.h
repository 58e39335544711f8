// Dispatch plan: when another group may be issued, and which policy version must draw it.
//
// Back-pressure and staleness are one number. With B groups a batch, bound eta and current version
// v, a group may start while
//     running < running_groups_max   and   accepted + running < (eta + v + 1) * B,
// which is AReaL's capacity rule (arXiv:2505.24298, StalenessManager.get_capacity). Groups that are
// dropped leave `running` without entering `accepted`, so their place is issued again. eta = 0 is
// the synchronous loop.
//
// In deterministic mode arrival order must not matter, so the plan works batch by batch: batch s is
// drawn by exactly version max(0, s - eta); dropped groups are replaced in waves, each issued only
// once the wave before it is resolved; and batch s + 1 starts when batch s is full. Which groups
// exist is then a function of the seed alone.
//
// Pure and not thread-safe.
#pragma once

#include <cstdint>
#include <optional>

#include "runtime/core/ids.h"

namespace assay::flow {

struct DispatchOptions {
  std::uint32_t batch_groups = 32;        // B
  std::uint32_t staleness_max = 0;        // eta, in versions
  std::uint32_t running_groups_max = 64;  // issued and not yet accepted or dropped
  std::uint64_t step_count = 1;           // the run ends after this many updates
  bool is_deterministic = false;
};

// Groups that are open (issued, and neither consumed nor dropped) at any time: at most
//     min(eta + 1, step_count) * B.
// Proof. Open groups grow only when one is issued, so look at the moment after that, at version v:
// v * B groups are consumed, so open = accepted + running - v * B.
//  - Free order: the capacity rule leaves accepted + running <= min(step_count, eta + v + 1) * B.
//    Subtract v * B, and note that step_count - v <= step_count.
//  - Deterministic: batch s is issued only when v >= s - eta and s < step_count. Each batch between
//    v and s - 1 is full: B accepted and none running, because a wave is never larger than what its
//    batch lacks. Batch s holds at most B. Together (s - v + 1) * B, and s - v <= eta.
// A ledger sees no more than that: what was consumed or dropped is recorded before the groups that
// it made room for. A restart counts what is open as running and issues by the same rule.
std::uint64_t open_groups_max(const DispatchOptions& options);

// The oldest version whose weights a restart after `steps` committed updates may ask for: in
// deterministic mode open groups are drawn again by the version that they are pinned to.
std::uint64_t oldest_version_needed(const DispatchOptions& options, std::uint64_t steps);

// Permission to issue one group.
struct Ticket {
  std::uint64_t index = 0;  // position in the issue order of the run, from 0
  std::uint64_t step = 0;   // batch it is meant for (exact only in deterministic mode)
  std::uint32_t wave = 0;   // how often its batch was refilled before (deterministic mode)
  std::optional<PolicyVersion> version;  // the one version that must draw it; empty = the newest
};

class DispatchPlan {
 public:
  explicit DispatchPlan(const DispatchOptions& options);

  // Takes the next ticket if one may be issued now; it counts as running from here on.
  std::optional<Ticket> next();

  // A running group was accepted for training / left without being trained.
  void group_accepted(const Ticket& ticket);
  void group_dropped(const Ticket& ticket);
  // A group accepted earlier was dropped before use (too stale): its place is free again.
  void accepted_group_dropped();

  // The policy reached this version; never goes back.
  void version_reached(PolicyVersion version);

  // Continues after a restart: `steps` batches are committed, `issued` tickets were taken in all.
  // Afterwards adopt(), in issue order, every group that is still open or was dropped for a batch
  // that is not committed; it counts as running until it is accepted or dropped again.
  void restore(std::uint64_t steps, std::uint64_t issued);
  Ticket adopt(std::uint64_t index);

  PolicyVersion pinned_version(std::uint64_t step) const;
  std::uint64_t issued() const { return issued_; }
  std::uint64_t running() const { return running_; }
  std::uint64_t accepted() const { return accepted_; }
  PolicyVersion version() const { return version_; }

 private:
  std::optional<Ticket> next_deterministic();
  void start_next_wave();

  DispatchOptions options_;
  PolicyVersion version_;
  std::uint64_t issued_ = 0;
  std::uint64_t running_ = 0;
  std::uint64_t accepted_ = 0;

  // Deterministic mode: the batch being issued.
  std::uint64_t batch_ = 0;
  std::uint64_t batch_accepted_ = 0;
  std::uint64_t batch_running_ = 0;
  std::uint64_t wave_remaining_ = 0;
  std::uint32_t wave_ = 0;
};

}  // namespace assay::flow
