// The supervisor actor: brings an arm's team together, replaces workers that die, sizes the pools
// while the arm runs, ends the arm.
//
// Generators and verifiers hold nothing that cannot be drawn or judged again, so a dead one is
// replaced under its old name while its leases go to others. The curator, the ledger keeper and the
// learner hold state: when one of them fails the arm ends with its error, everything committed is
// on the disk, and resuming goes on from there. The supervisor is never on the data path.
#pragma once

#include <caf/behavior.hpp>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "actors/messages.h"
#include "actors/prepare.h"
#include "actors/recent_weights.h"
#include "runtime/flow/placement.h"
#include "runtime/flow/restart_plan.h"
#include "runtime/flow/roster.h"
#include "runtime/flow/scale_plan.h"
#include "runtime/telemetry/log.h"

namespace assay::actors {

struct SupervisorSetup {
  std::shared_ptr<const ArmOptions> options;
  PreparedArm prepared;
  caf::actor status;  // started before, so that it can be attached to
  caf::actor owner;   // hears ArmFinished or Failed, once
};

struct SupervisorState {
  explicit SupervisorState(caf::event_based_actor* self);

  SupervisorSetup setup;
  telemetry::ActorLog log;
  caf::actor curator, keeper, learner;
  std::map<std::string, caf::actor> workers;     // alive, by id
  std::map<caf::actor_addr, std::string> names;  // of everyone watched
  // What a new generator may have to draw with: the newest, in deterministic mode also those that
  // open groups are pinned to.
  WeightsByVersion weights;
  flow::RestartPlan restarts;
  flow::Roster roster;
  flow::Placement placement;
  std::set<std::string> homeless;                   // workers that wait for a node with room
  caf::actor hub;                                   // of the nodes; null without a cluster
  std::map<std::string, flow::ScalePlan> followed;  // pools that follow their queues
  std::uint32_t lost_workers = 0;                   // given up
  bool is_stopping = false;
  bool is_over = false;
  static inline const char* name = "supervisor";
};

// Event-based. Ends when told Dismiss, taking the whole team along.
caf::behavior supervisor(caf::stateful_actor<SupervisorState>* self, SupervisorSetup setup);

}  // namespace assay::actors
