#include "actors/supervisor.h"

#include <caf/exit_reason.hpp>

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <optional>
#include <utility>

#include "actors/actor_log.h"
#include "actors/curator.h"
#include "actors/generator.h"
#include "actors/learner.h"
#include "actors/ledger_keeper.h"
#include "actors/node_hub.h"
#include "actors/remote_worker.h"
#include "actors/status.h"
#include "actors/verifier.h"
#include "runtime/core/clock.h"

namespace assay::actors {

namespace {

using Self = caf::stateful_actor<SupervisorState>*;
using telemetry::LogLevel;

constexpr std::chrono::milliseconds kTickInterval{200};
const std::string kLocalNode = "local";  // this process

std::string role_of(const std::string& id) {
  return is_generator(id) ? "generator" : "verifier";
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
  const std::string name = flow::pool_of(id);
  const VerifierTable own = {{name, options.verifiers.at(name)}};
  VerifierSetup setup{id, name, verifier_window(own), own, open_log(options, id)};
  if (longest_check(own).count() > 0) {
    return self->spawn<caf::detached>(verifier, std::move(setup), state.curator,
                                      state.setup.status);
  }
  return self->spawn(verifier, std::move(setup), state.curator, state.setup.status);
}

void tell_life(Self self, const std::string& id, const char* life) {
  SupervisorState& state = self->state;
  self->send(state.setup.status, WorkerLife{id, role_of(id), life, state.restarts.restarts(id),
                                            state.placement.node_of(id)});
}

Result<caf::actor> spawn_here(Self self, const std::string& id) {
  SupervisorState& state = self->state;
  if (!is_generator(id)) return spawn_verifier(self, id);
  Result<GeneratorSetup> setup = generator_setup(state, id);
  if (!setup) return setup.error();
  return self->spawn<caf::detached>(generator, std::move(*setup), state.curator,
                                    caf::actor_cast<caf::actor>(self), state.setup.status);
}

caf::actor spawn_there(Self self, const std::string& id, const std::string& node) {
  SupervisorState& state = self->state;
  RemoteWorkerSetup setup{id, node, state.setup.options->cluster, {}};
  if (is_generator(id)) {
    const bool is_pinned = state.setup.options->flow.dispatch.is_deterministic;
    setup.weights = state.weights;
    if (!is_pinned) setup.weights.erase(setup.weights.begin(), std::prev(setup.weights.end()));
  }
  return self->spawn(remote_worker, std::move(setup), state.hub, state.curator,
                     caf::actor_cast<caf::actor>(self));
}

// Without a node that has room the worker waits for one.
Result<void> start_worker(Self self, const std::string& id) {
  SupervisorState& state = self->state;
  const std::optional<std::string> node = state.placement.place(id);
  if (!node) {
    state.homeless.insert(id);
    tell_life(self, id, "PENDING_CREATION");
    state.log.write(LogLevel::kInfo, id + " waits: no node has room for its pool");
    return {};
  }
  state.homeless.erase(id);
  caf::actor worker;
  if (*node == kLocalNode) {
    Result<caf::actor> made = spawn_here(self, id);
    if (!made) return made.error();
    worker = *made;
  } else {
    worker = spawn_there(self, id, *node);
  }
  watch(self, worker, id);
  state.workers[id] = worker;
  tell_life(self, id, "ALIVE");
  state.log.write(LogLevel::kInfo, id + " started on node " + *node);
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
  return std::any_of(state.workers.begin(), state.workers.end(), [&](const auto& entry) {
    return flow::pool_of(entry.first) == flow::pool_of(id);
  });
}

// The worker is no more, as was wanted.
void worker_left(Self self, const std::string& id) {
  SupervisorState& state = self->state;
  state.roster.left(id);
  tell_life(self, id, "LEFT");
  state.placement.remove(id);
  state.homeless.erase(id);
  state.log.write(LogLevel::kInfo, id + " has left");
}

void worker_died(Self self, const std::string& id, const std::string& why) {
  SupervisorState& state = self->state;
  state.workers.erase(id);
  self->send(state.curator, WorkersLost{{id}});
  if (state.roster.is_retiring(id)) return worker_left(self, id);
  const auto delay = state.restarts.worker_died(id, SystemClock().now());
  const std::uint32_t restarts = state.restarts.restarts(id);
  tell_life(self, id, delay ? "RESTARTING" : "DEAD");
  state.placement.remove(id);
  if (delay) {
    state.log.write(LogLevel::kWarn, id + " died: " + why + "; restart " +
                                         std::to_string(restarts) + " in " +
                                         std::to_string(delay->count() / 1000) + " ms");
    self->delayed_send(self, *delay, Restart{id});
    return;
  }
  ++state.lost_workers;
  state.roster.left(id);
  state.log.write(LogLevel::kError, id + " died again and is given up: " + why);
  if (has_worker_like(state, id)) return;
  end_with(self, {ErrorCode::kUnavailable,
                  "the last worker of pool " + flow::pool_of(id) + " died " +
                      std::to_string(restarts + 1) + " times and is given up: " + why,
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

// Sends a worker away; false when it is not there.
bool send_away(Self self, const std::string& id) {
  SupervisorState& state = self->state;
  const auto worker = state.workers.find(id);
  if (worker == state.workers.end()) return false;
  self->demonitor(worker->second.address());
  state.names.erase(worker->second.address());
  leave(worker->second);
  return true;
}

// Its node is gone, which says nothing about the worker: it lives on elsewhere at once.
void worker_moves(Self self, const WorkerFailed& failed) {
  SupervisorState& state = self->state;
  state.workers.erase(failed.worker);
  state.placement.remove(failed.worker);
  state.log.write(LogLevel::kWarn, failed.worker + ": " + failed.error.message);
  if (state.roster.is_retiring(failed.worker)) return worker_left(self, failed.worker);
  if (auto started = start_worker(self, failed.worker); !started) {
    worker_died(self, failed.worker, started.error().message);
  }
}

void worker_failed(Self self, const WorkerFailed& failed) {
  if (!send_away(self, failed.worker)) return;
  if (failed.is_nodes_fault) return worker_moves(self, failed);
  worker_died(self, failed.worker, failed.error.message);
}

void worker_retired(Self self, const std::string& id) {
  if (!send_away(self, id)) return;
  self->state.workers.erase(id);
  worker_left(self, id);
}

void stop(Self self, ArmEnd reason) {
  SupervisorState& state = self->state;
  if (state.is_stopping) return;
  state.is_stopping = true;
  self->send(state.learner, FinishUp{});
  self->send(state.curator, Drain{reason});
}

// ---- sizes of pools

Result<void> resize(Self self, const std::string& pool, std::uint32_t count) {
  SupervisorState& state = self->state;
  const flow::Roster::Changes changes = state.roster.resize(pool, count);
  self->send(state.setup.status, PoolSize{pool, count});
  for (const std::string& id : changes.retires) {
    // One that waits for its restart holds nothing.
    if (!state.workers.contains(id)) {
      worker_left(self, id);
      continue;
    }
    tell_life(self, id, "DRAINING");
    self->send(state.curator, Retire{id});
    state.log.write(LogLevel::kInfo, id + " retires");
  }
  for (const std::string& id : changes.starts) {
    if (auto started = start_worker(self, id); !started) return started;
  }
  return {};
}

// A size for "verifier" means the one verifier there is.
Result<std::string> pool_named(const SupervisorState& state, const std::string& name) {
  const auto& plans = state.setup.options->pools;
  if (plans.contains(name)) return name;
  std::string known, verifier;
  for (const auto& [pool, plan] : plans) {
    known += (known.empty() ? "" : ", ") + pool;
    if (pool != kGeneratorPool) verifier = pool;
  }
  if (name == "verifier" && plans.size() == 2) return verifier;
  return Error{ErrorCode::kInvalidInput,
               "no pool is named '" + name + "'",
               "the pools of this run: " + known,
               {},
               {}};
}

PoolsResized resize_all(Self self, const ResizePools& request) {
  constexpr std::uint32_t kWorkersMax = 4096;
  SupervisorState& state = self->state;
  PoolsResized answer;
  std::map<std::string, std::uint32_t> sizes;
  for (const auto& [name, count] : request.sizes) {
    Result<std::string> pool = pool_named(state, name);
    if (!pool) return {pool.error(), {}};
    if (count < 1 || count > kWorkersMax) {
      return {Error{ErrorCode::kInvalidInput,
                    "pool '" + name + "' cannot have " + std::to_string(count) + " workers",
                    "ask for 1 to " + std::to_string(kWorkersMax),
                    {},
                    {}},
              {}};
    }
    sizes[*pool] = count;
  }
  if (state.is_stopping || state.is_over) {
    return {Error{ErrorCode::kUnavailable, "the run is ending", {}, {}, {}}, {}};
  }
  for (const auto& [pool, count] : sizes) {
    answer.sizes[pool] = {state.roster.wanted(pool), count};
    // A size given by hand stays as it is.
    state.followed.erase(pool);
    if (auto done = resize(self, pool, count); !done) return {done.error(), {}};
  }
  return answer;
}

void follow_queue(Self self, const PoolLoad& load) {
  SupervisorState& state = self->state;
  const auto plan = state.followed.find(load.pool);
  if (plan == state.followed.end() || state.is_stopping || state.is_over) return;
  const std::uint32_t before = state.roster.wanted(load.pool);
  const std::uint32_t wanted =
      plan->second.follow(before, load.ready, load.oldest_s, SystemClock().now());
  if (wanted == before) return;
  char why[96];
  std::snprintf(why, sizeof why, ": %llu wait, the oldest for %.1f s",
                static_cast<unsigned long long>(load.ready), load.oldest_s);
  state.log.write(LogLevel::kInfo, "pool " + load.pool + " goes from " + std::to_string(before) +
                                       " to " + std::to_string(wanted) + why);
  if (auto done = resize(self, load.pool, wanted); !done) {
    state.log.write(LogLevel::kError, done.error().message);
  }
}

void node_joined(Self self, const NodeInfo& node) {
  SupervisorState& state = self->state;
  state.placement.node_joined(node.name, node.capacities);
  state.log.write(LogLevel::kInfo, "node " + node.name + " is here");
  for (const std::string& id : std::set<std::string>(state.homeless)) {
    if (auto started = start_worker(self, id); !started) {
      worker_died(self, id, started.error().message);
    }
  }
}

Result<void> start_pools(Self self) {
  SupervisorState& state = self->state;
  state.placement.node_joined(kLocalNode, state.setup.options->local_capacities);
  for (const auto& [pool, plan] : state.setup.options->pools) {
    if (plan.replicas_max > plan.replicas) {
      flow::ScaleOptions scale;
      scale.workers_min = plan.replicas;
      scale.workers_max = plan.replicas_max;
      state.followed.emplace(pool, scale);
    }
    if (auto done = resize(self, pool, plan.replicas); !done) return done;
  }
  return {};
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
  if (options->cluster != nullptr) {
    state.hub = self->spawn(node_hub, options->cluster, open_log(*options, "nodes"), state.curator,
                            me, state.setup.status);
    watch(self, state.hub, "node hub");
  }
  return start_pools(self);
}

void dismiss(Self self) {
  SupervisorState& state = self->state;
  for (const auto& [id, worker] : state.workers) leave(worker);
  for (const caf::actor& one : {state.hub, state.learner, state.curator, state.keeper}) {
    if (one) leave(one);
  }
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
        if (self->state.is_over || self->state.roster.is_retiring(restart.worker)) return;
        if (auto started = start_worker(self, restart.worker); !started) {
          worker_died(self, restart.worker, started.error().message);
        }
      },
      [=](const NodeJoined& joined) { node_joined(self, joined.node); },
      [=](const NodeGone& gone) {
        // All at once, before anyone of them could be given what another held.
        self->send(self->state.curator, WorkersLost{self->state.placement.node_lost(gone.node)});
      },
      [=](const Retired& retired) { worker_retired(self, retired.worker); },
      [=](const PoolLoad& load) { follow_queue(self, load); },
      [=](const ResizePools& request) { return resize_all(self, request); },
      [=](const NewWeights& update) {
        SupervisorState& state = self->state;
        keep_recent(state.weights, update.weights,
                    versions_behind(state.setup.options->flow.dispatch));
      },
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
