#include "actors/supervisor.h"

#include <caf/exit_reason.hpp>

#include <algorithm>
#include <utility>

#include "actors/actor_log.h"
#include "actors/curator.h"
#include "actors/generator.h"
#include "actors/learner.h"
#include "actors/ledger_keeper.h"
#include "actors/status.h"
#include "actors/verifier.h"
#include "runtime/core/clock.h"

namespace assay::actors {

namespace {

using Self = caf::stateful_actor<SupervisorState>*;
using telemetry::LogLevel;

constexpr std::chrono::milliseconds kTickInterval{200};

std::string role_of(const std::string& id) {
  return id.substr(0, id.find('/'));
}

Result<GeneratorSetup> generator_setup(const SupervisorState& state, const std::string& id) {
  const ArmOptions& options = *state.setup.options;
  GeneratorSetup setup;
  setup.id = id;
  setup.run_seed = options.ledger.seed;
  setup.groups_max = std::max<std::uint32_t>(
      1, static_cast<std::uint32_t>(options.generator.max_sequences) / options.flow.group_size);
  setup.is_pinned = options.flow.dispatch.is_deterministic;
  setup.staleness_max = options.flow.dispatch.staleness_max;
  setup.sampling = options.sampling;
  setup.tokenizer = options.tokenizer;
  setup.log = open_log(options, id);
  const auto& first = setup.is_pinned ? *state.weights.begin() : *state.weights.rbegin();
  setup.version = first.first;
  if (setup.is_pinned) setup.weights = state.weights;
  Result<std::unique_ptr<gpu::Generator>> engine = options.make_generator(first.second);
  if (!engine) return engine.error();
  setup.engine = std::move(*engine);
  return setup;
}

void watch(Self self, const caf::actor& one, const std::string& id) {
  self->monitor(one);
  self->state.names[one.address()] = id;
}

caf::actor spawn_verifier(Self self, const std::string& id) {
  SupervisorState& state = self->state;
  const ArmOptions& options = *state.setup.options;
  VerifierSetup setup{id, verifier_window(options.verifiers), options.verifiers,
                      open_log(options, id)};
  if (longest_check(options.verifiers).count() > 0) {
    return self->spawn<caf::detached>(verifier, std::move(setup), state.curator,
                                      state.setup.status);
  }
  return self->spawn(verifier, std::move(setup), state.curator, state.setup.status);
}

Result<void> start_worker(Self self, const std::string& id) {
  SupervisorState& state = self->state;
  caf::actor worker;
  if (role_of(id) == "generator") {
    Result<GeneratorSetup> setup = generator_setup(state, id);
    if (!setup) return setup.error();
    worker = self->spawn<caf::detached>(generator, std::move(*setup), state.curator,
                                        caf::actor_cast<caf::actor>(self), state.setup.status);
  } else {
    worker = spawn_verifier(self, id);
  }
  watch(self, worker, id);
  state.workers[id] = worker;
  self->send(state.setup.status, WorkerLife{id, role_of(id), "ALIVE", state.restarts.restarts(id)});
  state.log.write(LogLevel::kInfo, id + " started");
  return {};
}

void end_with(Self self, const Error& error) {
  SupervisorState& state = self->state;
  if (state.is_over) return;
  state.is_over = true;
  state.log.write(LogLevel::kError, "the arm fails: " + error.message);
  self->send(state.setup.owner, Failed{error});
}

bool has_worker_like(const SupervisorState& state, const std::string& id) {
  return std::any_of(state.workers.begin(), state.workers.end(),
                     [&](const auto& entry) { return role_of(entry.first) == role_of(id); });
}

void worker_died(Self self, const std::string& id, const std::string& why) {
  SupervisorState& state = self->state;
  state.workers.erase(id);
  self->send(state.curator, WorkerLost{id});
  const auto delay = state.restarts.worker_died(id, SystemClock().now());
  const std::uint32_t restarts = state.restarts.restarts(id);
  self->send(state.setup.status,
             WorkerLife{id, role_of(id), delay ? "RESTARTING" : "DEAD", restarts});
  if (delay) {
    state.log.write(LogLevel::kWarn, id + " died: " + why + "; restart " +
                                         std::to_string(restarts) + " in " +
                                         std::to_string(delay->count() / 1000) + " ms");
    self->delayed_send(self, *delay, Restart{id});
    return;
  }
  ++state.lost_workers;
  state.log.write(LogLevel::kError, id + " died again and is given up: " + why);
  if (has_worker_like(state, id)) return;
  end_with(self, {ErrorCode::kUnavailable,
                  "the last " + role_of(id) + " died " + std::to_string(restarts + 1) +
                      " times and is given up: " + why,
                  "see logs/latest/supervisor.log; --resume goes on from the last committed step",
                  id,
                  {}});
}

void someone_died(Self self, const caf::down_msg& down) {
  SupervisorState& state = self->state;
  const auto known = state.names.find(down.source);
  if (known == state.names.end()) return;
  const std::string id = known->second;
  state.names.erase(known);
  if (state.workers.contains(id)) return worker_died(self, id, to_string(down.reason));
  // The keeper and the curator leave by themselves once their work is done.
  if (!down.reason || down.reason == caf::exit_reason::normal) return;
  end_with(self, {ErrorCode::kUnavailable,
                  "the " + id + " ended unexpectedly: " + to_string(down.reason),
                  "--resume goes on from the last committed step",
                  id,
                  {}});
}

void leave(const caf::actor& one) {
  caf::anon_send<caf::message_priority::high>(
      one, caf::exit_msg{caf::actor_addr{}, caf::exit_reason::user_shutdown});
}

void worker_failed(Self self, const WorkerFailed& failed) {
  SupervisorState& state = self->state;
  const auto worker = state.workers.find(failed.worker);
  if (worker == state.workers.end()) return;
  self->demonitor(worker->second.address());
  state.names.erase(worker->second.address());
  leave(worker->second);
  worker_died(self, failed.worker, failed.error.message);
}

void stop(Self self, ArmEnd reason) {
  SupervisorState& state = self->state;
  if (state.is_stopping) return;
  state.is_stopping = true;
  self->send(state.learner, FinishUp{});
  self->send(state.curator, Drain{reason});
}

void keep_weights(SupervisorState& state, const NewWeights& update) {
  const std::uint64_t version = update.weights->version().value;
  const flow::DispatchOptions& dispatch = state.setup.options->flow.dispatch;
  const std::uint64_t kept = dispatch.is_deterministic ? dispatch.staleness_max : 0;
  state.weights[version] = update.weights;
  while (state.weights.begin()->first + kept < version) state.weights.erase(state.weights.begin());
}

// The curator hears who keeps the ledger before anyone else can speak to it.
Result<void> start_team(Self self) {
  SupervisorState& state = self->state;
  const auto options = state.setup.options;
  PreparedArm& prepared = state.setup.prepared;
  const caf::actor me = caf::actor_cast<caf::actor>(self);
  state.weights = std::move(prepared.recovered.weights);

  CuratorSetup curator_setup{options, prepared.flow, std::move(prepared.recovered.effects),
                             open_log(*options, "curator")};
  state.curator = self->spawn(curator, std::move(curator_setup), me, state.setup.status);
  watch(self, state.curator, "curator");
  LedgerKeeperSetup keeper_setup{std::move(prepared.ledger), std::move(prepared.quarantine),
                                 open_log(*options, "ledger_keeper")};
  state.keeper =
      self->spawn<caf::detached>(ledger_keeper, std::move(keeper_setup), state.curator, me);
  watch(self, state.keeper, "ledger keeper");
  self->send(state.curator, Introduce{state.keeper});
  self->send(state.setup.status, Watch{state.curator});
  LearnerSetup learner_setup;
  learner_setup.learner = std::move(prepared.learner);
  learner_setup.update = options->update;
  learner_setup.checkpoints_folder = options->checkpoints_folder;
  learner_setup.checkpoint_interval = options->checkpoint_interval;
  learner_setup.checkpoint_keep = options->checkpoint_keep;
  learner_setup.dispatch = options->flow.dispatch;
  learner_setup.log = open_log(*options, "learner/0");
  state.learner = self->spawn<caf::detached>(learner, std::move(learner_setup), state.curator, me,
                                             state.setup.status);
  watch(self, state.learner, "learner/0");
  for (std::uint32_t i = 0; i < options->generator_count; ++i) {
    if (auto done = start_worker(self, "generator/" + std::to_string(i)); !done) return done;
  }
  for (std::uint32_t i = 0; i < options->verifier_count; ++i) {
    if (auto done = start_worker(self, "verifier/" + std::to_string(i)); !done) return done;
  }
  return {};
}

void dismiss(Self self) {
  SupervisorState& state = self->state;
  for (const caf::actor& one : {state.learner, state.curator, state.keeper}) {
    if (one) leave(one);
  }
  for (const auto& [id, worker] : state.workers) leave(worker);
  state.log.write(LogLevel::kInfo, "everyone is dismissed");
  self->quit();
}

}  // namespace

SupervisorState::SupervisorState(caf::event_based_actor*) : restarts(flow::RestartOptions{}) {}

caf::behavior supervisor(Self self, SupervisorSetup setup) {
  self->state.setup = std::move(setup);
  self->state.log = open_log(*self->state.setup.options, "supervisor");
  self->set_down_handler([self](const caf::down_msg& down) { someone_died(self, down); });
  if (auto started = start_team(self); !started) end_with(self, started.error());
  self->delayed_send(self, kTickInterval, Tick{});

  return {
      [=](const WorkerFailed& failed) { worker_failed(self, failed); },
      [=](const Restart& restart) {
        if (self->state.is_over) return;
        if (auto started = start_worker(self, restart.worker); !started) {
          worker_died(self, restart.worker, started.error().message);
        }
      },
      [=](const NewWeights& update) { keep_weights(self->state, update); },
      [=](const Failed& failed) { end_with(self, failed.error); },
      [=](const StopRun& request) { stop(self, request.end); },
      [=](const ArmFinished& finished) {
        SupervisorState& state = self->state;
        if (std::exchange(state.is_over, true)) return;
        ArmFinished message = finished;
        message.outcome.lost_workers = state.lost_workers;
        self->send(state.setup.owner, std::move(message));
      },
      [=](Tick) {
        self->send(self->state.curator, Tick{});
        self->delayed_send(self, kTickInterval, Tick{});
      },
      [=](Dismiss) { dismiss(self); },
  };
}

}  // namespace assay::actors
