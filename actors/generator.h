// The generator actor: owns one policy replica and draws rollouts for the curator.
#pragma once

#include <caf/behavior.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "actors/duration_window.h"
#include "actors/messages.h"
#include "actors/recent_weights.h"
#include "gpu/generator.h"
#include "runtime/telemetry/log.h"
#include "runtime/text/tokenizer.h"

namespace assay::actors {

struct GeneratorSetup {
  std::string id;  // "generator/0"
  std::uint64_t run_seed = 0;
  std::uint32_t groups_max = 0;  // groups it may hold at once
  bool is_pinned = false;        // deterministic mode: every group names its version
  std::uint64_t staleness_max = 0;
  gpu::SamplingOptions sampling;
  std::shared_ptr<const text::Tokenizer> tokenizer;
  std::shared_ptr<gpu::Generator> engine;
  WeightsByVersion weights;   // pinned: known versions
  std::uint64_t version = 0;  // the engine's at the start
  telemetry::ActorLog log;
};

struct GeneratorState {
  GeneratorSetup setup;
  std::uint64_t version = 0;    // the engine's
  std::deque<Generate> pinned;  // groups that need another version than the engine's
  bool is_advancing = false;
  double busy_s = 0;
  DurationWindow durations;  // of one token step of all running rollouts
  struct Running {
    std::chrono::steady_clock::time_point since;
    std::size_t missing = 0;  // rollouts still to draw
  };
  std::map<GroupId, Running> running;
  std::uint64_t rollouts = 0;
  std::chrono::steady_clock::time_point reported;
  static inline const char* name = "generator";
};

// Detached: it computes. Without pinned versions new weights take effect at the next token
// boundary; a pinned group waits until the engine is idle and then gets exactly its version.
caf::behavior generator(caf::stateful_actor<GeneratorState>* self, GeneratorSetup setup,
                        caf::actor curator, caf::actor supervisor, caf::actor status);

}  // namespace assay::actors
