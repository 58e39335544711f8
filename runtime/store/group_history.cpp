#include "runtime/store/group_history.h"

#include <algorithm>

#include "runtime/wire/drop_reason.h"

namespace assay::store {

GroupHistory::GroupHistory(const LedgerHeader& header, Findings& findings)
    : findings_(findings),
      group_size_(header.group_size),
      staleness_max_(header.staleness_max),
      bound_(header.open_groups_max) {}

bool GroupHistory::add(const LedgerEvent& event) {
  if (event.kind == EventKind::kIssued) return add_issued(event);
  // A late arrival has no effect, whatever it names.
  if (event.kind == EventKind::kLate) return true;
  const auto found = groups_.find(event.group.value);
  if (found == groups_.end()) {
    findings_.report(Invariant::kOrder, event.seq,
                     "group " + to_string(event.group) + " was never issued before event " +
                         std::to_string(event.seq));
    return false;
  }
  Group& group = found->second;
  if (group.is_ended) {
    const bool is_end = event.kind == EventKind::kConsumed || event.kind == EventKind::kDropped;
    findings_.report(is_end ? Invariant::kOneTerminal : Invariant::kNothingAfterTerminal, event.seq,
                     "group " + to_string(event.group) + " had ended before its " +
                         std::string(to_string(event.kind)) + " event");
    if (is_end) ++(event.kind == EventKind::kConsumed ? consumed_ : dropped_);
    return false;
  }
  apply(event, group);
  return true;
}

bool GroupHistory::add_issued(const LedgerEvent& event) {
  Group& group = groups_[event.group.value];
  if (group.issued_seq != 0) {
    findings_.report(Invariant::kIssuedOnce, event.seq,
                     "group " + to_string(event.group) + " was issued before, by event " +
                         std::to_string(group.issued_seq));
    return false;
  }
  group.issued_seq = event.seq;
  group.rollouts.resize(group_size_);
  ++issued_;
  if (++open_ > open_most_) {
    open_most_ = open_;
    open_most_seq_ = event.seq;
  }
  return true;
}

void GroupHistory::apply(const LedgerEvent& event, Group& group) {
  switch (event.kind) {
    case EventKind::kLeased:
      return check_leased(event, group);
    case EventKind::kLeaseExpired:
      return check_lease_expired(event, group);
    case EventKind::kGenerated:
      return check_generated(event, group);
    case EventKind::kVerified:
    case EventKind::kUnscored:
      return check_verdict(event, group);
    case EventKind::kConsumed:
      check_consumed(event, group);
      return end(group);
    case EventKind::kDropped:
      check_dropped(event);
      return end(group);
    default:
      return;
  }
}

void GroupHistory::check_leased(const LedgerEvent& event, Group& group) {
  const auto held = std::find_if(group.leases.begin(), group.leases.end(),
                                 [&](const Lease& lease) { return lease.index == event.index; });
  if (held != group.leases.end()) {
    findings_.report(Invariant::kLeaseEnds, event.seq,
                     event.actor + " was given a lease that " + held->actor + " still held");
    return;
  }
  group.leases.push_back({event.index, event.actor, event.attempt, event.seq});
  if (event.index) return;
  if (event.attempt != group.leased_attempts + 1) {
    findings_.report(Invariant::kAttempts, event.seq,
                     "attempt " + std::to_string(event.attempt) + " at group " +
                         to_string(event.group) + " follows attempt " +
                         std::to_string(group.leased_attempts));
  }
  group.leased_attempts = event.attempt;
}

void GroupHistory::check_lease_expired(const LedgerEvent& event, Group& group) {
  const auto held = std::find_if(group.leases.begin(), group.leases.end(), [&](const Lease& lease) {
    return lease.index == event.index && lease.actor == event.actor &&
           lease.attempt == event.attempt;
  });
  if (held != group.leases.end()) {
    group.leases.erase(held);
  } else if (!event.index) {
    // Leases of single rollouts need not be recorded; those of groups are.
    findings_.report(Invariant::kLeaseEnds, event.seq,
                     event.actor + " lost a lease that it did not hold");
  }
}

void GroupHistory::check_generated(const LedgerEvent& event, Group& group) {
  if (!event.index || *event.index >= group.rollouts.size()) {
    findings_.report(Invariant::kGeneratedOnce, event.seq,
                     "event " + std::to_string(event.seq) + " names no rollout of its group");
    return;
  }
  Rollout& rollout = group.rollouts[*event.index];
  if (rollout.is_generated) {
    findings_.report(Invariant::kGeneratedOnce, event.seq,
                     "rollout " + to_string(*event.rollout()) + " was accepted before");
    return;
  }
  rollout.is_generated = true;
  rollout.hash = event.hash;
  rollout.version = event.policy_version;
  std::erase_if(group.leases, [&](const Lease& lease) { return lease.index == event.index; });
  const bool is_whole = std::all_of(group.rollouts.begin(), group.rollouts.end(),
                                    [](const Rollout& one) { return one.is_generated; });
  if (is_whole) std::erase_if(group.leases, [](const Lease& lease) { return !lease.index; });
}

void GroupHistory::check_verdict(const LedgerEvent& event, Group& group) {
  const std::string name = event.index ? to_string(*event.rollout()) : "(none)";
  if (!event.index || *event.index >= group.rollouts.size() ||
      !group.rollouts[*event.index].is_generated) {
    findings_.report(Invariant::kOrder, event.seq,
                     "rollout " + name + " was judged before it was generated");
    return;
  }
  Rollout& rollout = group.rollouts[*event.index];
  if (rollout.is_verified) {
    findings_.report(Invariant::kVerdictOnce, event.seq,
                     "rollout " + name + " already had its verdict");
  }
  const bool is_scored = event.kind == EventKind::kVerified;
  // A judge that failed may not have come as far as hashing what it was given.
  const bool is_bound = event.hash == rollout.hash || (!is_scored && event.hash.is_zero());
  if (!is_bound) {
    findings_.report(
        Invariant::kVerdictHash, event.seq,
        "the verdict of rollout " + name + " is bound to other bytes than were generated");
  }
  (is_scored ? rollout.is_verified : rollout.is_unscored) = true;
  std::erase_if(group.leases, [&](const Lease& lease) { return lease.index == event.index; });
}

void GroupHistory::check_consumed(const LedgerEvent& event, const Group& group) {
  ++consumed_;
  for (std::size_t index = 0; index < group.rollouts.size(); ++index) {
    const Rollout& rollout = group.rollouts[index];
    const std::string name = to_string(event.group) + ":" + std::to_string(index);
    if (!rollout.is_generated || !(rollout.is_verified || rollout.is_unscored)) {
      findings_.report(Invariant::kFullGroup, event.seq,
                       "rollout " + name + " was trained on unjudged");
      continue;
    }
    const std::uint64_t trained = event.policy_version.value;
    const std::uint64_t drawn = rollout.version.value;
    if (drawn > trained || trained - drawn > staleness_max_) {
      findings_.report(Invariant::kStaleness, event.seq,
                       "rollout " + name + " of version " + std::to_string(drawn) +
                           " was trained at version " + std::to_string(trained) +
                           "; the bound is " + std::to_string(staleness_max_));
    }
  }
}

void GroupHistory::check_dropped(const LedgerEvent& event) {
  ++dropped_;
  if (wire::parse_drop_reason(event.reason)) return;
  findings_.report(Invariant::kDropReason, event.seq,
                   "'" + event.reason + "' is not a drop reason");
}

void GroupHistory::end(Group& group) {
  group.is_ended = true;
  group.rollouts = {};
  group.leases = {};
  --open_;
}

void GroupHistory::writer_changed() {
  for (auto& [id, group] : groups_) {
    group.leases.clear();
    group.leased_attempts = 0;
  }
}

void GroupHistory::run_finished(std::uint64_t seq) {
  if (open_ == 0) return;
  findings_.report(Invariant::kAccounting, seq,
                   std::to_string(open_) + " groups are open in a finished run");
  for (const auto& [id, group] : groups_) {
    if (group.is_ended) continue;
    findings_.report(Invariant::kOneTerminal, group.issued_seq,
                     "group " + to_hex(id) + " never ended in a finished run");
    for (const Lease& lease : group.leases) {
      findings_.report(Invariant::kLeaseEnds, lease.seq,
                       "the lease of " + lease.actor + " never ended");
    }
  }
}

void GroupHistory::finish(std::uint64_t last_seq) {
  if (issued_ != consumed_ + dropped_ + open_) {
    findings_.report(Invariant::kAccounting, last_seq,
                     std::to_string(issued_) + " issued, but " + std::to_string(consumed_) +
                         " consumed, " + std::to_string(dropped_) + " dropped and " +
                         std::to_string(open_) + " open");
  }
  if (bound_ == 0) {
    findings_.leave_unchecked(Invariant::kBound, "the run declared no bound on open groups");
  } else if (open_most_ > bound_) {
    findings_.report(
        Invariant::kBound, open_most_seq_,
        std::to_string(open_most_) + " groups were open; the bound is " + std::to_string(bound_));
  }
}

}  // namespace assay::store
