// The chain of updates: steps follow each other, and a group is consumed exactly when one step uses
// it (I10-I12).
//
// Internal: a part of the checker.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "runtime/store/invariant.h"
#include "runtime/store/ledger_event.h"

namespace assay::store {

class StepHistory {
 public:
  StepHistory(const LedgerHeader& header, Findings& findings)
      : findings_(findings), weights_(header.weights_base) {}

  void add_consumed(const LedgerEvent& event);
  void add_step(const LedgerEvent& event);
  // The end of the events.
  void finish();

 private:
  struct ConsumedGroup {
    GroupId group;
    std::uint64_t seq = 0;
    PolicyVersion version;
  };

  void check_used(const LedgerEvent& event, const StepRecord& record);

  Findings& findings_;
  std::map<std::uint64_t, std::vector<ConsumedGroup>> consumed_;  // by step not yet committed
  Digest weights_;
  PolicyVersion version_;
  std::uint64_t last_step_ = 0;
};

}  // namespace assay::store
