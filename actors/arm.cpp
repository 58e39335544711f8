#include "actors/arm.h"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/exit_reason.hpp>
#include <caf/scoped_actor.hpp>

#include <chrono>
#include <optional>
#include <utility>

#include "actors/learner.h"
#include "actors/messages.h"
#include "actors/observer.h"
#include "actors/prepare.h"
#include "actors/scheduling.h"
#include "actors/status.h"
#include "actors/status_plane.h"
#include "actors/supervisor.h"
#include "runtime/core/clock.h"
#include "runtime/store/checkpoint.h"

namespace assay::actors {

namespace {

constexpr std::chrono::milliseconds kInterruptInterval{100};

// Waits for the end, passing on that someone wants it.
Result<ArmOutcome> wait_for_end(caf::scoped_actor& self, const caf::actor& head,
                                const std::atomic<bool>& interrupt) {
  std::optional<Result<ArmOutcome>> end;
  while (!end) {
    self->receive([&](const ArmFinished& finished) { end = finished.outcome; },
                  [&](const Failed& failed) { end = failed.error; },
                  caf::after(kInterruptInterval) >> [] {});
    if (interrupt) self->send(head, StopRun{ArmEnd::kInterrupted});
  }
  return std::move(*end);
}

// The status actor's answer to a request from the socket.
std::string ask_status(caf::actor_system& system, const caf::actor& status,
                       const std::string& request) {
  caf::scoped_actor self(system);
  std::string body = R"({"assay":1,"error":"the run is ending"})";
  self->request(status, std::chrono::seconds(6), StatusQuery{request})
      .receive([&](const StatusAnswer& answer) { body = answer.body; }, [](caf::error&) {});
  return body;
}

// The last steps must have been observed before anyone reads what the observer wrote. The status
// answers when it has passed them on.
void wait_for_observer(caf::scoped_actor& self, const caf::actor& status,
                       const caf::actor& observer) {
  for (const caf::actor& one : {status, observer}) {
    self->request(one, caf::infinite, GetStatus{})
        .receive([](const CuratorStatus&) {}, [](caf::error&) {});
  }
}

Result<ArmOutcome> run_team(caf::actor_system& system,
                            const std::shared_ptr<const ArmOptions>& options, PreparedArm prepared,
                            const StepObserver& observe, const std::atomic<bool>& interrupt) {
  caf::scoped_actor self(system);
  const caf::actor me = caf::actor_cast<caf::actor>(self.address());
  const caf::actor observer_actor = self->spawn<caf::detached>(observer, observe);
  const caf::actor status_actor = self->spawn<caf::detached>(status, options, observer_actor);
  const caf::actor head =
      self->spawn(supervisor, SupervisorSetup{options, std::move(prepared), status_actor, me});
  const StatusPlane plane(options->status_socket, [&](const std::string& request) {
    return ask_status(system, status_actor, request);
  });
  Result<ArmOutcome> outcome = wait_for_end(self, head, interrupt);
  wait_for_observer(self, status_actor, observer_actor);
  self->send(head, Dismiss{});
  for (const caf::actor& one : {status_actor, observer_actor}) {
    self->send_exit(one, caf::exit_reason::user_shutdown);
  }
  return outcome;
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
  const std::uint64_t needed = flow::oldest_version_needed(options.flow.dispatch, outcome.steps);
  if (auto pruned = folders.prune(options.checkpoint_keep, needed); !pruned) return pruned.error();
  return {};
}

// Every step was committed before, perhaps without the history's last words.
Result<ArmOutcome> already_done(const ArmOptions& options, PreparedArm& prepared) {
  if (prepared.ledger != nullptr) {
    const store::EventOrigin origin{SystemClock().wall_ms(), "curator", 1};
    for (const flow::Effect& effect : prepared.flow->drain(SystemClock().now())) {
      if (const auto* dropped = std::get_if<flow::GroupDropped>(&effect)) {
        prepared.ledger->append_dropped({dropped->group, wire::DropReason::kDrained}, origin);
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

Result<ArmOutcome> run_arm(const ArmOptions& given, const StepObserver& observe,
                           const std::atomic<bool>& interrupt) {
  const auto options = std::make_shared<const ArmOptions>(given);
  const auto start = std::chrono::steady_clock::now();
  const auto cpu_start = process_cpu_time();
  Result<PreparedArm> prepared = prepare_arm(*options);
  if (!prepared) return prepared.error();
  if (is_over(*options, *prepared)) return already_done(*options, *prepared);

  const std::shared_ptr<gpu::Learner> learner = prepared->learner;
  caf::actor_system_config config;
  set_scheduling(config);
  caf::actor_system system(config);
  Result<ArmOutcome> outcome = run_team(system, options, std::move(*prepared), observe, interrupt);
  system.await_all_actors_done();
  if (!outcome) return outcome;

  if (auto kept = keep_final_checkpoint(*options, *learner, *outcome); !kept) {
    return kept.error();
  }
  outcome->wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  outcome->cpu_s = static_cast<double>((process_cpu_time() - cpu_start).count()) * 1e-6;
  return outcome;
}

}  // namespace assay::actors
