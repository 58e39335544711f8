#include "actors/ledger_keeper.h"

#include <utility>

#include "runtime/core/clock.h"

namespace assay::actors {

namespace {

void take(LedgerKeeperState& state, const LedgerRecord& record) {
  store::Ledger& ledger = *state.setup.ledger;
  append(ledger, record);
  ++state.events;
  if (const auto* rollout = std::get_if<RolloutPtr>(&record.what)) {
    state.unflushed.push_back((*rollout)->id);
  }
  const auto* judged = std::get_if<VerdictRecord>(&record.what);
  if (judged == nullptr || state.setup.quarantine == nullptr) return;
  if (wire::tripped_wires(judged->verdict).empty()) return;
  const std::uint64_t seq = ledger.last_seq() + ledger.queued_events();
  state.tripped.push_back({seq, judged->rollout, judged->verdict});
}

// A quarantine with a gap would look whole, so one that failed is left alone.
void quarantine_tripped(LedgerKeeperState& state) {
  if (state.tripped.empty()) return;
  const std::vector<store::TrippedVerdict> tripped = std::exchange(state.tripped, {});
  if (state.setup.quarantine == nullptr || state.setup.quarantine->is_full()) return;
  if (auto added = state.setup.quarantine->add(tripped); !added) {
    state.setup.log.write(
        telemetry::LogLevel::kError,
        "the quarantine stands still until the run is resumed: " + added.error().message);
    state.setup.quarantine = nullptr;
  } else if (state.setup.quarantine->is_full()) {
    state.setup.log.write(telemetry::LogLevel::kWarn,
                          "the quarantine is full; the ledger has what is tripped from now on");
  }
}

}  // namespace

caf::behavior ledger_keeper(caf::stateful_actor<LedgerKeeperState>* self, LedgerKeeperSetup setup,
                            caf::actor curator, caf::actor supervisor) {
  LedgerKeeperState& state = self->state;
  state.setup = std::move(setup);
  const std::shared_ptr<store::Ledger> ledger = state.setup.ledger;
  state.curator = std::move(curator);
  state.supervisor = std::move(supervisor);

  const auto announce = [self] {
    LedgerKeeperState& s = self->state;
    if (!s.unflushed.empty()) self->send(s.curator, Stored{std::move(s.unflushed)});
    s.unflushed.clear();
    quarantine_tripped(s);
  };
  const auto fail = [self](const Error& error) {
    self->send(self->state.supervisor, Failed{error});
    self->quit();
  };

  return {
      [=](const Record& batch) {
        LedgerKeeperState& s = self->state;
        for (const LedgerRecord& record : batch.records) take(s, record);
        // The flush waits behind everything already in the mailbox: that is the group commit.
        if (!s.is_flush_queued) self->send(self, Flush{});
        s.is_flush_queued = true;
      },
      [=](Flush) {
        self->state.is_flush_queued = false;
        if (const auto durable = ledger->commit(); !durable) return fail(durable.error());
        announce();
      },
      [=](const CommitStep& step) {
        const auto durable = ledger->commit_step(step.commit, step.origin);
        if (!durable) return fail(durable.error());
        announce();
        self->send(self->state.curator, StepDurable{step.commit.record.step});
      },
      [=](FinishLedger last) {
        const SystemClock clock;
        const auto durable =
            last.is_complete ? ledger->finish({clock.wall_ms(), "curator", 0}) : ledger->commit();
        if (!durable) return fail(durable.error());
        quarantine_tripped(self->state);
        const double busy = static_cast<double>(thread_cpu_time().count()) * 1e-6;
        self->send(self->state.curator, LedgerFinished{busy, self->state.events});
        self->quit();
      },
  };
}

}  // namespace assay::actors
