// SingleFlight: a cache that computes each value once, however many ask for it at the same time.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "runtime/core/digest.h"

namespace assay::verifiers::http {

// Thread-safe. Keeps the last `entries_max` values, in the order in which they came.
template <class Value>
class SingleFlight {
 public:
  struct Computed {
    Value value;
    bool is_kept = false;  // false: who waits for it gets it, who comes later computes anew
  };

  explicit SingleFlight(std::size_t entries_max) : entries_max_(entries_max) {}

  // The value of `key`: from the cache, from whoever computes it at this moment, or from
  // `compute()`, which returns a Computed, must not throw, and may ask for other keys.
  template <class Compute>
  Value get(const Digest& key, Compute&& compute) {
    std::unique_lock lock(mutex_);
    if (const auto found = entries_.find(key); found != entries_.end()) {
      const std::shared_ptr<Entry> entry = found->second;
      is_done_.wait(lock, [&] { return entry->is_done; });
      return entry->value;
    }
    const auto entry = std::make_shared<Entry>();
    entries_[key] = entry;
    lock.unlock();
    Computed computed = compute();
    lock.lock();
    entry->value = std::move(computed.value);
    entry->is_done = true;
    if (computed.is_kept) {
      keep(key);
    } else {
      entries_.erase(key);
    }
    is_done_.notify_all();
    return entry->value;
  }

 private:
  struct Entry {
    bool is_done = false;
    Value value{};
  };

  void keep(const Digest& key) {
    kept_.push_back(key);
    if (kept_.size() <= entries_max_) return;
    entries_.erase(kept_.front());
    kept_.pop_front();
  }

  const std::size_t entries_max_;
  std::mutex mutex_;
  std::condition_variable is_done_;
  std::map<Digest, std::shared_ptr<Entry>> entries_;
  std::deque<Digest> kept_;
};

}  // namespace assay::verifiers::http
