#include "runtime/store/ledger_checker.h"

#include "runtime/store/event_chain.h"
#include "runtime/store/group_history.h"
#include "runtime/store/step_history.h"

namespace assay::store {

struct LedgerChecker::State {
  State(const LedgerHeader& header, const CheckOptions& options)
      : chain(header, options.acknowledged.value_or(std::vector<Acknowledgement>()), findings),
        groups(header, findings),
        steps(header, findings) {}

  Findings findings;
  EventChain chain;
  GroupHistory groups;
  StepHistory steps;
};

LedgerChecker::LedgerChecker(const LedgerHeader& header, const CheckOptions& options)
    : state_(std::make_unique<State>(header, options)) {
  const auto leave = [this](bool is_absent, Invariant invariant, const std::string& why) {
    if (is_absent) state_->findings.leave_unchecked(invariant, why);
  };
  leave(!options.verify, Invariant::kReward, options.no_verify_reason);
  leave(!options.replay, Invariant::kReplay, options.no_replay_reason);
  leave(!options.acknowledged, Invariant::kAcknowledged, options.no_acknowledged_reason);
}

LedgerChecker::~LedgerChecker() = default;
LedgerChecker::LedgerChecker(LedgerChecker&&) noexcept = default;
LedgerChecker& LedgerChecker::operator=(LedgerChecker&&) noexcept = default;

void LedgerChecker::add(const LedgerEvent& event) {
  State& state = *state_;
  state.chain.add(event);
  switch (event.kind) {
    case EventKind::kFence:
      is_takeover(event) ? state.groups.writer_changed() : state.groups.run_finished(event.seq);
      break;
    case EventKind::kStep:
      state.steps.add_step(event);
      break;
    default:
      const bool has_effect = state.groups.add(event);
      if (has_effect && event.kind == EventKind::kConsumed) state.steps.add_consumed(event);
  }
}

Findings& LedgerChecker::findings() {
  return state_->findings;
}

CheckReport LedgerChecker::finish() {
  State& state = *state_;
  state.steps.finish();
  state.groups.finish(state.chain.last_seq());
  state.chain.finish();

  CheckReport report;
  report.invariants = state.findings.reports();
  report.event_count = state.chain.event_count();
  report.open_groups = state.groups.open();
  report.is_finished = state.chain.is_finished();
  return report;
}

}  // namespace assay::store
