#include "actors/verifier.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>
#include <vector>

namespace assay::actors {

namespace {

using Self = caf::stateful_actor<VerifierState>*;

// Fewer where checks are slow, so that the actors share them more evenly.
constexpr std::uint32_t kRolloutsMax = 64, kSlowRolloutsMax = 16;
// What is known is passed on at least so often, which keeps the leases of the rest alive.
constexpr std::chrono::milliseconds kAnswerInterval{100};

// Judges neighbours whose verifier is the same.
void judge(const VerifierTable& table, std::span<const VerifyItem> items,
           const verifiers::VerdictSink& sink) {
  const std::string& name = items.front().prompt->verifier;
  const auto found = table.find(name);
  if (found == table.end()) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      sink(wire::Verdict::unscored(wire::VerdictCode::kJudgeUnavailable,
                                   "no verifier named '" + name + "' runs here"));
    }
    return;
  }
  std::vector<verifiers::Judgement> judgements;
  for (const VerifyItem& item : items) {
    judgements.push_back({item.prompt.get(), item.rollout->completion});
  }
  found->second->verify_all(judgements, sink);
}

// How many items from the first on are the same verifier's.
std::size_t neighbours(std::span<const VerifyItem> items) {
  std::size_t count = 1;
  while (count < items.size() && items[count].prompt->verifier == items[0].prompt->verifier) {
    ++count;
  }
  return count;
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

// Judges what lies on it and answers as it goes.
class Desk {
 public:
  using Time = std::chrono::steady_clock::time_point;

  Desk(Self self, caf::actor curator, Time now)
      : self_(self), curator_(std::move(curator)), judged_(now), answered_(now) {}

  void take(std::span<const VerifyItem> items) {
    auto item = items.begin();
    judge(self_->state.setup.table, items, [&](wire::Verdict verdict) {
      note(*item, std::move(verdict));
      ++item;
    });
  }

  void answer() {
    if (answer_.verdicts.empty()) return;
    answer_.worker = self_->state.setup.id;
    answer_.busy_s = self_->state.busy_s;
    self_->send(curator_, std::exchange(answer_, {}));
    answered_ = judged_;
  }

 private:
  void note(const VerifyItem& item, wire::Verdict verdict) {
    VerifierState& state = self_->state;
    const Time now = std::chrono::steady_clock::now();
    const auto spent = now - std::exchange(judged_, now);
    state.durations.add(spent);
    state.busy_s += std::chrono::duration<double>(spent).count();
    ++state.done;
    if (!verdict.is_scored()) ++state.failed;
    answer_.verdicts.push_back({item.rollout->id, item.attempt, std::move(verdict)});
    if (now - answered_ >= kAnswerInterval) answer();
  }

  Self self_;
  caf::actor curator_;
  Time judged_, answered_;
  Verdicts answer_;
};

}  // namespace

std::chrono::milliseconds longest_check(const VerifierTable& table) {
  std::chrono::milliseconds longest{0};
  for (const auto& [name, one] : table) longest = std::max(longest, one->longest_check());
  return longest;
}

std::uint32_t verifier_window(const VerifierTable& table) {
  return longest_check(table).count() > 0 ? kSlowRolloutsMax : kRolloutsMax;
}

caf::behavior verifier(Self self, VerifierSetup setup, caf::actor curator, caf::actor status) {
  self->state.setup = std::move(setup);
  self->send(curator, VerifierReady{self->state.setup.id, self->state.setup.verifier,
                                    self->state.setup.rollouts_max});
  return {
      [=](const Verify& work) {
        VerifierState& state = self->state;
        const auto before = std::chrono::steady_clock::now();
        self->send(status, ReportState{view_of(state, &work, before)});
        Desk desk(self, curator, before);
        std::span<const VerifyItem> rest = work.items;
        while (!rest.empty()) {
          const std::span<const VerifyItem> some = rest.first(neighbours(rest));
          rest = rest.subspan(some.size());
          desk.take(some);
        }
        desk.answer();
        self->send(status, ReportState{view_of(state, nullptr, std::chrono::steady_clock::now())});
      },
  };
}

}  // namespace assay::actors
