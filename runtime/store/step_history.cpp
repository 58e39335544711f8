#include "runtime/store/step_history.h"

#include <algorithm>
#include <utility>

namespace assay::store {

void StepHistory::add_consumed(const LedgerEvent& event) {
  consumed_[event.step].push_back({event.group, event.seq, event.policy_version});
}

void StepHistory::add_step(const LedgerEvent& event) {
  const std::string name = "step " + std::to_string(event.step);
  const auto broken = [&](const std::string& how) {
    findings_.report(Invariant::kStepChain, event.seq, name + how);
  };
  if (!event.details || event.details->step != event.step) {
    return broken(" has no details of its own");
  }
  const StepRecord& record = *event.details;
  if (event.step != last_step_ + 1) broken(" follows step " + std::to_string(last_step_));
  if (!weights_.is_zero() && record.weights_in != weights_) {
    broken(" starts from other weights than were left before it");
  }
  if (last_step_ > 0 && record.version_in != version_) broken(" starts from another version");
  if (record.version_out.value != record.version_in.value + 1 ||
      event.policy_version != record.version_out || event.hash != record.weights_out) {
    broken(" contradicts its own details");
  }
  last_step_ = event.step;
  weights_ = record.weights_out;
  version_ = record.version_out;
  check_used(event, record);
}

void StepHistory::check_used(const LedgerEvent& event, const StepRecord& record) {
  const std::vector<ConsumedGroup> taken = std::exchange(consumed_[event.step], {});
  consumed_.erase(event.step);
  const bool is_same =
      std::equal(taken.begin(), taken.end(), record.groups.begin(), record.groups.end(),
                 [](const ConsumedGroup& one, const GroupId group) { return one.group == group; });
  if (!is_same) {
    findings_.report(Invariant::kConsumedInStep, event.seq,
                     "step " + std::to_string(event.step) + " lists " +
                         std::to_string(record.groups.size()) + " groups that are not the " +
                         std::to_string(taken.size()) + " consumed in it, in order");
  }
  for (const ConsumedGroup& one : taken) {
    if (one.version == record.version_in) continue;
    findings_.report(
        Invariant::kStaleness, one.seq,
        "group " + to_string(one.group) + " was trained at another version than its step");
  }
}

void StepHistory::finish() {
  for (const auto& [step, groups] : consumed_) {
    for (const ConsumedGroup& one : groups) {
      findings_.report(Invariant::kConsumedInStep, one.seq,
                       "group " + to_string(one.group) + " was consumed in step " +
                           std::to_string(step) + ", which does not use it");
    }
  }
}

}  // namespace assay::store
