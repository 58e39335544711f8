// What exists before the first actor of an arm does: learner, flow, ledger and known weights.
#pragma once

#include <memory>

#include "actors/arm.h"
#include "actors/recovery.h"
#include "gpu/learner.h"
#include "runtime/flow/group_flow.h"
#include "runtime/store/ledger.h"
#include "runtime/store/quarantine.h"

namespace assay::actors {

struct PreparedArm {
  std::shared_ptr<gpu::Learner> learner;
  std::shared_ptr<flow::GroupFlow> flow;
  std::shared_ptr<store::Ledger> ledger;  // null when the history is finished and nothing is left
  std::shared_ptr<store::Quarantine> quarantine;  // null where none is kept
  Recovered recovered;  // holds at least the newest weights, also of an arm that begins
};

// Every step was committed by an earlier process.
bool is_over(const ArmOptions& options, const PreparedArm& prepared);

// Starts from the base policy, or, when resuming an arm that has a ledger, from its last committed
// step. Errors: those of the engine, the ledger and recover().
Result<PreparedArm> prepare_arm(const ArmOptions& options);

}  // namespace assay::actors
