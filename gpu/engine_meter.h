// Engine meter: how much CPU time the engines of a process have used.
//
// Everything else that a run spends - actors, codec, ledger, verifiers - is what the process used
// beyond it, so the cost of orchestration is a difference of two clocks, not an estimate.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>

#include "gpu/generator.h"
#include "gpu/learner.h"

namespace assay::gpu {

namespace host {
class ThreadPool;
}

// Thread-safe.
class EngineMeter {
 public:
  // `pool`: the threads whose work counts as the engine's.
  explicit EngineMeter(std::shared_ptr<host::ThreadPool> pool) : pool_(std::move(pool)) {}

  // CPU time used so far: inside engine calls on the threads that made them, and in the pool.
  std::chrono::microseconds cpu_time() const;

  void add(std::chrono::microseconds spent) { spent_us_.fetch_add(spent.count()); }

 private:
  std::shared_ptr<host::ThreadPool> pool_;
  std::atomic<std::int64_t> spent_us_{0};
};

// The same engine, its calls metered.
std::unique_ptr<Generator> metered(std::unique_ptr<Generator> engine,
                                   std::shared_ptr<EngineMeter> meter);
std::unique_ptr<Learner> metered(std::unique_ptr<Learner> engine,
                                 std::shared_ptr<EngineMeter> meter);

}  // namespace assay::gpu
