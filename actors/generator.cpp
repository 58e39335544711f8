#include "actors/generator.h"

#include "runtime/core/clock.h"

namespace assay::actors {

namespace {

using Self = caf::stateful_actor<GeneratorState>*;

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
    auto& known = state.setup.weights;
    known[version] = update.weights;
    while (known.begin()->first + state.setup.staleness_max < version) known.erase(known.begin());
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
  const auto refuse = [self, curator](const std::vector<Refusal>& refusals) {
    for (const Refusal& refusal : refusals) {
      self->send(curator, GenerationRefused{self->state.setup.id, refusal.group, refusal.error});
    }
  };
  const auto report = [self, status](const std::string& doing) {
    const GeneratorState& state = self->state;
    WorkerState view;
    view.id = state.setup.id;
    view.role = "generator";
    view.doing = doing;
    view.done = state.rollouts;
    view.busy_fraction = state.busy_s;
    view.policy_version = state.version;
    self->send(status, ReportState{view});
  };

  return {
      [=](const Generate& work) {
        refuse(accept_work(self->state, work));
        keep_going();
      },
      [=](const Cancel& cancel) {
        GeneratorState& state = self->state;
        state.setup.engine->cancel(cancel.group);
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
        state.busy_s +=
            std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
        if (!drawn) {
          state.setup.log.write(telemetry::LogLevel::kError, drawn.error().message);
          self->send(supervisor, WorkerFailed{state.setup.id, drawn.error()});
          return;
        }
        if (!drawn->empty()) {
          state.rollouts += drawn->size();
          self->send(curator,
                     RolloutsDrawn{state.setup.id, decode(state, std::move(*drawn)),
                                   state.setup.engine->counters().generated_tokens, state.busy_s});
          report(std::to_string(state.setup.engine->running_sequences()) + " rollouts running");
        }
        refuse(start_pinned(state));
        keep_going();
      },
  };
}

}  // namespace assay::actors
