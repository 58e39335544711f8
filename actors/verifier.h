// The verifier actor: judges completions one at a time and answers with typed verdicts.
#pragma once

#include <caf/behavior.hpp>

#include <chrono>
#include <cstdint>
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
  std::string id;                  // "math/0"
  std::string verifier;            // whose prompts it judges, "math"
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

// How many rollouts a verifier actor may hold at once.
std::uint32_t verifier_window(const VerifierTable& table);

// The longest that a check of any of these may take.
std::chrono::milliseconds longest_check(const VerifierTable& table);

// A prompt whose verifier is not in the table gets an unscored verdict, never a zero. To be
// spawned detached where a check may wait for a process (longest_check() above 0): it then blocks a
// thread of its own and nobody else's.
caf::behavior verifier(caf::stateful_actor<VerifierState>* self, VerifierSetup setup,
                       caf::actor curator, caf::actor status);

}  // namespace assay::actors
