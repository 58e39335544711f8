#include "runtime/flow/group_flow.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "runtime/algo/selection.h"
#include "runtime/core/check.h"
#include "runtime/core/digest.h"

namespace assay::flow {

namespace {

const std::string kGenerators = "generator";  // the one pool that draws

// Equal rewards hold no preference; the tolerance is that of algo::group_advantages.
constexpr double kZeroSignalRange = 1e-9;

std::uint64_t stored_bytes(const wire::Rollout& rollout) {
  return sizeof(wire::Rollout) + rollout.completion.size() + 4 * rollout.prompt_tokens.size() +
         12 * rollout.completion_tokens.size();
}

// Raw correctness, whatever the rewards are.
std::vector<std::optional<bool>> correctness_of(const std::vector<wire::Verdict>& verdicts) {
  std::vector<std::optional<bool>> correct;
  for (const wire::Verdict& verdict : verdicts) {
    correct.push_back(verdict.is_scored()
                          ? std::optional(verdict.outcome == wire::Outcome::kCorrect)
                          : std::nullopt);
  }
  return correct;
}

// Why dynamic sampling would draw another group instead; nothing for a group that teaches. Partial
// credit makes no group useful that is all wrong.
std::optional<std::string> uselessness_of(const ReadyGroup& group) {
  const std::vector<std::optional<bool>> correct = correctness_of(group.verdicts);
  if (!algo::is_mixed(correct)) {
    const bool is_solved = std::find(correct.begin(), correct.end(), true) != correct.end();
    return is_solved ? "every completion is correct" : "no completion is correct";
  }
  if (group.is_zero_signal) return "every reward is the same";
  return std::nullopt;
}

bool has_zero_signal(const std::vector<std::optional<double>>& rewards) {
  double lowest = std::numeric_limits<double>::infinity(), highest = -lowest;
  for (const std::optional<double>& reward : rewards) {
    if (!reward) continue;
    lowest = std::min(lowest, *reward);
    highest = std::max(highest, *reward);
  }
  return highest - lowest < kZeroSignalRange;
}

// A verdict of other bytes than the rollout's says nothing about it: the judge failed.
wire::Verdict bound_to(const wire::Rollout& rollout, wire::Verdict verdict) {
  if (verdict.judged == sha256(rollout.completion)) return verdict;
  if (!verdict.is_scored() && verdict.judged.is_zero()) return verdict;
  wire::Verdict failed = wire::Verdict::unscored(wire::VerdictCode::kInternalError,
                                                 "the judge answered for other bytes");
  failed.verifier = verdict.verifier;
  return failed;
}

bool all_there(const auto& values) {
  return std::all_of(values.begin(), values.end(), [](const auto& one) { return bool(one); });
}

}  // namespace

bool Accounting::is_closed() const {
  std::uint64_t sum = consumed + open;
  for (const auto& [reason, count] : dropped) sum += count;
  return sum == issued;
}

std::vector<std::optional<double>> true_rewards(GroupId group,
                                                const std::vector<wire::Verdict>& verdicts) {
  static_cast<void>(group);
  std::vector<std::optional<double>> rewards;
  for (const wire::Verdict& verdict : verdicts) rewards.push_back(verdict.reward);
  return rewards;
}

GroupFlow::GroupFlow(const FlowOptions& options, GroupSupply supply, RewardRule rule)
    : options_(options),
      supply_(std::move(supply)),
      rule_(std::move(rule)),
      plan_(options.dispatch),
      generators_(options.generation_lease),
      verifiers_(options.verification_lease),
      to_generate_(options.dispatch.running_groups_max, 0),
      to_verify_(options.to_verify_rollouts_max, options.to_verify_bytes_max),
      batches_(options.dispatch) {
  ASSAY_CHECK(options.group_size >= 2, "a group has a baseline, so at least two rollouts");
}

// ---- workers

Effects GroupFlow::generator_ready(const std::string& worker, std::uint32_t groups_max,
                                   SteadyTime now) {
  Effects effects;
  generators_.ready(worker, kGenerators, groups_max);
  generators_.leases().renew(worker, now);
  pump(now, effects);
  return effects;
}

Effects GroupFlow::verifier_ready(const std::string& worker, const std::string& verifier,
                                  std::uint32_t rollouts_max, SteadyTime now) {
  Effects effects;
  verifiers_.ready(worker, verifier, rollouts_max);
  pump(now, effects);
  return effects;
}

Effects GroupFlow::workers_lost(const std::vector<std::string>& workers, SteadyTime now) {
  Effects effects;
  requeue_all_of(workers, "worker lost", now, effects);
  pump(now, effects);
  return effects;
}

void GroupFlow::requeue_all_of(const std::vector<std::string>& workers, const std::string& reason,
                               SteadyTime now, Effects& effects) {
  for (const std::string& worker : workers) {
    for (const Lease<GroupId>& lease : generators_.lost(worker)) {
      requeue_generation(lease, reason, now, effects);
    }
    for (const Lease<RolloutId>& lease : verifiers_.lost(worker)) {
      requeue_verification(lease, reason, now, effects);
    }
  }
}

Effects GroupFlow::worker_retires(const std::string& worker, SteadyTime deadline, SteadyTime now) {
  Effects effects;
  generators_.retire(worker, deadline);
  verifiers_.retire(worker, deadline);
  pump(now, effects);
  return effects;
}

// ---- rollouts

Effects GroupFlow::rollouts_arrived(const std::string& worker, std::vector<RolloutPtr> rollouts,
                                    SteadyTime now) {
  Effects effects;
  for (const RolloutPtr& rollout : rollouts) {
    const auto found = open_.find(rollout->id.group);
    const bool is_known = found != open_.end() && rollout->id.index < options_.group_size;
    if (is_known && found->second.rollouts[rollout->id.index] == nullptr) {
      accept_rollout(found->second, rollout, worker, effects);
    } else {
      effects.push_back(
          LateArrival{rollout->id, worker, is_known ? "second rollout" : "group ended"});
    }
  }
  generators_.leases().renew(worker, now);
  pump(now, effects);
  return effects;
}

Effects GroupFlow::generation_refused(const std::string& worker, GroupId group, std::string why,
                                      SteadyTime now) {
  Effects effects;
  const Lease<GroupId>* lease = generators_.leases().find(group);
  if (lease != nullptr && lease->holder == worker) {
    to_generate_.count_dead();
    drop_open(group, DropReason::kGeneratorGaveUp, "it cannot be drawn: " + std::move(why),
              effects);
  }
  pump(now, effects);
  return effects;
}

void GroupFlow::accept_rollout(OpenGroup& group, const RolloutPtr& rollout,
                               const std::string& worker, Effects& effects) {
  const GroupId id = group.group.id;
  group.rollouts[rollout->id.index] = rollout;
  effects.push_back(
      RolloutArrived{rollout, std::max(1u, generators_.leases().attempts(id)), worker});
  if (!all_there(group.rollouts)) return;
  // Someone else may hold the group by now: this worker was late, but not too late.
  const Lease<GroupId>* lease = generators_.leases().find(id);
  if (lease != nullptr && lease->holder != worker) {
    effects.push_back(GenerationCancelled{lease->holder, id});
  }
  generators_.leases().release(id);
  to_generate_.count_out();
}

Effects GroupFlow::rollouts_stored(const std::vector<RolloutId>& rollouts, SteadyTime now) {
  Effects effects;
  for (const RolloutId& id : rollouts) {
    const auto found = open_.find(id.group);
    if (found == open_.end() || found->second.is_stored[id.index]) continue;
    found->second.is_stored[id.index] = true;
    enqueue_verification(found->second, *found->second.rollouts[id.index], now);
    queue_of(found->second).count_in();
  }
  pump(now, effects);
  return effects;
}

void GroupFlow::enqueue_verification(const OpenGroup& group, const wire::Rollout& rollout,
                                     SteadyTime now) {
  queue_of(group).push(rollout.id, stored_bytes(rollout), now);
}

// ---- verdicts

GroupFlow::OpenGroup* GroupFlow::find_unjudged(RolloutId rollout) {
  const auto found = open_.find(rollout.group);
  if (found == open_.end() || rollout.index >= options_.group_size) return nullptr;
  OpenGroup& group = found->second;
  const bool is_unjudged = group.rollouts[rollout.index] && !group.verdicts[rollout.index];
  return is_unjudged ? &group : nullptr;
}

Effects GroupFlow::verdict_arrived(const std::string& worker, RolloutId rollout,
                                   std::uint32_t attempt, wire::Verdict verdict, SteadyTime now) {
  Effects effects;
  if (OpenGroup* group = find_unjudged(rollout)) {
    verdict = bound_to(*group->rollouts[rollout.index], std::move(verdict));
    take_verdict(*group, {rollout, std::move(verdict), attempt, worker, true}, now, effects);
  } else {
    effects.push_back(LateArrival{rollout, worker, "second verdict or group ended"});
  }
  // It is alive and gets on with the rest of what it holds.
  verifiers_.leases().renew(worker, now);
  pump(now, effects);
  return effects;
}

void GroupFlow::take_verdict(OpenGroup& group, VerdictArrived arrived, SteadyTime now,
                             Effects& effects) {
  const RolloutId id = arrived.rollout;
  if (arrived.verdict.is_scored()) {
    const std::uint32_t attempts_most = std::max(1u, verifiers_.leases().attempts(id));
    arrived.attempt = std::clamp(arrived.attempt, 1u, attempts_most);
    return finish_verdict(group, std::move(arrived), now, effects);
  }
  const Lease<RolloutId>* lease = verifiers_.leases().find(id);
  if (lease == nullptr || lease->holder != arrived.worker || lease->attempt != arrived.attempt) {
    effects.push_back(LateArrival{id, arrived.worker, "failure of an attempt that had ended"});
    return;
  }
  if (arrived.attempt >= options_.attempts_max) {
    queue_of(group).count_dead();
    return finish_verdict(group, std::move(arrived), now, effects);
  }
  arrived.is_final = false;
  verifiers_.leases().release(id);
  effects.push_back(std::move(arrived));
  enqueue_verification(group, *group.rollouts[id.index], now);
  queue_of(group).count_redelivered();
}

void GroupFlow::finish_verdict(OpenGroup& group, VerdictArrived arrived, SteadyTime now,
                               Effects& effects) {
  group.verdicts[arrived.rollout.index] = arrived.verdict;
  verifiers_.leases().forget(arrived.rollout);
  queue_of(group).count_out();
  effects.push_back(std::move(arrived));
  complete_if_judged(group, now, effects);
}

void GroupFlow::complete_if_judged(OpenGroup& group, SteadyTime now, Effects& effects) {
  if (!all_there(group.verdicts)) return;
  ReadyGroup ready;
  ready.id = group.group.id;
  ready.prompt = group.group.prompt;
  ready.ticket = group.ticket;
  ready.ready_since = now;
  for (const std::optional<wire::Verdict>& verdict : group.verdicts) {
    ready.verdicts.push_back(*verdict);
  }
  const auto scored = std::count_if(ready.verdicts.begin(), ready.verdicts.end(),
                                    [](const auto& verdict) { return verdict.is_scored(); });
  if (scored < 2) {
    return drop_open(ready.id, DropReason::kVerifierGaveUp,
                     std::to_string(scored) + " of " + std::to_string(ready.verdicts.size()) +
                         " rollouts could be scored; a baseline needs two",
                     effects);
  }
  ready.rewards = rule_(ready.id, ready.verdicts);
  ready.is_zero_signal = has_zero_signal(ready.rewards);
  if (ready.is_zero_signal) ++zero_signal_count_;
  if (const auto useless = uselessness_of(ready); useless && is_resampled(ready)) {
    return drop_open(ready.id, DropReason::kZeroVariance, *useless, effects);
  }
  ready.rollouts = std::move(group.rollouts);
  plan_.group_accepted(ready.ticket);
  generators_.leases().forget(ready.id);
  open_.erase(ready.id);
  batches_.push(std::move(ready));
}

// Whether another group is drawn instead of one that teaches nothing. Counts what it decides.
bool GroupFlow::is_resampled(const ReadyGroup& ready) {
  if (!options_.is_dynamic_sampling || !may_resample(ready.ticket)) return false;
  ++zero_dropped_since_batch_;
  return true;
}

bool GroupFlow::may_resample(const Ticket& ticket) const {
  // Counting arrivals would make the choice depend on their order; waves do not.
  if (options_.dispatch.is_deterministic) return ticket.wave < options_.resample_rounds_max;
  return zero_dropped_since_batch_ <
         std::uint64_t{options_.resample_rounds_max} * options_.dispatch.batch_groups;
}

// ---- the learner

Effects GroupFlow::batch_requested(SteadyTime now) {
  Effects effects;
  batches_.request();
  pump(now, effects);
  return effects;
}

Effects GroupFlow::step_committed(std::uint64_t step, SteadyTime now) {
  Effects effects;
  past_.consumed += batches_.commit(step);
  plan_.version_reached(PolicyVersion{step + 1});
  pump(now, effects);
  return effects;
}

// ---- leases that end early

Effects GroupFlow::tick(SteadyTime now) {
  Effects effects;
  for (const Lease<GroupId>& lease : generators_.leases().expire(now)) {
    requeue_generation(lease, "deadline passed", now, effects);
  }
  for (const Lease<RolloutId>& lease : verifiers_.leases().expire(now)) {
    requeue_verification(lease, "deadline passed", now, effects);
  }
  for (const auto& names : {generators_.overdue(now), verifiers_.overdue(now)}) {
    requeue_all_of(names, "the worker retires", now, effects);
    for (const std::string& worker : names) effects.push_back(WorkerRetired{worker});
  }
  pump(now, effects);
  return effects;
}

void GroupFlow::requeue_generation(const Lease<GroupId>& lease, std::string reason, SteadyTime now,
                                   Effects& effects) {
  effects.push_back(LeaseExpired{lease.item, std::nullopt, lease.attempt, lease.holder, reason});
  effects.push_back(GenerationCancelled{lease.holder, lease.item});
  if (lease.attempt >= options_.attempts_max) {
    to_generate_.count_dead();
    drop_open(lease.item, DropReason::kGeneratorGaveUp,
              std::to_string(lease.attempt) + " attempts, last: " + reason, effects);
    return;
  }
  to_generate_.count_redelivered();
  to_generate_.push_again(lease.item, 0, now);
}

void GroupFlow::requeue_verification(const Lease<RolloutId>& lease, std::string reason,
                                     SteadyTime now, Effects& effects) {
  effects.push_back(
      LeaseExpired{lease.item.group, lease.item.index, lease.attempt, lease.holder, reason});
  OpenGroup& group = open_.at(lease.item.group);
  if (lease.attempt >= options_.attempts_max) {
    queue_of(group).count_dead();
    wire::Verdict verdict =
        wire::Verdict::unscored(wire::VerdictCode::kJudgeUnavailable,
                                std::to_string(lease.attempt) + " attempts, last: " + reason);
    finish_verdict(group, {lease.item, std::move(verdict), lease.attempt, lease.holder, true}, now,
                   effects);
    return;
  }
  queue_of(group).count_redelivered();
  const wire::Rollout& rollout = *group.rollouts[lease.item.index];
  queue_of(group).push_again(rollout.id, stored_bytes(rollout), now);
}

void GroupFlow::drop_open(GroupId id, DropReason reason, std::string detail, Effects& effects) {
  const auto found = open_.find(id);
  ASSAY_CHECK(found != open_.end(), "only an open group can be dropped");
  if (const Lease<GroupId>* lease = generators_.leases().find(id)) {
    effects.push_back(GenerationCancelled{lease->holder, id});
  }
  for (std::uint32_t index = 0; index < options_.group_size; ++index) {
    verifiers_.leases().forget({id, index});
  }
  generators_.leases().forget(id);
  effects.push_back(GroupDropped{id, reason, std::move(detail)});
  ++past_.dropped[reason];
  plan_.group_dropped(found->second.ticket);
  open_.erase(found);
}

Effects GroupFlow::drain(SteadyTime now) {
  static_cast<void>(now);
  Effects effects;
  is_draining_ = true;
  constexpr const char* kWhy = "the run ended first";
  while (!open_.empty()) drop_open(open_.begin()->first, DropReason::kDrained, kWhy, effects);
  for (const GroupId id : batches_.take_all()) {
    effects.push_back(GroupDropped{id, DropReason::kDrained, kWhy});
    ++past_.dropped[DropReason::kDrained];
  }
  to_generate_.clear();
  to_verify_.clear();
  return effects;
}

// ---- deciding

void GroupFlow::pump(SteadyTime now, Effects& effects) {
  if (is_draining_) return;
  offer_batch(effects);
  issue(now, effects);
  grant_generation(now, effects);
  grant_verification(now, effects);
  for (const auto& names : {generators_.take_retired(), verifiers_.take_retired()}) {
    for (const std::string& worker : names) effects.push_back(WorkerRetired{worker});
  }
}

void GroupFlow::offer_batch(Effects& effects) {
  if (!batches_.is_wanted()) return;
  for (GroupDropped& dropped : batches_.take_stale()) {
    ++past_.dropped[dropped.reason];
    plan_.accepted_group_dropped();
    effects.push_back(std::move(dropped));
  }
  if (std::optional<BatchReady> batch = batches_.take_batch()) {
    zero_dropped_since_batch_ = 0;
    effects.push_back(std::move(*batch));
  }
}

GroupFlow::OpenGroup& GroupFlow::open_group(const IssuedGroup& group, const Ticket& ticket,
                                            SteadyTime now) {
  const auto [entry, is_new] = open_.try_emplace(group.id);
  ASSAY_CHECK(is_new, "every ticket stands for another group");
  OpenGroup& open = entry->second;
  open.group = group;
  open.ticket = ticket;
  open.rollouts.resize(options_.group_size);
  open.is_stored.resize(options_.group_size);
  open.verdicts.resize(options_.group_size);
  open.issued_at = now;
  return open;
}

void GroupFlow::issue(SteadyTime now, Effects& effects) {
  while (const std::optional<Ticket> ticket = plan_.next()) {
    const IssuedGroup group = supply_(*ticket);
    open_group(group, *ticket, now);
    to_generate_.push(group.id, 0, now);
    to_generate_.count_in();
    ++past_.issued;
    effects.push_back(GroupIssued{group, *ticket});
  }
}

void GroupFlow::grant_generation(SteadyTime now, Effects& effects) {
  while (!to_generate_.is_empty() && !to_verify_.is_full()) {
    const auto found = open_.find(to_generate_.front());
    // It may have ended while it waited, or a worker that was given up may have finished it.
    if (found == open_.end() || all_there(found->second.rollouts)) {
      to_generate_.pop();
      continue;
    }
    const auto worker = generators_.freest(kGenerators);
    if (!worker) return;
    const OpenGroup& group = found->second;
    const auto& lease = generators_.leases().grant(group.group.id, *worker, now);
    effects.push_back(GenerationGranted{*worker, group.group.id, group.group.prompt, lease.attempt,
                                        missing_indices(group), group.ticket.version});
    to_generate_.pop();
  }
}

void GroupFlow::grant_verification(SteadyTime now, Effects& effects) {
  for (auto& [pool, queue] : to_verify_.pools()) grant_verification(pool, queue, now, effects);
}

void GroupFlow::grant_verification(const std::string& pool, WorkQueue<RolloutId>& queue,
                                   SteadyTime now, Effects& effects) {
  for (; !queue.is_empty(); queue.pop()) {
    const RolloutId id = queue.front();
    const OpenGroup* group = find_unjudged(id);
    if (group == nullptr || verifiers_.leases().find(id) != nullptr) continue;
    const auto worker = verifiers_.freest(pool);
    if (!worker) return;
    const auto& lease = verifiers_.leases().grant(id, *worker, now);
    effects.push_back(VerificationGranted{*worker, group->rollouts[id.index], lease.attempt});
  }
}

std::vector<std::uint32_t> GroupFlow::missing_indices(const OpenGroup& group) const {
  std::vector<std::uint32_t> missing;
  for (std::uint32_t index = 0; index < options_.group_size; ++index) {
    if (group.rollouts[index] == nullptr) missing.push_back(index);
  }
  return missing;
}

// ---- restart

void GroupFlow::restore(std::uint64_t steps, std::uint64_t issued, const Accounting& past) {
  plan_.restore(steps, issued);
  batches_.restore(steps);
  past_ = past;
}

Effects GroupFlow::adopt_open(const IssuedGroup& group, std::uint64_t index,
                              std::vector<RolloutPtr> rollouts,
                              std::vector<std::optional<wire::Verdict>> verdicts, SteadyTime now) {
  ASSAY_CHECK(rollouts.size() == options_.group_size && verdicts.size() == options_.group_size,
              "an adopted group has a place for every rollout");
  OpenGroup& open = open_group(group, plan_.adopt(index), now);
  open.rollouts = std::move(rollouts);
  open.verdicts = std::move(verdicts);
  for (std::uint32_t i = 0; i < options_.group_size; ++i) {
    open.is_stored[i] = open.rollouts[i] != nullptr;
    if (open.is_stored[i] && !open.verdicts[i]) enqueue_verification(open, *open.rollouts[i], now);
  }
  if (!all_there(open.rollouts)) to_generate_.push(group.id, 0, now);
  Effects effects;
  effects.push_back(GroupAdopted{group, open.ticket});
  // A group complete before the restart is accepted or dropped by the same rule.
  complete_if_judged(open, now, effects);
  return effects;
}

void GroupFlow::adopt_dropped(std::uint64_t index) {
  plan_.group_dropped(plan_.adopt(index));
}

}  // namespace assay::flow
