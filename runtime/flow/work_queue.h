// WorkQueue: items that wait for a worker, in order, and what people want to know of them.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
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

}  // namespace assay::flow
