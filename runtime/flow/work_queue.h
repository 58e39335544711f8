// WorkQueue: items that wait for a worker, in order, and what people want to know of them.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>

#include "runtime/core/clock.h"

namespace assay::flow {

// A queue as people see it.
struct QueueView {
  std::uint64_t ready = 0;    // waiting
  std::uint64_t unacked = 0;  // with a worker
  std::uint64_t limit = 0;
  std::uint64_t bytes = 0;
  std::uint64_t limit_bytes = 0;
  double oldest_s = 0;            // age of the oldest item waiting
  std::uint64_t in = 0, out = 0;  // totals since the start
  std::uint64_t redelivered = 0;
  std::uint64_t dead = 0;  // given up after attempts_max
};

// The totals of two queues; the age of the older item, the limits of the first.
inline QueueView operator+(QueueView sum, const QueueView& other) {
  sum.ready += other.ready;
  sum.unacked += other.unacked;
  sum.bytes += other.bytes;
  sum.oldest_s = std::max(sum.oldest_s, other.oldest_s);
  sum.in += other.in;
  sum.out += other.out;
  sum.redelivered += other.redelivered;
  sum.dead += other.dead;
  return sum;
}

template <class Item>
class WorkQueue {
 public:
  // At either limit the queue is full; it takes more all the same, and says so. No bytes: no limit.
  WorkQueue(std::uint64_t limit, std::uint64_t limit_bytes) {
    counts_.limit = limit;
    counts_.limit_bytes = limit_bytes;
  }

  void push(Item item, std::uint64_t bytes, SteadyTime now) {
    waiting_.push_back({std::move(item), bytes, now});
    counts_.bytes += bytes;
  }
  // To the front: it has waited before.
  void push_again(Item item, std::uint64_t bytes, SteadyTime now) {
    waiting_.push_front({std::move(item), bytes, now});
    counts_.bytes += bytes;
  }

  bool is_empty() const { return waiting_.empty(); }
  std::size_t size() const { return waiting_.size(); }
  std::uint64_t bytes() const { return counts_.bytes; }
  bool is_full() const {
    const bool is_heavy = counts_.limit_bytes > 0 && counts_.bytes >= counts_.limit_bytes;
    return waiting_.size() >= counts_.limit || is_heavy;
  }
  const Item& front() const { return waiting_.front().item; }
  void pop() {
    counts_.bytes -= waiting_.front().bytes;
    waiting_.pop_front();
  }
  void clear() {
    waiting_.clear();
    counts_.bytes = 0;
  }

  void count_in() { ++counts_.in; }
  void count_out() { ++counts_.out; }
  void count_redelivered() { ++counts_.redelivered; }
  void count_dead() { ++counts_.dead; }

  // `unacked` is how many are with a worker.
  QueueView view(std::uint64_t unacked, SteadyTime now) const {
    QueueView view = counts_;
    view.ready = waiting_.size();
    view.unacked = unacked;
    if (!waiting_.empty()) {
      view.oldest_s = std::chrono::duration<double>(now - waiting_.front().since).count();
    }
    return view;
  }

 private:
  struct Waiting {
    Item item;
    std::uint64_t bytes = 0;
    SteadyTime since;
  };
  std::deque<Waiting> waiting_;
  QueueView counts_;  // bytes, limits and totals
};

// A queue for each pool of workers, full together.
template <class Item>
class PooledQueue {
 public:
  PooledQueue(std::uint64_t limit, std::uint64_t limit_bytes)
      : limit_(limit), limit_bytes_(limit_bytes) {}

  // Made when it is first asked for.
  WorkQueue<Item>& of(const std::string& pool) {
    return pools_.try_emplace(pool, limit_, limit_bytes_).first->second;
  }

  bool is_full() const {
    std::uint64_t items = 0, bytes = 0;
    for (const auto& [pool, queue] : pools_) {
      items += queue.size();
      bytes += queue.bytes();
    }
    return items >= limit_ || (limit_bytes_ > 0 && bytes >= limit_bytes_);
  }

  std::size_t size() const {
    std::size_t items = 0;
    for (const auto& [pool, queue] : pools_) items += queue.size();
    return items;
  }

  void clear() {
    for (auto& [pool, queue] : pools_) queue.clear();
  }

  // All pools as one.
  QueueView view(std::uint64_t unacked, SteadyTime now) const {
    QueueView sum;
    sum.limit = limit_;
    sum.limit_bytes = limit_bytes_;
    sum.unacked = unacked;
    for (const auto& [pool, queue] : pools_) sum = sum + queue.view(0, now);
    return sum;
  }

  std::map<std::string, WorkQueue<Item>>& pools() { return pools_; }
  const std::map<std::string, WorkQueue<Item>>& pools() const { return pools_; }

 private:
  std::uint64_t limit_, limit_bytes_;
  std::map<std::string, WorkQueue<Item>> pools_;
};

}  // namespace assay::flow
