#include "runtime/flow/batch_queue.h"

#include <algorithm>
#include <string>
#include <utility>

#include "runtime/core/check.h"

namespace assay::flow {

void BatchQueue::push(ReadyGroup group) {
  ready_.push_back(std::move(group));
  ++in_;
}

std::vector<GroupDropped> BatchQueue::take_stale() {
  std::vector<GroupDropped> dropped;
  if (options_.is_deterministic) return dropped;  // pinned versions keep every group in the bound
  for (auto group = ready_.begin(); group != ready_.end();) {
    std::uint64_t oldest = next_step_;
    for (const RolloutPtr& rollout : group->rollouts) {
      oldest = std::min(oldest, wire::oldest_version(*rollout).value);
    }
    if (next_step_ - oldest <= options_.staleness_max) {
      ++group;
      continue;
    }
    dropped.push_back({group->id, DropReason::kStale,
                       "drawn by version " + std::to_string(oldest) +
                           ", would be trained at version " + std::to_string(next_step_) +
                           ", bound " + std::to_string(options_.staleness_max)});
    group = ready_.erase(group);
  }
  stale_ += dropped.size();
  return dropped;
}

bool BatchQueue::is_usable(const ReadyGroup& group) const {
  return !options_.is_deterministic || group.ticket.step == next_step_;
}

std::optional<BatchReady> BatchQueue::take_batch() {
  if (!is_wanted_) return std::nullopt;
  const auto usable = std::count_if(ready_.begin(), ready_.end(),
                                    [this](const ReadyGroup& group) { return is_usable(group); });
  if (static_cast<std::uint64_t>(usable) < options_.batch_groups) return std::nullopt;
  BatchReady batch;
  batch.step = next_step_;
  for (auto group = ready_.begin(); batch.groups.size() < options_.batch_groups;) {
    if (!is_usable(*group)) {
      ++group;
      continue;
    }
    batch.groups.push_back(std::move(*group));
    group = ready_.erase(group);
  }
  if (options_.is_deterministic) {
    std::sort(
        batch.groups.begin(), batch.groups.end(),
        [](const ReadyGroup& a, const ReadyGroup& b) { return a.ticket.index < b.ticket.index; });
  }
  handed_out_[batch.step] = batch.groups.size();
  ++next_step_;
  is_wanted_ = false;
  return batch;
}

std::uint64_t BatchQueue::commit(std::uint64_t step) {
  const auto found = handed_out_.find(step);
  ASSAY_CHECK(found != handed_out_.end(), "only a step that was handed out can be committed");
  const std::uint64_t consumed = found->second;
  handed_out_.erase(found);
  out_ += consumed;
  return consumed;
}

std::vector<GroupId> BatchQueue::take_all() {
  std::vector<GroupId> groups;
  for (const ReadyGroup& group : ready_) groups.push_back(group.id);
  ready_.clear();
  return groups;
}

std::uint64_t BatchQueue::in_training() const {
  std::uint64_t groups = 0;
  for (const auto& [step, count] : handed_out_) groups += count;
  return groups;
}

QueueView BatchQueue::view(SteadyTime now) const {
  QueueView view;
  view.ready = ready_.size();
  view.unacked = in_training();
  view.limit = std::uint64_t{options_.staleness_max + 1} * options_.batch_groups;
  view.in = in_;
  view.out = out_;
  view.dead = stale_;
  if (!ready_.empty()) {
    view.oldest_s = std::chrono::duration<double>(now - ready_.front().ready_since).count();
  }
  return view;
}

}  // namespace assay::flow
