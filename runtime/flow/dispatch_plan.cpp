#include "runtime/flow/dispatch_plan.h"

#include "runtime/algo/staleness.h"
#include "runtime/core/check.h"

namespace assay::flow {

std::uint64_t open_groups_max(const DispatchOptions& options) {
  return std::min(std::uint64_t{options.staleness_max} + 1, options.step_count) *
         options.batch_groups;
}

std::uint64_t oldest_version_needed(const DispatchOptions& options, std::uint64_t steps) {
  if (!options.is_deterministic) return steps;
  return steps > options.staleness_max ? steps - options.staleness_max : 0;
}

DispatchPlan::DispatchPlan(const DispatchOptions& options)
    : options_(options), wave_remaining_(options.batch_groups) {
  ASSAY_CHECK(options.batch_groups > 0, "a batch has at least one group");
  ASSAY_CHECK(options.running_groups_max > 0, "at least one group may run");
}

PolicyVersion DispatchPlan::pinned_version(std::uint64_t step) const {
  return PolicyVersion{step > options_.staleness_max ? step - options_.staleness_max : 0};
}

std::optional<Ticket> DispatchPlan::next() {
  if (running_ >= options_.running_groups_max) return std::nullopt;
  if (options_.is_deterministic) return next_deterministic();

  algo::AdmissionState state;
  state.running = running_;
  state.accepted = accepted_;
  state.policy_version = version_.value;
  state.batch_groups = options_.batch_groups;
  state.staleness_max = options_.staleness_max;
  const std::uint64_t started = accepted_ + running_, batch = options_.batch_groups;
  if (algo::admission_capacity(state) == 0 || started >= options_.step_count * batch) {
    return std::nullopt;
  }
  const Ticket ticket{issued_++, started / batch, 0, std::nullopt};
  ++running_;
  return ticket;
}

std::optional<Ticket> DispatchPlan::next_deterministic() {
  if (batch_ >= options_.step_count || wave_remaining_ == 0) return std::nullopt;
  const PolicyVersion version = pinned_version(batch_);
  if (version_ < version) return std::nullopt;
  --wave_remaining_;
  ++batch_running_;
  ++running_;
  return Ticket{issued_++, batch_, wave_, version};
}

void DispatchPlan::start_next_wave() {
  if (batch_accepted_ == options_.batch_groups) {
    ++batch_;
    batch_accepted_ = 0;
    wave_remaining_ = options_.batch_groups;
    wave_ = 0;
  } else if (batch_running_ == 0 && wave_remaining_ == 0) {
    wave_remaining_ = options_.batch_groups - batch_accepted_;
    ++wave_;
  }
}

void DispatchPlan::group_accepted(const Ticket& ticket) {
  ASSAY_CHECK(running_ > 0, "only a running group can be accepted");
  --running_;
  ++accepted_;
  if (!options_.is_deterministic) return;
  ASSAY_CHECK(ticket.step == batch_ && batch_running_ > 0, "batches are filled one after another");
  --batch_running_;
  ++batch_accepted_;
  start_next_wave();
}

void DispatchPlan::group_dropped(const Ticket& ticket) {
  ASSAY_CHECK(running_ > 0, "only a running group can be dropped");
  --running_;
  if (!options_.is_deterministic) return;
  ASSAY_CHECK(ticket.step == batch_ && batch_running_ > 0, "batches are filled one after another");
  --batch_running_;
  start_next_wave();
}

void DispatchPlan::accepted_group_dropped() {
  ASSAY_CHECK(accepted_ > 0, "only an accepted group can be dropped late");
  ASSAY_CHECK(!options_.is_deterministic, "pinned versions keep every group within the bound");
  --accepted_;
}

void DispatchPlan::version_reached(PolicyVersion version) {
  ASSAY_CHECK(version_ <= version, "the policy version never decreases");
  version_ = version;
}

void DispatchPlan::restore(std::uint64_t steps, std::uint64_t issued) {
  ASSAY_CHECK(issued_ == 0, "a plan is restored before it is used");
  version_ = PolicyVersion{steps};
  issued_ = issued;
  accepted_ = algo::accepted_after_recovery(steps, options_.batch_groups);
  batch_ = steps;
}

Ticket DispatchPlan::adopt(std::uint64_t index) {
  ASSAY_CHECK(index < issued_, "only an issued group can be adopted");
  ++running_;
  if (!options_.is_deterministic) return Ticket{index, version_.value, 0, std::nullopt};
  ASSAY_CHECK(wave_remaining_ > 0, "a wave is adopted before the next one starts");
  --wave_remaining_;
  ++batch_running_;
  return Ticket{index, batch_, wave_, pinned_version(batch_)};
}

}  // namespace assay::flow
