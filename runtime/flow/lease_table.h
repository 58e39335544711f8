// Leases: who works on what until when. Expiry is the truth; a worker's death notice is only a
// hint.
//
// Pure: time is an argument. Not thread-safe. Keys are GroupId (generation) or RolloutId
// (verification).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/core/check.h"
#include "runtime/core/clock.h"

namespace assay::flow {

template <class Key>
struct Lease {
  Key item{};
  std::string holder;
  std::uint32_t attempt = 1;  // 1 for the first lease of this item
  SteadyTime granted;
  SteadyTime deadline;
};

template <class Key>
class LeaseTable {
 public:
  explicit LeaseTable(std::chrono::microseconds duration) : duration_(duration) {}

  // The item must not be leased. Its attempt number grows by one with every grant.
  const Lease<Key>& grant(const Key& item, const std::string& holder, SteadyTime now) {
    ASSAY_CHECK(!leases_.contains(item), "an item is leased to one worker at a time");
    const std::uint32_t attempt = ++attempts_[item];
    Lease<Key>& lease = leases_[item];
    lease = {item, holder, attempt, now, now + duration_};
    ++held_[holder];
    return lease;
  }

  const Lease<Key>* find(const Key& item) const {
    const auto found = leases_.find(item);
    return found == leases_.end() ? nullptr : &found->second;
  }

  // Ends the lease, whoever holds it. False when there was none.
  bool release(const Key& item) {
    const auto found = leases_.find(item);
    if (found == leases_.end()) return false;
    --held_[found->second.holder];
    leases_.erase(found);
    return true;
  }

  // Pushes the deadlines of everything the holder has: it was heard of.
  void renew(const std::string& holder, SteadyTime now) {
    for (auto& [item, lease] : leases_) {
      if (lease.holder == holder) lease.deadline = now + duration_;
    }
  }

  // Ends and returns the leases whose deadline has passed, in key order.
  std::vector<Lease<Key>> expire(SteadyTime now) {
    return remove_if([now](const Lease<Key>& lease) { return lease.deadline <= now; });
  }

  // Ends and returns everything the holder has.
  std::vector<Lease<Key>> revoke(const std::string& holder) {
    return remove_if([&](const Lease<Key>& lease) { return lease.holder == holder; });
  }

  std::uint32_t attempts(const Key& item) const {
    const auto found = attempts_.find(item);
    return found == attempts_.end() ? 0 : found->second;
  }

  // The item reached its end: its attempt count is no longer needed.
  void forget(const Key& item) {
    release(item);
    attempts_.erase(item);
  }

  std::size_t held_by(const std::string& holder) const {
    const auto found = held_.find(holder);
    return found == held_.end() ? 0 : found->second;
  }

  std::size_t size() const { return leases_.size(); }

 private:
  template <class Predicate>
  std::vector<Lease<Key>> remove_if(Predicate predicate) {
    std::vector<Lease<Key>> removed;
    for (auto entry = leases_.begin(); entry != leases_.end();) {
      if (predicate(entry->second)) {
        --held_[entry->second.holder];
        removed.push_back(entry->second);
        entry = leases_.erase(entry);
      } else {
        ++entry;
      }
    }
    return removed;
  }

  std::chrono::microseconds duration_;
  std::map<Key, Lease<Key>> leases_;
  std::map<Key, std::uint32_t> attempts_;
  std::map<std::string, std::size_t> held_;
};

}  // namespace assay::flow
