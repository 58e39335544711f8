// What `assay status` answers: one JSON document made from what the actors said last.
//
// Pure: no actor, no clock. The keys are a contract with scripts; more may be added, none removed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "actors/rate_window.h"
#include "actors/worker_state.h"
#include "runtime/algo/health.h"
#include "runtime/core/clock.h"

namespace assay::actors {

// A worker as the status knows it.
struct WatchedWorker {
  explicit WatchedWorker(SteadyTime started) : busy(started) {}

  WorkerState last;
  RateWindow busy;  // of seconds busy: its rate is the busy fraction
};

// What the run wants of one pool.
struct PoolOptions {
  std::string role;
  std::string name;  // of the pool: "generator", a verifier's, "learner"
  std::uint32_t desired = 1;
};

struct StatusFacts {
  std::string run;
  std::string arm = "true";
  std::uint64_t max_steps = 0;
  std::uint64_t staleness_bound = 0;
  std::vector<PoolOptions> pools;
  std::map<std::string, WatchedWorker> workers;  // by id
  std::vector<std::uint64_t> staleness;          // rollouts trained, by versions behind
  std::vector<algo::HealthAlert> alerts;         // oldest first
  SteadyTime started = SystemClock().now();      // of the arm
  std::uint64_t resident_bytes = 0;              // of the process, all its actors together
};

// Seconds the worker was busy up to `now`, the call it is in included.
double busy_seconds(const WorkerState& worker, SteadyTime now);

// The document. `curator` is the curator's part (curator_status in curator.cpp): step, version,
// queues, accounting, what the learner waits for. Text that is no JSON object counts as {}.
//
// "bottleneck" is the queue of the pool that was busiest over the last seconds, null where none was
// busy half of the time; "advice" says what would help.
std::string status_document(const StatusFacts& facts, std::string_view curator, SteadyTime now);

}  // namespace assay::actors
