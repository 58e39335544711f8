// The form of a ledger: numbers, chain, fences and attempt limits of its events, and whether what
// an outsider remembers of it is still there (I13-I16, I22).
//
// Internal: a part of the checker.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "runtime/store/invariant.h"
#include "runtime/store/ledger_event.h"

namespace assay::store {

class EventChain {
 public:
  EventChain(const LedgerHeader& header, const std::vector<Acknowledgement>& acknowledged,
             Findings& findings);

  void add(const LedgerEvent& event);
  // The end of the events: what was acknowledged and never came is missing.
  void finish();

  std::uint64_t event_count() const { return event_count_; }
  std::uint64_t last_seq() const { return last_seq_; }
  bool is_finished() const { return is_finished_; }  // the run declared itself complete

 private:
  void check_number_and_hash(const LedgerEvent& event);
  void check_fence(const LedgerEvent& event);
  void check_attempt(const LedgerEvent& event);
  void strike_out(const LedgerEvent& event);

  Findings& findings_;
  std::uint32_t attempts_max_;
  std::multimap<std::uint64_t, Digest> acknowledged_;  // not yet seen
  Digest chain_;
  std::uint64_t last_seq_ = 0, fence_ = 0, event_count_ = 0;
  bool is_finished_ = false;
};

// Whether a writer took over, rather than finished.
bool is_takeover(const LedgerEvent& event);

}  // namespace assay::store
