#include "actors/generator.h"

#include <algorithm>

#include "runtime/core/clock.h"

namespace assay::actors {

namespace {

using Self = caf::stateful_actor<GeneratorState>*;

// Long completions end rarely; the status should not wait for them.
constexpr std::chrono::milliseconds kReportInterval{250};

gpu::GenerationRequest to_request(const GeneratorSetup& setup, const Generate& work) {
  gpu::GenerationRequest request;
  request.group = work.group;
  request.prompt = work.prompt;
  request.prompt_tokens = work.prompt_tokens;
  request.indices = work.indices;
  for (const std::uint32_t index : work.indices) {
    request.seeds.push_back(derive_sampling_seed(setup.run_seed, {work.group, index}));
  }
  request.sampling = setup.sampling;
  return request;
}

bool is_idle(const gpu::Generator& engine) {
  return engine.running_sequences() == 0 && engine.queued_sequences() == 0;
}

// A group that this engine, and so any other, cannot draw.
struct Refusal {
  GroupId group;
  Error error;
};
using Refusals = std::vector<Refusal>;

void submit(GeneratorState& state, const Generate& work, Refusals& refusals) {
  if (auto done = state.setup.engine->submit(to_request(state.setup, work)); !done) {
    refusals.push_back({work.group, done.error()});
  }
}

// Gives the engine the version that the oldest pinned group needs, and every group that needs it.
Refusals start_pinned(GeneratorState& state) {
  Refusals refusals;
  while (!state.pinned.empty() && is_idle(*state.setup.engine)) {
    const std::uint64_t wanted = state.pinned.front().version->value;
    if (state.version != wanted) {
      const auto weights = state.setup.weights.find(wanted);
      if (weights == state.setup.weights.end()) return refusals;
      state.setup.engine->set_weights(weights->second);
      state.version = wanted;
    }
    while (!state.pinned.empty() && state.pinned.front().version->value == wanted) {
      submit(state, state.pinned.front(), refusals);
      state.pinned.pop_front();
    }
  }
  return refusals;
}

Refusals accept_work(GeneratorState& state, const Generate& work) {
  Refusals refusals;
  const bool is_free =
      !work.version || (work.version->value == state.version && state.pinned.empty());
  if (is_free) {
    submit(state, work, refusals);
    return refusals;
  }
  state.pinned.push_back(work);
  return start_pinned(state);
}

void accept_weights(GeneratorState& state, const NewWeights& update) {
  const std::uint64_t version = update.weights->version().value;
  if (state.setup.is_pinned) {
    // A group of a batch that is still to be trained is pinned at most staleness_max versions back;
    // it may come to this replica late, from one that died.
    keep_recent(state.setup.weights, update.weights, state.setup.staleness_max);
  } else {
    state.setup.engine->set_weights(update.weights);
    state.version = version;
  }
  state.setup.log.write(telemetry::LogLevel::kDebug,
                        "weights of version " + std::to_string(version) + " are here");
}

std::vector<RolloutPtr> decode(const GeneratorState& state, std::vector<wire::Rollout> drawn) {
  std::vector<RolloutPtr> rollouts;
  for (wire::Rollout& rollout : drawn) {
    rollout.completion = state.setup.tokenizer->decode(rollout.completion_tokens);
    rollouts.push_back(std::make_shared<const wire::Rollout>(std::move(rollout)));
  }
  return rollouts;
}

void remember(GeneratorState& state, const Generate& work) {
  state.running[work.group] = {std::chrono::steady_clock::now(), work.indices.size()};
}

void forget_drawn(GeneratorState& state, const std::vector<wire::Rollout>& drawn) {
  for (const wire::Rollout& rollout : drawn) {
    const auto found = state.running.find(rollout.id.group);
    if (found == state.running.end()) continue;
    if (found->second.missing > 0) --found->second.missing;
    if (found->second.missing == 0) state.running.erase(found);
  }
}

WorkerState view_of(const GeneratorState& state) {
  WorkerState view;
  view.id = state.setup.id;
  view.role = "generator";
  view.done = state.rollouts;
  view.busy_s = state.busy_s;
  view.p50_ms = state.durations.quantile_ms(0.5);
  view.p95_ms = state.durations.quantile_ms(0.95);
  view.policy_version = state.version;
  if (state.running.empty()) return view;
  const auto oldest = std::min_element(
      state.running.begin(), state.running.end(),
      [](const auto& left, const auto& right) { return left.second.since < right.second.since; });
  view.doing = "group " + to_string(oldest->first) + ", oldest of " +
               std::to_string(state.running.size()) + ",";
  view.doing_since = oldest->second.since;
  return view;
}

}  // namespace

caf::behavior generator(Self self, GeneratorSetup setup, caf::actor curator, caf::actor supervisor,
                        caf::actor status) {
  self->state.setup = std::move(setup);
  self->state.version = self->state.setup.version;
  self->state.setup.log.write(telemetry::LogLevel::kInfo,
                              "starts with version " + std::to_string(self->state.version));
  self->send(curator, GeneratorReady{self->state.setup.id, self->state.setup.groups_max});

  const auto keep_going = [self] {
    GeneratorState& state = self->state;
    if (state.is_advancing || is_idle(*state.setup.engine)) return;
    state.is_advancing = true;
    self->send(self, Advance{});
  };
  const auto refuse = [self, curator](const Refusals& refusals) {
    for (const Refusal& refusal : refusals) {
      self->state.running.erase(refusal.group);
      self->send(curator, GenerationRefused{self->state.setup.id, refusal.group, refusal.error});
    }
  };
  const auto report = [self, status](std::chrono::steady_clock::time_point now) {
    self->state.reported = now;
    self->send(status, ReportState{view_of(self->state)});
  };

  return {
      [=](const Generate& work) {
        remember(self->state, work);
        refuse(accept_work(self->state, work));
        keep_going();
      },
      [=](const Cancel& cancel) {
        GeneratorState& state = self->state;
        state.setup.engine->cancel(cancel.group);
        state.running.erase(cancel.group);
        std::erase_if(state.pinned,
                      [&](const Generate& work) { return work.group == cancel.group; });
      },
      [=](const NewWeights& update) {
        accept_weights(self->state, update);
        refuse(start_pinned(self->state));
        keep_going();
      },
      [=](Advance) {
        GeneratorState& state = self->state;
        state.is_advancing = false;
        const auto before = std::chrono::steady_clock::now();
        Result<std::vector<wire::Rollout>> drawn = state.setup.engine->advance();
        const auto after = std::chrono::steady_clock::now();
        state.busy_s += std::chrono::duration<double>(after - before).count();
        state.durations.add(after - before);
        if (!drawn) {
          state.setup.log.write(telemetry::LogLevel::kError, drawn.error().message);
          self->send(supervisor, WorkerFailed{state.setup.id, drawn.error()});
          return;
        }
        const bool is_report_due = !drawn->empty() || after - state.reported >= kReportInterval;
        if (!drawn->empty()) {
          state.rollouts += drawn->size();
          forget_drawn(state, *drawn);
          self->send(curator,
                     RolloutsDrawn{state.setup.id, decode(state, std::move(*drawn)),
                                   state.setup.engine->counters().generated_tokens, state.busy_s});
        }
        if (is_report_due) report(after);
        refuse(start_pinned(state));
        keep_going();
      },
  };
}

}  // namespace assay::actors
