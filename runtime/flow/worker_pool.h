// WorkerPool: the workers of one kind, how much each may hold, and the leases they hold.
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
class WorkerPool {
 public:
  explicit WorkerPool(std::chrono::microseconds lease) : leases_(lease) {}

  // The worker is there and may hold this many items in all.
  void ready(const std::string& worker, std::uint32_t window) { windows_[worker] = window; }
  // The worker is gone. Returns what it held.
  std::vector<Lease<Key>> lost(const std::string& worker) {
    windows_.erase(worker);
    return leases_.revoke(worker);
  }

  // The worker that may take the most, the first by name among equals; nobody when all are full.
  std::optional<std::string> freest() const {
    std::size_t most = 0;
    std::optional<std::string> best;
    for (const auto& [name, window] : windows_) {
      const std::size_t held = leases_.held_by(name);
      const std::size_t free = window > held ? window - held : 0;
      if (free <= most) continue;
      most = free;
      best = name;
    }
    return best;
  }

  LeaseTable<Key>& leases() { return leases_; }
  const LeaseTable<Key>& leases() const { return leases_; }

 private:
  std::map<std::string, std::uint32_t> windows_;
  LeaseTable<Key> leases_;
};

}  // namespace assay::flow
