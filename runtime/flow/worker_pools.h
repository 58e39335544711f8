// WorkerPools: workers by pool, how much each may hold, and the leases they hold.
//
// A worker takes items of its own pool only. One that is told to retire takes nothing more and
// leaves once it holds nothing. Pure: time is an argument. Not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/clock.h"
#include "runtime/flow/lease_table.h"

namespace assay::flow {

template <class Key>
class WorkerPools {
 public:
  explicit WorkerPools(std::chrono::microseconds lease) : leases_(lease) {}

  // The worker is there and may hold this many items in all. No effect on one that retires.
  void ready(const std::string& worker, const std::string& pool, std::uint32_t window) {
    Worker& known = workers_[worker];
    known.pool = pool;
    if (!known.leaves_by) known.window = window;
  }

  // The worker is gone. Returns what it held.
  std::vector<Lease<Key>> lost(const std::string& worker) {
    workers_.erase(worker);
    return leases_.revoke(worker);
  }

  // The worker takes nothing more; what it holds it may finish until `deadline`.
  void retire(const std::string& worker, SteadyTime deadline) {
    const auto found = workers_.find(worker);
    if (found == workers_.end()) return;
    found->second.window = 0;
    found->second.leaves_by = deadline;
  }

  // Retiring workers whose deadline has passed although they hold something.
  std::vector<std::string> overdue(SteadyTime now) const {
    std::vector<std::string> names;
    for (const auto& [name, worker] : workers_) {
      if (worker.leaves_by && *worker.leaves_by <= now && leases_.held_by(name) > 0) {
        names.push_back(name);
      }
    }
    return names;
  }

  // Retiring workers that hold nothing any more; they are forgotten.
  std::vector<std::string> take_retired() {
    std::vector<std::string> names;
    for (auto entry = workers_.begin(); entry != workers_.end();) {
      if (entry->second.leaves_by && leases_.held_by(entry->first) == 0) {
        names.push_back(entry->first);
        entry = workers_.erase(entry);
      } else {
        ++entry;
      }
    }
    return names;
  }

  // The worker of the pool that may take the most, the first by name among equals; nobody when all
  // are full.
  std::optional<std::string> freest(const std::string& pool) const {
    std::size_t most = 0;
    std::optional<std::string> best;
    for (const auto& [name, worker] : workers_) {
      if (worker.pool != pool) continue;
      const std::size_t held = leases_.held_by(name);
      const std::size_t free = worker.window > held ? worker.window - held : 0;
      if (free <= most) continue;
      most = free;
      best = name;
    }
    return best;
  }

  // Items of the pool that are with a worker.
  std::size_t held_in(const std::string& pool) const {
    std::size_t held = 0;
    for (const auto& [name, worker] : workers_) {
      if (worker.pool == pool) held += leases_.held_by(name);
    }
    return held;
  }

  LeaseTable<Key>& leases() { return leases_; }
  const LeaseTable<Key>& leases() const { return leases_; }

 private:
  struct Worker {
    std::string pool;
    std::uint32_t window = 0;
    std::optional<SteadyTime> leaves_by;  // present while it retires
  };

  std::map<std::string, Worker> workers_;
  LeaseTable<Key> leases_;
};

}  // namespace assay::flow
