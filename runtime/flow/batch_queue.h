// BatchQueue: complete groups that wait for the learner, and the batches made of them.
//
// Free order: the oldest groups first, and those that would be trained too late are dropped.
// Deterministic: exactly the groups issued for the batch, in the order of their issue.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "runtime/flow/dispatch_plan.h"
#include "runtime/flow/effects.h"
#include "runtime/flow/work_queue.h"

namespace assay::flow {

class BatchQueue {
 public:
  explicit BatchQueue(const DispatchOptions& options) : options_(options) {}

  void push(ReadyGroup group);

  // The learner wants the next batch. Asking twice is asking once; after the last there is none.
  void request() { is_wanted_ = next_step_ < options_.step_count; }
  bool is_wanted() const { return is_wanted_; }

  // Takes out what is older than the staleness bound allows in the next batch.
  std::vector<GroupDropped> take_stale();
  // The batch that is wanted, if there are groups enough for it.
  std::optional<BatchReady> take_batch();
  // The update of this step is durable. Returns how many groups it consumed.
  std::uint64_t commit(std::uint64_t step);
  // Takes out everything that waits; what the learner has stays.
  std::vector<GroupId> take_all();

  // Goes on after a restart, before anything else.
  void restore(std::uint64_t steps) { next_step_ = steps; }

  std::uint64_t next_step() const { return next_step_; }
  std::uint64_t ready() const { return ready_.size(); }
  std::uint64_t in_training() const;  // groups handed out and not consumed
  QueueView view(SteadyTime now) const;

 private:
  bool is_usable(const ReadyGroup& group) const;

  DispatchOptions options_;
  std::deque<ReadyGroup> ready_;
  std::map<std::uint64_t, std::uint64_t> handed_out_;  // step -> groups
  bool is_wanted_ = false;
  std::uint64_t next_step_ = 0;
  std::uint64_t in_ = 0, out_ = 0, stale_ = 0;
};

}  // namespace assay::flow
