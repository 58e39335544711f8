// Recovery: from a ledger and a checkpoint back to the exact state of the last committed step.
//
// The newest whole checkpoint is restored and every later step is replayed from the rollouts and
// verdicts in the ledger, each result compared with the recorded hash. So any kill costs at most
// the generation since the last durable event, and a ledger that does not reproduce its own weights
// is found out.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/arm.h"
#include "gpu/learner.h"
#include "runtime/flow/group_flow.h"
#include "runtime/store/ledger_reader.h"

namespace assay::actors {

struct Recovered {
  std::uint64_t steps = 0;     // committed
  std::uint64_t replayed = 0;  // of those, done again from the ledger
  flow::Effects effects;       // what adopting open groups decided
  // Weights by version: the newest, and in deterministic mode those that open groups may still
  // need.
  std::map<std::uint64_t, std::shared_ptr<const gpu::Weights>> weights;
  std::vector<std::string> notes;  // for people: what was passed over and what was done again
  bool is_finished = false;        // the ledger says that nothing will come after this
};

// Brings `learner` to the last committed step and `flow` (fresh) to its open groups.
// Errors: kCorrupt when a replayed step gives other weights than the ledger says, or the ledger is
// damaged (it is audited first: about seven seconds per million events) or lacks an update that was
// announced; kInvalidInput when the ledger belongs to another configuration.
Result<Recovered> recover(const ArmOptions& options, gpu::Learner& learner, flow::GroupFlow& flow);

struct RestoredFlow {
  flow::Effects effects;  // what the flow decided about groups that were complete
  bool is_finished = false;
};

// Brings a fresh flow to what the ledger knows after `steps` updates: its accounting, its open
// groups with their rollouts and verdicts. Errors: kCorrupt; kInvalidInput when `supply` stands for
// other groups than the ledger has, because the prompts changed.
Result<RestoredFlow> restore_flow(const flow::FlowOptions& options, const flow::GroupSupply& supply,
                                  store::LedgerReader& reader, std::uint64_t steps,
                                  flow::GroupFlow& flow);

// Does steps (from, to] again from the ledger, starting from the learner's weights. `visit` sees
// each step number after it matched. Errors as recover().
Result<void> replay(const ArmOptions& options, gpu::Learner& learner, std::uint64_t from,
                    std::uint64_t to, const std::function<void(std::uint64_t)>& visit);

// The error of a ledger that ends after `steps` although later ones were announced.
Error lost_history(const ArmOptions& options, std::uint64_t steps);

}  // namespace assay::actors
