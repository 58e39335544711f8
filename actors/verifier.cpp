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

caf::behavior verifier(caf::stateful_actor<VerifierState>* self, std::string id,
                       std::uint32_t rollouts_max, VerifierTable table, caf::actor curator,
                       caf::actor status) {
  self->send(curator, VerifierReady{id, rollouts_max});
  return {
      [=](const Verify& work) {
        VerifierState& state = self->state;
        const auto before = std::chrono::steady_clock::now();
        Verdicts answer;
        answer.worker = id;
        for (const VerifyItem& item : work.items) {
          wire::Verdict verdict = judge(table, item);
          if (!verdict.is_scored()) ++state.failed;
          answer.verdicts.push_back({item.rollout->id, item.attempt, std::move(verdict)});
        }
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
        state.busy_s += seconds;
        state.done += work.items.size();
        answer.busy_s = state.busy_s;
        self->send(curator, std::move(answer));

        WorkerState view;
        view.id = id;
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
