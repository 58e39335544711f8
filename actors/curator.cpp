#include "actors/curator.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "actors/rollout_files.h"
#include "runtime/core/clock.h"

namespace assay::actors {

namespace {

using Self = caf::stateful_actor<CuratorState>*;

SteadyTime now() {
  return SystemClock().now();
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

wire::Prompt prompt_of(const ArmOptions& options, std::uint64_t index) {
  return options.prompts->prompt(0, index);
}

store::DropReason to_store(flow::DropReason reason) {
  return *store::parse_drop_reason(flow::to_string(reason));
}

// Turns the flow's effects into ledger records and messages, keeping their order.
class Outbox {
 public:
  explicit Outbox(Self self) : self_(self), state_(self->state) {}

  void obey(flow::Effects effects) {
    for (flow::Effect& effect : effects) {
      std::visit([this](auto& one) { obey_one(one); }, effect);
    }
    flush();
  }

 private:
  store::EventOrigin origin(std::string actor, std::uint32_t attempt) {
    return {SystemClock().wall_ms(), std::move(actor), attempt};
  }

  void record(LedgerRecord one) { records_.push_back(std::move(one)); }

  // Keeps the prompt of a group that is open from now on. Null when it cannot be encoded, which
  // ends the run.
  const CuratorState::OpenPrompt* open_prompt(GroupId group, const flow::Ticket& ticket) {
    const ArmOptions& options = *state_.setup.options;
    CuratorState::OpenPrompt& open = state_.prompts[group];
    open.prompt = std::make_shared<const wire::Prompt>(prompt_of(options, ticket.index));
    Result<std::vector<text::TokenId>> tokens = options.tokenizer->encode(open.prompt->text);
    if (!tokens) {
      self_->send(state_.supervisor, Failed{tokens.error()});
      return nullptr;
    }
    open.tokens = std::move(*tokens);
    return &open;
  }

  void obey_one(const flow::GroupIssued& issued) {
    const CuratorState::OpenPrompt* open = open_prompt(issued.group.id, issued.ticket);
    if (open == nullptr) return;
    LedgerRecord one;
    one.issued = store::IssuedGroup{issued.group.id, 0, issued.ticket.index, 0,
                                    state_.setup.flow->version()};
    one.prompt = open->prompt;
    one.origin = origin("curator", 1);
    record(std::move(one));
  }

  void obey_one(const flow::GroupAdopted& adopted) {
    open_prompt(adopted.group.id, adopted.ticket);
  }

  void obey_one(const flow::GenerationGranted& grant) {
    store::LedgerEvent event;
    event.kind = store::EventKind::kLeased;
    event.group = grant.group;
    event.attempt = grant.attempt;
    event.actor = grant.worker;
    event.t_ms = SystemClock().wall_ms();
    record_event(event);
    const CuratorState::OpenPrompt& open = state_.prompts.at(grant.group);
    send_to(grant.worker,
            Generate{grant.group, grant.prompt, grant.indices, open.tokens, grant.version});
  }

  void obey_one(const flow::GenerationCancelled& cancel) {
    send_to(cancel.worker, Cancel{cancel.group});
  }

  void obey_one(const flow::RolloutArrived& arrived) {
    ++state_.rollouts;
    LedgerRecord one;
    one.rollout = arrived.rollout;
    one.origin = origin(arrived.worker, std::max(arrived.attempt, 1u));
    record(std::move(one));
  }

  void obey_one(const flow::VerificationGranted& grant) {
    const auto prompt = state_.prompts.at(grant.rollout->id.group).prompt;
    to_verify_[grant.worker].items.push_back({grant.rollout, prompt});
  }

  void obey_one(const flow::VerdictArrived& arrived) {
    ++state_.verdicts;
    if (!arrived.verdict.is_scored()) ++state_.unscored;
    LedgerRecord one;
    one.verdict.emplace(arrived.rollout, arrived.verdict);
    one.origin = origin(arrived.worker, std::max(arrived.attempt, 1u));
    record(std::move(one));
  }

  void obey_one(const flow::LateArrival& late) {
    store::LedgerEvent event;
    event.kind = store::EventKind::kLate;
    event.group = late.rollout.group;
    event.index = late.rollout.index;
    event.attempt = 1;
    event.actor = late.worker;
    event.reason = late.what;
    event.t_ms = SystemClock().wall_ms();
    record_event(event);
  }

  void obey_one(const flow::LeaseExpired& expired) {
    store::LedgerEvent event;
    event.kind = store::EventKind::kLeaseExpired;
    event.group = expired.group;
    event.index = expired.index;
    event.attempt = expired.attempt;
    event.actor = expired.worker;
    event.reason = expired.reason;
    event.t_ms = SystemClock().wall_ms();
    record_event(event);
  }

  void obey_one(const flow::GroupDropped& dropped) {
    LedgerRecord one;
    one.dropped = store::DroppedGroup{dropped.group, to_store(dropped.reason)};
    one.origin = origin("curator", 1);
    record(std::move(one));
    state_.prompts.erase(dropped.group);
  }

  void obey_one(flow::BatchReady& ready) {
    std::vector<flow::TrainGroup> groups;
    for (const flow::ReadyGroup& group : ready.groups) {
      groups.push_back({group.id, group.rollouts, group.rewards});
    }
    Result<flow::BuiltBatch> built =
        flow::build_train_batch(groups, state_.setup.options->advantage, PolicyVersion{ready.step});
    if (!built) {
      self_->send(state_.supervisor, Failed{built.error()});
      return;
    }
    CuratorState::Training& training = state_.training[ready.step];
    training.groups = std::move(ready.groups);
    training.built = std::make_shared<const flow::BuiltBatch>(std::move(*built));
    self_->send(state_.learner, Train{ready.step, training.built});
  }

  void record_event(const store::LedgerEvent& event) {
    LedgerRecord one;
    one.event = event;
    record(std::move(one));
  }

  template <class Message>
  void send_to(const std::string& worker, Message message) {
    const auto found = state_.workers.find(worker);
    if (found != state_.workers.end()) self_->send(found->second, std::move(message));
  }

  void flush() {
    if (!records_.empty()) self_->send(state_.keeper, Record{std::move(records_)});
    records_.clear();
    for (auto& [worker, work] : to_verify_) send_to(worker, std::move(work));
    to_verify_.clear();
  }

  Self self_;
  CuratorState& state_;
  std::vector<LedgerRecord> records_;
  std::map<std::string, Verify> to_verify_;
};

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
    if (id.starts_with("generator")) self->send(worker, NewWeights{trained.weights});
  }
  const CuratorState::Training& training = state.training.at(step);
  write_rollout_file(*state.setup.options, ledger_step, training.groups, *training.built,
                     [&](GroupId group) { return state.prompts.at(group).prompt; });
  flow::Effects effects = state.setup.flow->step_committed(step, now());
  self->send(state.observer, StepDone{report_of(state, trained)});
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
    (worker.starts_with("generator") ? outcome.times.generate_s : outcome.times.verify_s) +=
        seconds;
  }
  outcome.times.update_s = state.update_s;
  outcome.times.wait_s = state.wait_s;
  state.outcome = std::move(outcome);
  self->send(state.keeper, FinishLedger{is_complete});
}

nlohmann::json queue_json(const char* name, const flow::QueueView& view, std::size_t consumers,
                          double seconds) {
  const double span = std::max(seconds, 1e-3);
  return {{"name", name},
          {"ready", view.ready},
          {"unacked", view.unacked},
          {"limit", view.limit},
          {"bytes", view.bytes},
          {"limit_bytes", view.limit_bytes},
          {"oldest_s", view.oldest_s},
          {"in_per_s", static_cast<double>(view.in) / span},
          {"out_per_s", static_cast<double>(view.out) / span},
          {"redelivered", view.redelivered},
          {"dead", view.dead},
          {"consumers", consumers}};
}

std::string status_json(const CuratorState& state) {
  const flow::GroupFlow& flow = *state.setup.flow;
  const SteadyTime time = now();
  const double seconds = seconds_since(state.started);
  const auto count = [&](std::string_view role) {
    return static_cast<std::size_t>(
        std::count_if(state.workers.begin(), state.workers.end(),
                      [&](const auto& entry) { return entry.first.starts_with(role); }));
  };
  const flow::QueueView prompts = flow.prompts_queue(time), verify = flow.to_verify_queue(time),
                        train = flow.to_train_queue(time);
  const flow::Accounting accounting = flow.accounting();
  nlohmann::json dropped = nlohmann::json::object();
  for (const auto& [reason, groups] : accounting.dropped) {
    dropped[std::string(flow::to_string(reason))] = groups;
  }
  const std::string bottleneck = train.ready + train.unacked > 0 ? "learner"
                                 : verify.ready > 0              ? "to_verify"
                                                                 : "generator";
  const nlohmann::json status = {{"step", flow.version().value},
                                 {"policy_version", flow.version().value},
                                 {"uptime_s", seconds},
                                 {"state", state.is_draining ? "draining" : "running"},
                                 {"queues",
                                  {queue_json("prompts", prompts, count("generator"), seconds),
                                   queue_json("to_verify", verify, count("verifier"), seconds),
                                   queue_json("to_train", train, 1, seconds)}},
                                 {"waiting", flow.waiting_sentence()},
                                 {"bottleneck", bottleneck},
                                 {"accounting",
                                  {{"issued", accounting.issued},
                                   {"consumed", accounting.consumed},
                                   {"dropped", dropped},
                                   {"open", accounting.open}}}};
  return status.dump();
}

// What the curator does once it knows its team.
caf::behavior curate(Self self) {
  return {
      [=](const GeneratorReady& ready) {
        Outbox(self).obey(
            self->state.setup.flow->generator_ready(ready.worker, ready.groups_max, now()));
      },
      [=](const VerifierReady& ready) {
        Outbox(self).obey(
            self->state.setup.flow->verifier_ready(ready.worker, ready.rollouts_max, now()));
      },
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
        for (const auto& [rollout, verdict] : answer.verdicts) {
          flow::Effects more =
              state.setup.flow->verdict_arrived(answer.worker, rollout, verdict, now());
          std::move(more.begin(), more.end(), std::back_inserter(effects));
        }
        Outbox(self).obey(std::move(effects));
      },
      [=](WantBatch) {
        if (self->state.is_draining) return;
        Outbox(self).obey(self->state.setup.flow->batch_requested(now()));
      },
      [=](Trained& trained) { commit(self, std::move(trained)); },
      [=](const StepDurable& durable) { step_durable(self, durable.step); },
      [=](Tick) { Outbox(self).obey(self->state.setup.flow->tick(now())); },
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

}  // namespace

flow::RewardRule reward_rule(const algo::RewardArmOptions& options) {
  return [options](GroupId group, const std::vector<wire::Verdict>& verdicts) {
    return algo::arm_rewards(flow::true_rewards(group, verdicts), group, options);
  };
}

flow::GroupSupply group_supply(const ArmOptions& options) {
  const auto prompts = options.prompts;
  const std::uint64_t seed = options.ledger.seed;
  const std::string arm = options.ledger.arm;
  return [prompts, seed, arm](const flow::Ticket& ticket) {
    const PromptId prompt = prompts->prompt(0, ticket.index).id;
    const GroupPlace place{seed, arm, 0, ticket.index, 0};
    return flow::IssuedGroup{derive_group_id(place, prompt), prompt};
  };
}

caf::behavior curator(Self self, CuratorSetup setup, caf::actor supervisor, caf::actor observer) {
  self->state.setup = std::move(setup);
  self->state.supervisor = std::move(supervisor);
  self->state.observer = std::move(observer);

  // A worker may speak before the introduction arrives: its words wait. Obeyed at once they would
  // issue groups that nobody records and nobody draws.
  self->set_default_handler(caf::skip);
  return {
      [=](const Introduce& team) {
        CuratorState& state = self->state;
        state.keeper = team.keeper;
        state.learner = team.learner;
        state.workers = team.workers;
        self->set_default_handler(caf::print_and_drop);
        self->become(curate(self));
        Outbox(self).obey(std::move(state.setup.restored));
      },
  };
}

}  // namespace assay::actors
