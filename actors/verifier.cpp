#include "actors/verifier.h"

#include <chrono>
#include <utility>

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

// `work` is what the verifier begins with now; null: it is idle.
WorkerState view_of(const VerifierState& state, const Verify* work,
                    std::chrono::steady_clock::time_point now) {
  WorkerState view;
  view.id = state.setup.id;
  view.role = "verifier";
  view.done = state.done;
  view.failed = state.failed;
  view.busy_s = state.busy_s;
  view.p50_ms = state.durations.quantile_ms(0.5);
  view.p95_ms = state.durations.quantile_ms(0.95);
  view.doing_since = now;
  if (work == nullptr || work->items.empty()) return view;
  view.is_busy = true;
  view.doing = "rollout " + to_string(work->items.front().rollout->id);
  if (work->items.size() > 1) {
    view.doing += ", first of " + std::to_string(work->items.size()) + ",";
  }
  return view;
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
        self->send(status, ReportState{view_of(state, &work, before)});
        Verdicts answer;
        answer.worker = state.setup.id;
        auto start = before;
        for (const VerifyItem& item : work.items) {
          wire::Verdict verdict = judge(state.setup.table, item);
          const auto end = std::chrono::steady_clock::now();
          state.durations.add(end - std::exchange(start, end));
          if (!verdict.is_scored()) ++state.failed;
          answer.verdicts.push_back({item.rollout->id, item.attempt, std::move(verdict)});
        }
        state.busy_s += std::chrono::duration<double>(start - before).count();
        state.done += work.items.size();
        answer.busy_s = state.busy_s;
        self->send(curator, std::move(answer));

        self->send(status, ReportState{view_of(state, nullptr, start)});
      },
  };
}

}  // namespace assay::actors
