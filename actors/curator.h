// The curator actor: a thin shell around flow::GroupFlow. It owns prompts, group assembly and what
// goes into the ledger; the decisions are the flow's.
#pragma once

#include <caf/behavior.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/arm.h"
#include "actors/messages.h"
#include "actors/rate_window.h"
#include "actors/recent_weights.h"
#include "runtime/core/clock.h"
#include "runtime/flow/group_flow.h"

namespace assay::actors {

struct CuratorSetup {
  std::shared_ptr<const ArmOptions> options;
  std::shared_ptr<flow::GroupFlow> flow;  // restored by the caller when resuming
  flow::Effects restored;                 // what restoring decided; obeyed first
  telemetry::ActorLog log;
};

// What goes into a queue and out of it, over the last seconds.
struct QueueRates {
  RateWindow in{SystemClock().now()};
  RateWindow out{SystemClock().now()};
};

struct CuratorState {
  CuratorSetup setup;
  std::map<std::string, caf::actor> workers;  // those that said they are ready
  caf::actor keeper, learner, supervisor, status;

  struct OpenPrompt {
    PromptPtr prompt;
    std::vector<wire::TokenId> tokens;
  };
  std::map<GroupId, OpenPrompt> prompts;  // of open groups

  struct Training {
    std::vector<flow::ReadyGroup> groups;
    std::shared_ptr<const flow::BuiltBatch> built;
  };
  std::map<std::uint64_t, Training> training;   // handed out, by the version before the update
  std::map<std::uint64_t, Trained> committing;  // waiting for the ledger

  std::map<std::string, std::uint64_t> generated_by;  // tokens, by worker
  std::map<std::string, double> busy_by;              // seconds, by worker
  std::uint64_t rollouts = 0, verdicts = 0, unscored = 0, tripped = 0;
  std::uint64_t reported_judged = 0, reported_tripped = 0;  // with the steps so far
  std::uint64_t given_up_in_a_row = 0;  // groups nobody could draw or judge, since the last batch
  double wait_s = 0, update_s = 0;
  QueueRates prompts_rates, to_verify_rates, to_train_rates;
  Digest weights;
  // Published by this arm. A generator may have been made before some and be ready after them.
  WeightsByVersion recent_weights;
  bool is_draining = false;
  ArmEnd end = ArmEnd::kDone;
  std::optional<ArmOutcome> outcome;  // once drained, waiting for the ledger's last word
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
  static inline const char* name = "curator";
};

// Event-based: it never computes for long. Ends by sending ArmFinished to the supervisor.
caf::behavior curator(caf::stateful_actor<CuratorState>* self, CuratorSetup setup,
                      caf::actor supervisor, caf::actor status);

}  // namespace assay::actors
