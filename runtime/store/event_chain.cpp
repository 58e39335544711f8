#include "runtime/store/event_chain.h"

namespace assay::store {

namespace {

bool has_bytes(EventKind kind) {
  return kind == EventKind::kIssued || kind == EventKind::kGenerated ||
         kind == EventKind::kVerified || kind == EventKind::kUnscored;
}

bool has_attempt(EventKind kind) {
  return kind == EventKind::kLeased || kind == EventKind::kLeaseExpired ||
         kind == EventKind::kGenerated || kind == EventKind::kVerified ||
         kind == EventKind::kUnscored;
}

}  // namespace

bool is_takeover(const LedgerEvent& event) {
  return event.kind == EventKind::kFence && event.reason != "finished";
}

EventChain::EventChain(const LedgerHeader& header, const std::vector<Acknowledgement>& acknowledged,
                       Findings& findings)
    : findings_(findings), attempts_max_(header.attempts_max), chain_(chain_start(header)) {
  for (const Acknowledgement& one : acknowledged) acknowledged_.emplace(one.seq, one.chain);
}

void EventChain::add(const LedgerEvent& event) {
  ++event_count_;
  check_number_and_hash(event);
  strike_out(event);
  check_attempt(event);
  check_fence(event);
}

void EventChain::check_number_and_hash(const LedgerEvent& event) {
  const std::string name = "event " + std::to_string(event.seq);
  if (event.seq != last_seq_ + 1) {
    findings_.report(Invariant::kDense, event.seq,
                     name + " follows event " + std::to_string(last_seq_));
  }
  if (chain_next(chain_, event) != event.chain) {
    findings_.report(Invariant::kHashChain, event.seq,
                     name + " does not carry the hash of what precedes it");
  }
  if (has_bytes(event.kind) == event.stored.is_zero()) {
    findings_.report(
        Invariant::kHashChain, event.seq,
        name + " should" + (has_bytes(event.kind) ? "" : " not") + " have stored bytes");
  }
  last_seq_ = event.seq;
  chain_ = event.chain;  // going on from the claimed value reports each break once
}

void EventChain::strike_out(const LedgerEvent& event) {
  const auto [first, last] = acknowledged_.equal_range(event.seq);
  for (auto one = first; one != last;) {
    one = one->second == event.chain ? acknowledged_.erase(one) : std::next(one);
  }
}

void EventChain::check_attempt(const LedgerEvent& event) {
  if (!has_attempt(event.kind)) return;
  if (event.attempt >= 1 && event.attempt <= attempts_max_) return;
  findings_.report(Invariant::kAttempts, event.seq,
                   "attempt " + std::to_string(event.attempt) + " is not in [1, " +
                       std::to_string(attempts_max_) + "]");
}

void EventChain::check_fence(const LedgerEvent& event) {
  if (is_takeover(event)) {
    if (event.fence <= fence_) {
      findings_.report(Invariant::kFence, event.seq,
                       "fence " + std::to_string(event.fence) + " does not rise above " +
                           std::to_string(fence_));
    }
    fence_ = event.fence;
    is_finished_ = false;
    return;
  }
  if (event.fence != fence_) {
    findings_.report(Invariant::kFence, event.seq,
                     "event " + std::to_string(event.seq) + " carries fence " +
                         std::to_string(event.fence) + " while " + std::to_string(fence_) +
                         " holds");
  }
  if (is_finished_) {
    findings_.report(Invariant::kFence, event.seq, "something happened after the run was finished");
  }
  if (event.kind == EventKind::kFence) is_finished_ = true;
}

void EventChain::finish() {
  for (const auto& [seq, chain] : acknowledged_) {
    findings_.report(Invariant::kAcknowledged, seq,
                     "event " + std::to_string(seq) + " was acknowledged with chain " +
                         chain.short_hex() + " and is not there");
  }
}

}  // namespace assay::store
