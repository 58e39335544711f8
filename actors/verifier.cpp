#include "actors/verifier.h"

#include <chrono>

namespace assay::actors {

namespace {

wire::Verdict judge(const VerifierTable& table, const VerifyItem& item) {
  const auto found = table.find(item.prompt->verifier);
  if (found == table.end()) {
    return wire::Verdict::unscored(wire::VerdictCode::kJudgeUnavailable,
                                   "no verifier named '" + item.prompt->verifier + "' runs here");
  }
  return found->second->verify(*item.prompt, item.rollout->completion);
}

}  // namespace

caf::behavior verifier(caf::stateful_actor<VerifierState>* self, VerifierSetup setup,
                       caf::actor curator, caf::actor status) {
  self->state.setup = std::move(setup);
  self->send(curator, VerifierReady{self->state.setup.id, self->state.setup.rollouts_max});
  return {
      [=](const Verify& work) {
        VerifierState& state = self->state;
        const auto before = std::chrono::steady_clock::now();
        Verdicts answer;
        answer.worker = state.setup.id;
        for (const VerifyItem& item : work.items) {
          wire::Verdict verdict = judge(state.setup.table, item);
          if (!verdict.is_scored()) ++state.failed;
          answer.verdicts.emplace_back(item.rollout->id, std::move(verdict));
        }
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
        state.busy_s += seconds;
        state.done += work.items.size();
        answer.busy_s = state.busy_s;
        self->send(curator, std::move(answer));

        WorkerState view;
        view.id = state.setup.id;
        view.role = "verifier";
        view.done = state.done;
        view.failed = state.failed;
        view.busy_fraction = state.busy_s;
        view.p50_ms =
            work.items.empty() ? 0 : seconds * 1e3 / static_cast<double>(work.items.size());
        self->send(status, ReportState{view});
      },
  };
}

}  // namespace assay::actors
