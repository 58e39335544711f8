#include "actors/curator.h"

#include <utility>

#include "actors/curator_outbox.h"
#include "actors/curator_status.h"
#include "actors/rollout_files.h"
#include "runtime/core/clock.h"

namespace assay::actors {

namespace {

using Self = caf::stateful_actor<CuratorState>*;

// A worker that retires has so long to finish what it holds.
constexpr std::chrono::seconds kRetireTime{30};

SteadyTime now() {
  return SystemClock().now();
}

double chain_fraction(const std::vector<flow::ReadyGroup>& groups, bool& has_checks) {
  std::uint64_t chains = 0, scored = 0;
  for (const flow::ReadyGroup& group : groups) {
    for (const wire::Verdict& verdict : group.verdicts) {
      ++scored;
      for (const wire::Check& check : verdict.checks) {
        if (check.name != "chain") continue;
        has_checks = true;
        chains += check.is_passed ? 1 : 0;
      }
    }
  }
  return scored == 0 ? 0 : static_cast<double>(chains) / static_cast<double>(scored);
}

void commit(Self self, Trained trained) {
  CuratorState& state = self->state;
  CommitStep message;
  store::StepRecord& record = message.commit.record;
  record.step = trained.step + 1;
  record.version_in = PolicyVersion{trained.step};
  record.version_out = PolicyVersion{trained.step + 1};
  record.weights_in = trained.weights_in;
  record.weights_out = trained.weights_out;
  record.checkpoint = trained.checkpoint;
  for (const flow::ReadyGroup& group : state.training.at(trained.step).groups) {
    record.groups.push_back(group.id);
  }
  message.origin = {SystemClock().wall_ms(), "learner/0", 1};
  self->send(state.keeper, std::move(message));
  state.committing[trained.step] = std::move(trained);
}

StepReport report_of(CuratorState& state, const Trained& trained) {
  const CuratorState::Training& training = state.training.at(trained.step);
  StepReport report;
  report.step = trained.step + 1;
  report.batch = training.built->summary;
  report.update = trained.report;
  report.accounting = state.setup.flow->accounting();
  report.zero_signal_groups = state.setup.flow->zero_signal_groups();
  report.chain_fraction = chain_fraction(training.groups, report.has_chain_checks);
  report.seconds = seconds_since(state.started);
  report.wait_s = trained.wait_s;
  report.update_s = trained.update_s;
  for (const auto& [worker, tokens] : state.generated_by) report.generated_tokens += tokens;
  report.verifier_errors = state.unscored;
  const std::uint64_t judged = state.verdicts - state.unscored;
  report.judged_rollouts = judged - std::exchange(state.reported_judged, judged);
  report.tripped_rollouts = state.tripped - std::exchange(state.reported_tripped, state.tripped);
  report.weights = trained.weights_out;
  return report;
}

void step_durable(Self self, std::uint64_t ledger_step) {
  CuratorState& state = self->state;
  const std::uint64_t step = ledger_step - 1;
  Trained trained = std::move(state.committing.at(step));
  state.committing.erase(step);
  state.weights = trained.weights_out;
  state.wait_s += trained.wait_s;
  state.update_s += trained.update_s;
  for (const auto& [id, worker] : state.workers) {
    if (is_generator(id)) self->send(worker, NewWeights{trained.weights});
  }
  self->send(state.supervisor, NewWeights{trained.weights});
  keep_recent(state.recent_weights, trained.weights,
              versions_behind(state.setup.options->flow.dispatch));
  const CuratorState::Training& training = state.training.at(step);
  write_rollout_file(*state.setup.options, ledger_step, training.groups, *training.built,
                     [&](GroupId group) { return state.prompts.at(group).prompt; });
  flow::Effects effects = state.setup.flow->step_committed(step, now());
  const auto& wants_weights = state.setup.options->wants_weights;
  const bool is_wanted = wants_weights && wants_weights(ledger_step);
  self->send(state.status,
             StepDone{report_of(state, trained), is_wanted ? trained.weights : nullptr});
  state.setup.log.write(telemetry::LogLevel::kInfo, "step " + std::to_string(ledger_step) +
                                                        " is durable, weights " +
                                                        trained.weights_out.short_hex());
  for (const flow::ReadyGroup& group : training.groups) state.prompts.erase(group.id);
  state.training.erase(step);
  Outbox(self).obey(std::move(effects));
  const bool is_last = ledger_step == state.setup.options->flow.dispatch.step_count;
  if (is_last || state.is_draining) self->send(self, Drain{is_last ? ArmEnd::kDone : state.end});
}

// Everything is decided: no batch is with the learner and none is being committed.
void finish(Self self) {
  CuratorState& state = self->state;
  if (state.outcome) return;
  // An interrupted arm keeps its open groups: resuming goes on with exactly these.
  const bool is_complete = state.end != ArmEnd::kInterrupted;
  if (is_complete) Outbox(self).obey(state.setup.flow->drain(now()));
  ArmOutcome outcome;
  outcome.end = state.end;
  outcome.steps = state.setup.flow->version().value;
  outcome.weights = state.weights;
  outcome.accounting = state.setup.flow->accounting();
  outcome.unscored_rollouts = state.unscored;
  outcome.rollouts = state.rollouts;
  for (const auto& [worker, tokens] : state.generated_by) outcome.generated_tokens += tokens;
  for (const auto& [worker, seconds] : state.busy_by) {
    (is_generator(worker) ? outcome.times.generate_s : outcome.times.verify_s) += seconds;
  }
  outcome.times.update_s = state.update_s;
  outcome.times.wait_s = state.wait_s;
  state.outcome = std::move(outcome);
  self->send(state.keeper, FinishLedger{is_complete});
}

// Pools that follow their queues are sized by what waits for them.
void tell_loads(Self self, SteadyTime time) {
  const CuratorState& state = self->state;
  const flow::GroupFlow& flow = *state.setup.flow;
  const auto tell = [&](const std::string& pool, const flow::QueueView& queue) {
    self->send(state.supervisor, PoolLoad{pool, queue.ready, queue.oldest_s});
  };
  tell("generator", flow.prompts_queue(time));
  for (const auto& [pool, queue] : flow.to_verify_queues(time)) tell(pool, queue);
}

// Whoever says it is ready is spoken to from now on: a replacement takes its predecessor's name.
void worker_joined(Self self, const std::string& worker) {
  self->state.workers[worker] = caf::actor_cast<caf::actor>(self->current_sender());
  self->state.setup.log.write(telemetry::LogLevel::kInfo, worker + " is ready");
}

void generation_refused(Self self, const GenerationRefused& refused) {
  CuratorState& state = self->state;
  state.setup.log.write(
      telemetry::LogLevel::kWarn,
      "group " + to_string(refused.group) + " cannot be drawn: " + refused.error.message);
  Outbox(self).obey(state.setup.flow->generation_refused(refused.worker, refused.group,
                                                         refused.error.message, now()));
}

}  // namespace

caf::behavior curator(Self self, CuratorSetup setup, caf::actor supervisor, caf::actor status) {
  self->state.setup = std::move(setup);
  self->state.supervisor = std::move(supervisor);
  self->state.status = std::move(status);

  return {
      [=](const Introduce& team) {
        self->state.keeper = team.keeper;
        Outbox(self).obey(std::move(self->state.setup.restored));
      },
      [=](const GeneratorReady& ready) {
        worker_joined(self, ready.worker);
        for (const auto& [version, weights] : self->state.recent_weights) {
          self->send(self->state.workers.at(ready.worker), NewWeights{weights});
        }
        Outbox(self).obey(
            self->state.setup.flow->generator_ready(ready.worker, ready.groups_max, now()));
      },
      [=](const VerifierReady& ready) {
        worker_joined(self, ready.worker);
        Outbox(self).obey(self->state.setup.flow->verifier_ready(ready.worker, ready.verifier,
                                                                 ready.rollouts_max, now()));
      },
      [=](const Retire& retire) {
        const SteadyTime time = now();
        Outbox(self).obey(
            self->state.setup.flow->worker_retires(retire.worker, time + kRetireTime, time));
      },
      [=](const WorkersLost& lost) {
        for (const std::string& worker : lost.workers) self->state.workers.erase(worker);
        Outbox(self).obey(self->state.setup.flow->workers_lost(lost.workers, now()));
      },
      [=](const GenerationRefused& refused) { generation_refused(self, refused); },
      [=](const RolloutsDrawn& drawn) {
        CuratorState& state = self->state;
        state.generated_by[drawn.worker] = drawn.generated_tokens;
        state.busy_by[drawn.worker] = drawn.busy_s;
        Outbox(self).obey(state.setup.flow->rollouts_arrived(drawn.worker, drawn.rollouts, now()));
      },
      [=](const Stored& stored) {
        Outbox(self).obey(self->state.setup.flow->rollouts_stored(stored.rollouts, now()));
      },
      [=](const Verdicts& answer) {
        CuratorState& state = self->state;
        state.busy_by[answer.worker] = answer.busy_s;
        flow::Effects effects;
        for (const Judged& one : answer.verdicts) {
          flow::Effects more = state.setup.flow->verdict_arrived(answer.worker, one.rollout,
                                                                 one.attempt, one.verdict, now());
          std::move(more.begin(), more.end(), std::back_inserter(effects));
        }
        Outbox(self).obey(std::move(effects));
      },
      [=](WantBatch) {
        self->state.learner = caf::actor_cast<caf::actor>(self->current_sender());
        if (self->state.is_draining) return;
        Outbox(self).obey(self->state.setup.flow->batch_requested(now()));
      },
      [=](Trained& trained) { commit(self, std::move(trained)); },
      [=](const StepDurable& durable) { step_durable(self, durable.step); },
      [=](Tick) {
        count_queues(self->state, now());
        tell_loads(self, now());
        Outbox(self).obey(self->state.setup.flow->tick(now()));
      },
      [=](const Drain& drain) {
        CuratorState& state = self->state;
        state.is_draining = true;
        state.end = drain.end;
        if (state.training.empty() && state.committing.empty()) finish(self);
      },
      [=](const LedgerFinished& finished) {
        CuratorState& state = self->state;
        state.outcome->times.ledger_s = finished.busy_s;
        self->send(state.supervisor, ArmFinished{*state.outcome});
        self->quit();
      },
      [=](GetStatus) { return CuratorStatus{status_json(self->state)}; },
      [=](const DescribeGroup& query) {
        const auto text = self->state.setup.flow->describe(query.group, now());
        return CuratorStatus{text.value_or("")};
      },
  };
}

}  // namespace assay::actors
