#include "actors/curator_outbox.h"

#include <algorithm>

#include "runtime/core/clock.h"

namespace assay::actors {

namespace {

// A batch that needs more than so many batches' worth of failed groups is not coming.
constexpr std::uint64_t kGivenUpBatchesMax = 16;
constexpr std::uint64_t kGivenUpInARowMin = 256;

}  // namespace

void Outbox::obey(flow::Effects effects) {
  for (flow::Effect& effect : effects) {
    std::visit([this](auto& one) { obey_one(one); }, effect);
  }
  flush();
}

template <class Effect, class... Context>
void Outbox::record(const Effect& effect, Context&&... context) {
  records_.push_back(record_of(effect, std::forward<Context>(context)..., SystemClock().wall_ms()));
}

template <class Message>
void Outbox::send_to(const std::string& worker, Message message) {
  const auto found = state_.workers.find(worker);
  if (found != state_.workers.end()) self_->send(found->second, std::move(message));
}

// Keeps the prompt of a group that is open from now on. Null when it cannot be encoded, which ends
// the run.
const CuratorState::OpenPrompt* Outbox::open_prompt(GroupId group, const flow::Ticket& ticket) {
  const ArmOptions& options = *state_.setup.options;
  CuratorState::OpenPrompt& open = state_.prompts[group];
  open.prompt = std::make_shared<const wire::Prompt>(options.prompts->prompt(0, ticket.index));
  Result<std::vector<text::TokenId>> tokens = options.tokenizer->encode(open.prompt->text);
  if (!tokens) {
    self_->send(state_.supervisor, Failed{tokens.error()});
    return nullptr;
  }
  open.tokens = std::move(*tokens);
  return &open;
}

void Outbox::obey_one(const flow::GroupIssued& issued) {
  const CuratorState::OpenPrompt* open = open_prompt(issued.group.id, issued.ticket);
  if (open != nullptr) record(issued, open->prompt, state_.setup.flow->version());
}

void Outbox::obey_one(const flow::GroupAdopted& adopted) {
  open_prompt(adopted.group.id, adopted.ticket);
}

void Outbox::obey_one(const flow::GenerationGranted& grant) {
  record(grant);
  const CuratorState::OpenPrompt& open = state_.prompts.at(grant.group);
  send_to(grant.worker,
          Generate{grant.group, grant.prompt, grant.indices, open.tokens, grant.version});
}

void Outbox::obey_one(const flow::GenerationCancelled& cancel) {
  send_to(cancel.worker, Cancel{cancel.group});
}

void Outbox::obey_one(const flow::RolloutArrived& arrived) {
  ++state_.rollouts;
  record(arrived);
}

void Outbox::obey_one(const flow::VerificationGranted& grant) {
  const PromptPtr& prompt = state_.prompts.at(grant.rollout->id.group).prompt;
  to_verify_[grant.worker].items.push_back({grant.rollout, prompt, grant.attempt});
}

void Outbox::obey_one(const flow::VerdictArrived& arrived) {
  ++state_.verdicts;
  record(arrived);
  if (!wire::tripped_wires(arrived.verdict).empty()) ++state_.tripped;
  if (arrived.verdict.is_scored()) return;
  ++state_.unscored;
  state_.setup.log.write(telemetry::LogLevel::kWarn, "rollout " + to_string(arrived.rollout) +
                                                         " unscored by " + arrived.worker + ": " +
                                                         arrived.verdict.reason);
}

void Outbox::obey_one(const flow::LateArrival& late) {
  record(late);
}

void Outbox::obey_one(const flow::LeaseExpired& expired) {
  record(expired);
  state_.setup.log.write(telemetry::LogLevel::kWarn, "lease of " + expired.worker + " on group " +
                                                         to_string(expired.group) +
                                                         " ended: " + expired.reason);
}

// A run in which nothing comes through must not draw and drop for ever.
void Outbox::count_given_up(const flow::GroupDropped& dropped) {
  const bool is_given_up = dropped.reason == wire::DropReason::kGeneratorGaveUp ||
                           dropped.reason == wire::DropReason::kVerifierGaveUp;
  if (!is_given_up) return;
  const std::uint64_t most = std::max<std::uint64_t>(
      kGivenUpInARowMin, kGivenUpBatchesMax * state_.setup.options->flow.dispatch.batch_groups);
  if (++state_.given_up_in_a_row != most) return;
  self_->send(state_.supervisor,
              Failed{{ErrorCode::kUnavailable,
                      std::to_string(most) + " groups in a row came to nothing, last group " +
                          to_string(dropped.group) + ": " + dropped.detail,
                      "see logs/latest/curator.log for what generators and verifiers said",
                      {},
                      {}}});
}

void Outbox::obey_one(const flow::GroupDropped& dropped) {
  count_given_up(dropped);
  record(dropped);
  state_.prompts.erase(dropped.group);
  state_.setup.log.write(telemetry::LogLevel::kDebug,
                         "group " + to_string(dropped.group) + " dropped, " +
                             std::string(to_string(dropped.reason)) + ": " + dropped.detail);
}

void Outbox::obey_one(const flow::WorkerRetired& retired) {
  state_.workers.erase(retired.worker);
  self_->send(state_.supervisor, Retired{retired.worker});
}

void Outbox::obey_one(flow::BatchReady& ready) {
  state_.given_up_in_a_row = 0;
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

void Outbox::flush() {
  if (!records_.empty()) self_->send(state_.keeper, Record{std::move(records_)});
  records_.clear();
  for (auto& [worker, work] : to_verify_) send_to(worker, std::move(work));
  to_verify_.clear();
}

}  // namespace assay::actors
