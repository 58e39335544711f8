// The verifier actor: judges completions one at a time and answers with typed verdicts.
#pragma once

#include <caf/behavior.hpp>

#include <map>
#include <memory>
#include <string>

#include "actors/duration_window.h"
#include "actors/messages.h"
#include "runtime/telemetry/log.h"
#include "verifiers/verifier.h"

namespace assay::actors {

using VerifierTable = std::map<std::string, std::shared_ptr<const verifiers::Verifier>>;

struct VerifierSetup {
  std::string id;                  // "verifier/0"
  std::uint32_t rollouts_max = 0;  // that it may hold at once
  VerifierTable table;
  telemetry::ActorLog log;
};

struct VerifierState {
  VerifierSetup setup;
  std::uint64_t done = 0, failed = 0;
  double busy_s = 0;
  DurationWindow durations;  // of judging one rollout
  static inline const char* name = "verifier";
};

// A prompt whose verifier is not in the table gets an unscored verdict, never a zero.
caf::behavior verifier(caf::stateful_actor<VerifierState>* self, VerifierSetup setup,
                       caf::actor curator, caf::actor status);

}  // namespace assay::actors
