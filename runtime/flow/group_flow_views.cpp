// What people and the ledger are told of a flow; nothing here decides.
#include <algorithm>

#include "runtime/flow/group_flow.h"

namespace assay::flow {

Accounting GroupFlow::accounting() const {
  Accounting accounting = past_;
  accounting.open = open_.size() + batches_.ready() + batches_.in_training();
  return accounting;
}

QueueView GroupFlow::prompts_queue(SteadyTime now) const {
  return to_generate_.view(generators_.leases().size(), now);
}

QueueView GroupFlow::to_verify_queue(SteadyTime now) const {
  return to_verify_.view(verifiers_.leases().size(), now);
}

std::map<std::string, QueueView> GroupFlow::to_verify_queues(SteadyTime now) const {
  std::map<std::string, QueueView> views;
  for (const auto& [pool, queue] : to_verify_.pools()) {
    views[pool] = queue.view(verifiers_.held_in(pool), now);
  }
  return views;
}

QueueView GroupFlow::to_train_queue(SteadyTime now) const {
  return batches_.view(now);
}

std::string GroupFlow::waiting_sentence() const {
  if (batches_.next_step() >= options_.dispatch.step_count) {
    return "every batch has been handed out";
  }
  if (!batches_.is_wanted()) return "the learner is busy";
  const std::uint64_t batch = options_.dispatch.batch_groups;
  const std::uint64_t missing = batch - std::min(batches_.ready(), batch);
  return "the learner waits for " + std::to_string(missing) +
         " groups: " + std::to_string(to_generate_.size()) + " wait for a generator, " +
         std::to_string(generators_.leases().size()) + " are being drawn, " +
         std::to_string(to_verify_.size()) + " rollouts wait for a verifier, " +
         std::to_string(verifiers_.leases().size()) + " are being judged";
}

std::optional<std::string> GroupFlow::describe(GroupId id, SteadyTime now) const {
  const auto found = open_.find(id);
  if (found == open_.end()) return std::nullopt;
  const OpenGroup& group = found->second;
  const auto judged = std::count_if(group.verdicts.begin(), group.verdicts.end(),
                                    [](const auto& verdict) { return verdict.has_value(); });
  const double open_s = std::chrono::duration<double>(now - group.issued_at).count();
  std::string text = "open for " + std::to_string(open_s) + " s, " +
                     std::to_string(options_.group_size - missing_indices(group).size()) + " of " +
                     std::to_string(options_.group_size) + " rollouts drawn, " +
                     std::to_string(judged) + " judged";
  if (const Lease<GroupId>* lease = generators_.leases().find(id)) {
    text += ", with " + lease->holder + " (attempt " + std::to_string(lease->attempt) + ")";
  }
  return text;
}

}  // namespace assay::flow
