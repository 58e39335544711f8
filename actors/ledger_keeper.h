// The ledger keeper: the one writer of the ledger. Groups commits by what queued up meanwhile.
#pragma once

#include <caf/behavior.hpp>

#include <memory>

#include "actors/messages.h"
#include "runtime/store/ledger.h"
#include "runtime/store/quarantine.h"
#include "runtime/telemetry/log.h"

namespace assay::actors {

struct LedgerKeeperSetup {
  std::shared_ptr<store::Ledger> ledger;
  std::shared_ptr<store::Quarantine> quarantine;  // null where none is kept
  telemetry::ActorLog log;
};

struct LedgerKeeperState {
  LedgerKeeperSetup setup;
  caf::actor curator, supervisor;
  std::vector<RolloutId> unflushed;            // rollouts whose commit is pending
  std::vector<store::TrippedVerdict> tripped;  // likewise verdicts for the quarantine
  bool is_flush_queued = false;
  std::uint64_t events = 0;
  static inline const char* name = "ledger_keeper";
};

// Detached. Every Record is durable when its Stored (for rollouts) or a later StepDurable arrives
// at the curator. An error of the disk goes to the supervisor and ends the run: nothing is retried.
// Verdicts that tripped a wire go to the quarantine once they are durable; where that cannot be
// written it stays as it is until the run is resumed, and the log says so: the ledger has them.
caf::behavior ledger_keeper(caf::stateful_actor<LedgerKeeperState>* self, LedgerKeeperSetup setup,
                            caf::actor curator, caf::actor supervisor);

}  // namespace assay::actors
