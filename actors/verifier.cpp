#include "actors/verifier.h"

#include <algorithm>
#include <chrono>
#include <span>
#include <utility>
#include <vector>

namespace assay::actors {

namespace {

constexpr std::uint32_t kRolloutsMax = 64;

// The verdicts of neighbours that one verifier judges together.
std::vector<wire::Verdict> judge(const VerifierTable& table, std::span<const VerifyItem> items) {
  const std::string& name = items.front().prompt->verifier;
  const auto found = table.find(name);
  if (found == table.end()) {
    return std::vector<wire::Verdict>(
        items.size(), wire::Verdict::unscored(wire::VerdictCode::kJudgeUnavailable,
                                              "no verifier named '" + name + "' runs here"));
  }
  std::vector<verifiers::Judgement> judgements;
  for (const VerifyItem& item : items) {
    judgements.push_back({item.prompt.get(), item.rollout->completion});
  }
  return found->second->verify_all(judgements);
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

}  // namespace

std::chrono::milliseconds longest_check(const VerifierTable& table) {
  std::chrono::milliseconds longest{0};
  for (const auto& [name, one] : table) longest = std::max(longest, one->longest_check());
  return longest;
}

std::uint32_t verifier_window(const VerifierTable& table, std::chrono::microseconds lease) {
  const std::chrono::milliseconds longest = longest_check(table);
  if (longest.count() == 0) return kRolloutsMax;
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(lease / (2 * longest), 1, kRolloutsMax));
}

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
        std::span<const VerifyItem> rest = work.items;
        while (!rest.empty()) {
          const std::span<const VerifyItem> some = rest.first(neighbours(rest));
          rest = rest.subspan(some.size());
          std::vector<wire::Verdict> verdicts = judge(state.setup.table, some);
          const auto end = std::chrono::steady_clock::now();
          const auto each = (end - std::exchange(start, end)) / some.size();
          for (std::size_t i = 0; i < some.size(); ++i) {
            state.durations.add(each);
            if (!verdicts[i].is_scored()) ++state.failed;
            answer.verdicts.push_back(
                {some[i].rollout->id, some[i].attempt, std::move(verdicts[i])});
          }
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
