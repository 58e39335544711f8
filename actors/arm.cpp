#include "actors/arm.h"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <nlohmann/json.hpp>
#include <thread>

#include "actors/curator.h"
#include "actors/generator.h"
#include "actors/learner.h"
#include "actors/ledger_keeper.h"
#include "actors/messages.h"
#include "actors/recovery.h"
#include "actors/status.h"
#include "actors/verifier.h"
#include "runtime/core/file.h"
#include "runtime/net/socket.h"

namespace assay::actors {

namespace {

constexpr std::chrono::milliseconds kTickInterval{200};

// Everything that exists before the first actor does.
struct Prepared {
  std::shared_ptr<gpu::Learner> learner;
  std::shared_ptr<flow::GroupFlow> flow;
  std::shared_ptr<store::Ledger> ledger;
  Recovered recovered;
};

Result<void> start_from_base(const ArmOptions& options, Prepared& prepared) {
  gpu::Learner& learner = *prepared.learner;
  if (auto restored = learner.restore(options.base_folder); !restored) return restored.error();
  learner.reset_optimiser(options.optimiser);
  learner.set_version(PolicyVersion{0});
  prepared.recovered.weights[0] = learner.publish();
  store::LedgerHeader header = options.ledger;
  header.weights_base = prepared.recovered.weights[0]->digest();
  Result<store::Ledger> ledger = store::Ledger::create(options.ledger_path, header);
  if (!ledger) return ledger.error();
  prepared.ledger = std::make_shared<store::Ledger>(std::move(*ledger));
  return {};
}

bool is_over(const ArmOptions& options, const Prepared& prepared) {
  return prepared.recovered.steps >= options.flow.dispatch.step_count;
}

// Without a ledger when the history is finished and nothing is left to do.
Result<Prepared> prepare(const ArmOptions& options) {
  Prepared prepared;
  Result<std::unique_ptr<gpu::Learner>> learner = options.make_learner();
  if (!learner) return learner.error();
  prepared.learner = std::move(*learner);
  prepared.flow = std::make_shared<flow::GroupFlow>(options.flow, group_supply(options),
                                                    reward_rule(options.rewards));
  const bool has_ledger = path_exists(options.ledger_path);
  if (options.is_resume && !has_ledger && options.announced_steps > 0) {
    return lost_history(options, 0);
  }
  if (!options.is_resume || !has_ledger) {
    if (auto started = start_from_base(options, prepared); !started) return started.error();
    return prepared;
  }
  Result<Recovered> recovered = recover(options, *prepared.learner, *prepared.flow);
  if (!recovered) return recovered.error();
  prepared.recovered = std::move(*recovered);
  for (const std::string& note : prepared.recovered.notes) {
    if (options.tell) options.tell(note);
  }
  if (prepared.recovered.is_finished && is_over(options, prepared)) return prepared;
  Result<store::Ledger> ledger = store::Ledger::open(options.ledger_path);
  if (!ledger) return ledger.error();
  prepared.ledger = std::make_shared<store::Ledger>(std::move(*ledger));
  return prepared;
}

struct Team {
  caf::actor curator, keeper, learner, status;
  std::map<std::string, caf::actor> workers;
};

Result<GeneratorSetup> generator_setup(const ArmOptions& options, const Prepared& prepared,
                                       std::uint32_t index) {
  GeneratorSetup setup;
  setup.id = "generator/" + std::to_string(index);
  setup.run_seed = options.ledger.seed;
  setup.groups_max = std::max<std::uint32_t>(
      1, static_cast<std::uint32_t>(options.generator.max_sequences) / options.flow.group_size);
  setup.is_pinned = options.flow.dispatch.is_deterministic;
  setup.sampling = options.sampling;
  setup.tokenizer = options.tokenizer;
  const auto& known = prepared.recovered.weights;
  const auto& first = setup.is_pinned ? *known.begin() : *known.rbegin();
  setup.version = first.first;
  if (setup.is_pinned) setup.weights = known;
  Result<std::unique_ptr<gpu::Generator>> engine =
      gpu::make_generator(options.backend, first.second, options.generator);
  if (!engine) return engine.error();
  setup.engine = std::move(*engine);
  return setup;
}

// The curator starts last: everyone it will speak to exists.
Result<Team> spawn_team(caf::actor_system& system, const std::shared_ptr<const ArmOptions>& options,
                        Prepared& prepared, const StepObserver& observer,
                        const caf::actor& supervisor) {
  std::vector<GeneratorSetup> generators;
  for (std::uint32_t i = 0; i < options->generator_count; ++i) {
    Result<GeneratorSetup> setup = generator_setup(*options, prepared, i);
    if (!setup) return setup.error();
    generators.push_back(std::move(*setup));
  }
  Team team;
  team.status = system.spawn<caf::detached>(status, options, observer, supervisor);
  CuratorSetup curator_setup{options, prepared.flow, prepared.ledger->fence(),
                             std::move(prepared.recovered.effects)};
  team.curator = system.spawn(curator, std::move(curator_setup), supervisor, team.status);
  caf::anon_send(team.status, Watch{team.curator});
  team.keeper =
      system.spawn<caf::detached>(ledger_keeper, prepared.ledger, team.curator, supervisor);

  Introduce introduce;
  introduce.keeper = team.keeper;
  LearnerSetup learner_setup{prepared.learner, options->update, options->checkpoints_folder,
                             options->checkpoint_interval, options->flow.dispatch.step_count};
  team.learner = system.spawn<caf::detached>(learner, std::move(learner_setup), team.curator,
                                             supervisor, team.status);
  introduce.learner = team.learner;
  for (GeneratorSetup& setup : generators) {
    const std::string id = setup.id;
    team.workers[id] = system.spawn<caf::detached>(generator, std::move(setup), team.curator,
                                                   supervisor, team.status);
  }
  for (std::uint32_t i = 0; i < options->verifier_count; ++i) {
    const std::string id = "verifier/" + std::to_string(i);
    team.workers[id] =
        system.spawn(verifier, id, 64u, options->verifiers, team.curator, team.status);
  }
  introduce.workers = team.workers;
  caf::anon_send<caf::message_priority::high>(team.curator, std::move(introduce));
  return team;
}

// Answers whoever attaches, on a thread of its own, until told to stop.
class StatusPlane {
 public:
  StatusPlane(caf::actor_system& system, const std::string& socket, caf::actor status) {
    if (socket.empty()) return;
    Result<net::StatusServer> server = net::StatusServer::bind(socket);
    if (!server) return;  // a run that nobody can watch is still a run
    thread_ = std::thread([this, &system, status, server = std::move(*server)]() mutable {
      serve(system, status, server);
    });
  }
  ~StatusPlane() {
    is_stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  StatusPlane(const StatusPlane&) = delete;
  StatusPlane& operator=(const StatusPlane&) = delete;

 private:
  void serve(caf::actor_system& system, const caf::actor& status, net::StatusServer& server) {
    caf::scoped_actor self(system);
    while (!is_stopping_) {
      Result<std::optional<net::StatusRequest>> request =
          server.poll(std::chrono::milliseconds(50));
      if (!request || !*request) continue;
      std::string body = R"({"assay":1,"error":"the run is ending"})";
      self->request(status, std::chrono::seconds(2), StatusQuery{(*request)->body})
          .receive([&](const StatusAnswer& answer) { body = answer.body; }, [](caf::error&) {});
      static_cast<void>(server.reply(**request, body).has_value());
    }
  }

  std::atomic<bool> is_stopping_ = false;
  std::thread thread_;
};

void dismiss(const Team& team) {
  const auto leave = [](const caf::actor& one) {
    caf::anon_send<caf::message_priority::high>(
        one, caf::exit_msg{caf::actor_addr{}, caf::exit_reason::user_shutdown});
  };
  leave(team.learner);
  leave(team.curator);
  leave(team.keeper);
  for (const auto& [id, worker] : team.workers) leave(worker);
  leave(team.status);
}

// Waits for the end, passing on what the outside wants.
Result<ArmOutcome> supervise(caf::scoped_actor& self, const Team& team,
                             const std::atomic<bool>& interrupt) {
  std::optional<Result<ArmOutcome>> end;
  bool is_stopping = false;
  const auto stop = [&](ArmEnd reason) {
    if (is_stopping) return;
    is_stopping = true;
    self->send(team.learner, FinishUp{});
    self->send(team.curator, Drain{reason});
  };
  while (!end) {
    self->receive([&](const ArmFinished& finished) { end = finished.outcome; },
                  [&](const Failed& failed) { end = failed.error; },
                  [&](const StopRun& request) { stop(request.end); },
                  caf::after(kTickInterval) >> [] {});
    if (interrupt && !is_stopping) stop(ArmEnd::kInterrupted);
    self->send(team.curator, Tick{});
  }
  // The last steps must have been observed before anyone reads what the observer wrote.
  self->request(team.status, std::chrono::seconds(10), GetStatus{})
      .receive([](const CuratorStatus&) {}, [](caf::error&) {});
  return std::move(*end);
}

// The last step's checkpoint is there and whole: made now where the arm ended between two of them
// or lost it since.
Result<void> keep_final_checkpoint(const ArmOptions& options, gpu::Learner& learner,
                                   ArmOutcome& outcome) {
  const store::CheckpointStore folders(options.checkpoints_folder);
  outcome.final_folder = folders.folder(outcome.steps);
  outcome.weights = learner.publish()->digest();
  if (outcome.steps == 0) return {};
  if (!folders.verify(outcome.steps)) {
    if (auto made = write_checkpoint(learner, folders, outcome.steps, outcome.weights); !made) {
      return made.error();
    }
  }
  if (auto done = folders.publish(outcome.steps); !done) return done.error();
  if (options.checkpoint_keep == 0) return {};
  if (auto pruned = folders.prune(options.checkpoint_keep); !pruned) return pruned.error();
  return {};
}

// Every step was committed before, perhaps without the history's last words.
Result<ArmOutcome> already_done(const ArmOptions& options, Prepared& prepared) {
  if (prepared.ledger != nullptr) {
    const store::EventOrigin origin{SystemClock().wall_ms(), "curator", 1};
    for (const flow::Effect& effect : prepared.flow->drain(SystemClock().now())) {
      if (const auto* dropped = std::get_if<flow::GroupDropped>(&effect)) {
        prepared.ledger->append_dropped({dropped->group, store::DropReason::kDrained}, origin);
      }
    }
    if (auto finished = prepared.ledger->finish(origin); !finished) return finished.error();
  }
  ArmOutcome outcome;
  outcome.steps = prepared.recovered.steps;
  outcome.accounting = prepared.flow->accounting();
  if (auto kept = keep_final_checkpoint(options, *prepared.learner, outcome); !kept) {
    return kept.error();
  }
  return outcome;
}

}  // namespace

Result<ArmOutcome> run_arm(const ArmOptions& given, const StepObserver& observer,
                           const std::atomic<bool>& interrupt) {
  const auto options = std::make_shared<const ArmOptions>(given);
  const auto start = std::chrono::steady_clock::now();
  const auto cpu_start = process_cpu_time();
  Result<Prepared> prepared = prepare(*options);
  if (!prepared) return prepared.error();
  if (is_over(*options, *prepared)) return already_done(*options, *prepared);

  caf::actor_system_config config;
  // Waiting on a condition variable instead of stealing by polling: the cores belong to the engine.
  config.set("scheduler.policy", caf::atom("sharing"));
  config.set("scheduler.max-threads", 2);
  caf::actor_system system(config);
  Result<ArmOutcome> outcome = Error{};
  {
    caf::scoped_actor self(system);
    const caf::actor supervisor = caf::actor_cast<caf::actor>(self.address());
    Result<Team> team = spawn_team(system, options, *prepared, observer, supervisor);
    if (!team) return team.error();
    const StatusPlane plane(system, options->status_socket, team->status);
    outcome = supervise(self, *team, interrupt);
    dismiss(*team);
  }
  system.await_all_actors_done();
  if (!outcome) return outcome;

  if (auto kept = keep_final_checkpoint(*options, *prepared->learner, *outcome); !kept) {
    return kept.error();
  }
  outcome->wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  outcome->cpu_s = static_cast<double>((process_cpu_time() - cpu_start).count()) * 1e-6;
  return outcome;
}

}  // namespace assay::actors
