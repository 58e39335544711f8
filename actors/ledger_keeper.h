// The ledger keeper: the one writer of the ledger. Groups commits by what queued up meanwhile.
#pragma once

#include <caf/behavior.hpp>

#include <memory>

#include "actors/messages.h"
#include "runtime/store/ledger.h"

namespace assay::actors {

struct LedgerKeeperState {
  std::unique_ptr<store::Ledger> ledger;
  caf::actor curator, supervisor;
  std::vector<RolloutId> unflushed;  // rollouts whose commit is pending
  bool is_flush_queued = false;
  std::uint64_t events = 0;
  static inline const char* name = "ledger_keeper";
};

// Detached. Every Record is durable when its Stored (for rollouts) or a later StepDurable arrives
// at the curator. An error of the disk goes to the supervisor and ends the run: nothing is retried.
caf::behavior ledger_keeper(caf::stateful_actor<LedgerKeeperState>* self,
                            std::shared_ptr<store::Ledger> ledger, caf::actor curator,
                            caf::actor supervisor);

}  // namespace assay::actors
