#include "actors/ledger_keeper.h"

#include "runtime/core/clock.h"

namespace assay::actors {

caf::behavior ledger_keeper(caf::stateful_actor<LedgerKeeperState>* self,
                            std::shared_ptr<store::Ledger> ledger, caf::actor curator,
                            caf::actor supervisor) {
  LedgerKeeperState& state = self->state;
  state.curator = std::move(curator);
  state.supervisor = std::move(supervisor);

  const auto announce = [self] {
    LedgerKeeperState& s = self->state;
    if (!s.unflushed.empty()) self->send(s.curator, Stored{std::move(s.unflushed)});
    s.unflushed.clear();
  };
  const auto fail = [self](const Error& error) {
    self->send(self->state.supervisor, Failed{error});
    self->quit();
  };

  return {
      [=](const Record& batch) {
        LedgerKeeperState& s = self->state;
        for (const LedgerRecord& record : batch.records) {
          append(*ledger, record);
          if (const auto* rollout = std::get_if<RolloutPtr>(&record.what)) {
            s.unflushed.push_back((*rollout)->id);
          }
        }
        s.events += batch.records.size();
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
        const double busy = static_cast<double>(thread_cpu_time().count()) * 1e-6;
        self->send(self->state.curator, LedgerFinished{busy, self->state.events});
        self->quit();
      },
  };
}

}  // namespace assay::actors
