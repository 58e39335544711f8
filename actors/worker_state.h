// What an actor that works says of itself to the status.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "runtime/flow/roster.h"

namespace assay::actors {

inline constexpr const char* kGeneratorPool = "generator";

// Generators are a pool of their own; every other pool of workers is a verifier's.
inline bool is_generator(const std::string& worker) {
  return flow::pool_of(worker) == kGeneratorPool;
}

struct WorkerState {
  std::string id, role, state = "ALIVE";
  std::string doing;  // and since when; empty when idle
  std::chrono::steady_clock::time_point doing_since;
  double busy_s = 0;     // spent in calls that ended
  bool is_busy = false;  // in a call since doing_since, until the next report
  std::uint64_t done = 0, failed = 0, restarts = 0;
  double p50_ms = 0, p95_ms = 0;  // a rollout judged, a token step of all rollouts, an update
  std::optional<std::uint64_t> policy_version;
  std::string node = "local";
  std::uint64_t resident_bytes = 0;  // of the process it lives in; 0: this one
};

}  // namespace assay::actors
