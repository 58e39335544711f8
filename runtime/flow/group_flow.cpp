#include "runtime/flow/group_flow.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "runtime/algo/selection.h"
#include "runtime/core/check.h"

namespace assay::flow {

namespace {

constexpr std::array<std::string_view, kDropReasonCount> kDropReasonNames = {
    "stale",       "zero_variance", "verifier_gave_up", "generator_gave_up",
    "quarantined", "curated",       "drained",          "operator"};

// Equal rewards hold no preference; the tolerance is that of algo::group_advantages.
constexpr double kZeroSignalRange = 1e-9;

double seconds_between(SteadyTime from, SteadyTime to) {
  return std::chrono::duration<double>(to - from).count();
}

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

}  // namespace

std::string_view to_string(DropReason reason) {
  return kDropReasonNames.at(static_cast<std::size_t>(reason));
}

std::optional<DropReason> parse_drop_reason(std::string_view text) {
  for (std::size_t i = 0; i < kDropReasonCount; ++i) {
    if (kDropReasonNames[i] == text) return static_cast<DropReason>(i);
  }
  return std::nullopt;
}

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
      generation_leases_(options.generation_lease),
      verification_leases_(options.verification_lease) {
  ASSAY_CHECK(options.group_size >= 2, "a group has a baseline, so at least two rollouts");
}

// ---- workers

Effects GroupFlow::generator_ready(const std::string& worker, std::uint32_t groups_max,
                                   SteadyTime now) {
  Effects effects;
  generators_[worker].window = groups_max;
  generation_leases_.renew(worker, now);
  pump(now, effects);
  return effects;
}

Effects GroupFlow::verifier_ready(const std::string& worker, std::uint32_t rollouts_max,
                                  SteadyTime now) {
  Effects effects;
  verifiers_[worker].window = rollouts_max;
  pump(now, effects);
  return effects;
}

Effects GroupFlow::worker_lost(const std::string& worker, SteadyTime now) {
  Effects effects;
  generators_.erase(worker);
  verifiers_.erase(worker);
  for (const Lease<GroupId>& lease : generation_leases_.revoke(worker)) {
    requeue_generation(lease, "worker lost", now, effects);
  }
  for (const Lease<RolloutId>& lease : verification_leases_.revoke(worker)) {
    requeue_verification(lease, "worker lost", now, effects);
  }
  pump(now, effects);
  return effects;
}

// ---- rollouts and verdicts

Effects GroupFlow::rollouts_arrived(const std::string& worker, std::vector<RolloutPtr> rollouts,
                                    SteadyTime now) {
  Effects effects;
  for (RolloutPtr& rollout : rollouts) {
    const auto found = open_.find(rollout->id.group);
    const bool is_known = found != open_.end() && rollout->id.index < options_.group_size;
    if (!is_known || found->second.rollouts[rollout->id.index] != nullptr) {
      effects.push_back(
          LateArrival{rollout->id, worker, is_known ? "second rollout" : "group ended"});
      continue;
    }
    OpenGroup& group = found->second;
    group.rollouts[rollout->id.index] = rollout;
    effects.push_back(RolloutArrived{rollout, generation_leases_.attempts(group.group.id), worker});
    if (is_group_generated(group)) {
      // Someone else may hold the group by now: this worker was late, but not too late.
      const Lease<GroupId>* lease = generation_leases_.find(group.group.id);
      if (lease != nullptr && lease->holder != worker) {
        effects.push_back(GenerationCancelled{lease->holder, group.group.id});
      }
      generation_leases_.release(group.group.id);
      ++prompts_counts_.out;
    }
  }
  generation_leases_.renew(worker, now);
  pump(now, effects);
  return effects;
}

Effects GroupFlow::rollouts_stored(const std::vector<RolloutId>& rollouts, SteadyTime now) {
  Effects effects;
  for (const RolloutId& id : rollouts) {
    const auto found = open_.find(id.group);
    if (found == open_.end() || found->second.is_stored[id.index]) continue;
    found->second.is_stored[id.index] = true;
    enqueue_verification(*found->second.rollouts[id.index], now, false);
    ++to_verify_counts_.in;
  }
  pump(now, effects);
  return effects;
}

Effects GroupFlow::verdict_arrived(const std::string& worker, RolloutId rollout,
                                   wire::Verdict verdict, SteadyTime now) {
  Effects effects;
  const auto found = open_.find(rollout.group);
  if (found == open_.end() || rollout.index >= options_.group_size ||
      found->second.verdicts[rollout.index] || found->second.rollouts[rollout.index] == nullptr) {
    effects.push_back(LateArrival{rollout, worker, "second verdict or group ended"});
    pump(now, effects);
    return effects;
  }
  const std::uint32_t attempt = verification_leases_.attempts(rollout);
  verification_leases_.release(rollout);
  const bool is_final = verdict.is_scored() || attempt >= options_.attempts_max;
  effects.push_back(VerdictArrived{rollout, verdict, attempt, worker, is_final});
  if (is_final) {
    finish_verdict(found->second, rollout, std::move(verdict), now, effects);
  } else {
    enqueue_verification(*found->second.rollouts[rollout.index], now, false);
    ++to_verify_counts_.redelivered;
  }
  pump(now, effects);
  return effects;
}

void GroupFlow::finish_verdict(OpenGroup& group, RolloutId rollout, wire::Verdict verdict,
                               SteadyTime now, Effects& effects) {
  group.verdicts[rollout.index] = std::move(verdict);
  verification_leases_.forget(rollout);
  ++to_verify_counts_.out;
  complete_if_judged(group, now, effects);
}

void GroupFlow::complete_if_judged(OpenGroup& group, SteadyTime now, Effects& effects) {
  const auto& verdicts = group.verdicts;
  if (!std::all_of(verdicts.begin(), verdicts.end(), [](const auto& v) { return v.has_value(); })) {
    return;
  }
  const auto scored = std::count_if(verdicts.begin(), verdicts.end(),
                                    [](const auto& verdict) { return verdict->is_scored(); });
  if (scored < 2) {
    drop_open(group.group.id, DropReason::kVerifierGaveUp,
              std::to_string(scored) + " of " + std::to_string(verdicts.size()) +
                  " rollouts could be scored; a baseline needs two",
              effects);
    return;
  }
  ReadyGroup ready;
  ready.id = group.group.id;
  ready.prompt = group.group.prompt;
  ready.ticket = group.ticket;
  ready.ready_since = now;
  for (const std::optional<wire::Verdict>& verdict : verdicts) ready.verdicts.push_back(*verdict);
  ready.rewards = rule_(ready.id, ready.verdicts);
  ready.is_zero_signal = has_zero_signal(ready.rewards);
  if (ready.is_zero_signal) ++zero_signal_count_;
  const std::optional<std::string> useless = uselessness_of(ready);
  if (useless && options_.is_dynamic_sampling && may_resample(group.ticket)) {
    ++zero_dropped_since_batch_;
    drop_open(ready.id, DropReason::kZeroVariance, *useless, effects);
    return;
  }
  accept(group, std::move(ready));
}

void GroupFlow::accept(OpenGroup& group, ReadyGroup ready) {
  ready.rollouts = std::move(group.rollouts);
  plan_.group_accepted(ready.ticket);
  generation_leases_.forget(ready.id);
  open_.erase(ready.id);
  ready_.push_back(std::move(ready));
  ++to_train_counts_.in;
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
  is_batch_wanted_ = next_step_ < options_.dispatch.step_count;
  pump(now, effects);
  return effects;
}

Effects GroupFlow::step_committed(std::uint64_t step, SteadyTime now) {
  Effects effects;
  const auto trained = in_training_.find(step);
  ASSAY_CHECK(trained != in_training_.end(), "only a step that was handed out can be committed");
  past_.consumed += trained->second.size();
  to_train_counts_.out += trained->second.size();
  in_training_.erase(trained);
  plan_.version_reached(PolicyVersion{step + 1});
  pump(now, effects);
  return effects;
}

void GroupFlow::drop_stale(Effects& effects) {
  const std::uint64_t bound = options_.dispatch.staleness_max;
  for (auto group = ready_.begin(); group != ready_.end();) {
    std::uint64_t oldest = next_step_;
    for (const RolloutPtr& rollout : group->rollouts) {
      oldest = std::min(oldest, wire::oldest_version(*rollout).value);
    }
    if (next_step_ - oldest <= bound) {
      ++group;
      continue;
    }
    effects.push_back(GroupDropped{
        group->id, DropReason::kStale,
        "drawn by version " + std::to_string(oldest) + ", would be trained at version " +
            std::to_string(next_step_) + ", bound " + std::to_string(bound)});
    ++past_.dropped[DropReason::kStale];
    ++to_train_counts_.dead;
    plan_.accepted_group_dropped();
    group = ready_.erase(group);
  }
}

void GroupFlow::offer_batch(Effects& effects) {
  if (!is_batch_wanted_ || is_draining_) return;
  const bool is_deterministic = options_.dispatch.is_deterministic;
  if (!is_deterministic) drop_stale(effects);
  const auto is_usable = [&](const ReadyGroup& group) {
    return !is_deterministic || group.ticket.step == next_step_;
  };
  const std::size_t batch = options_.dispatch.batch_groups;
  if (static_cast<std::size_t>(std::count_if(ready_.begin(), ready_.end(), is_usable)) < batch) {
    return;
  }
  BatchReady offer;
  offer.step = next_step_;
  for (auto group = ready_.begin(); group != ready_.end() && offer.groups.size() < batch;) {
    if (!is_usable(*group)) {
      ++group;
      continue;
    }
    offer.groups.push_back(std::move(*group));
    group = ready_.erase(group);
  }
  if (is_deterministic) {
    std::sort(
        offer.groups.begin(), offer.groups.end(),
        [](const ReadyGroup& a, const ReadyGroup& b) { return a.ticket.index < b.ticket.index; });
  }
  for (const ReadyGroup& group : offer.groups) in_training_[offer.step].push_back(group.id);
  ++next_step_;
  is_batch_wanted_ = false;
  zero_dropped_since_batch_ = 0;
  effects.push_back(std::move(offer));
}

// ---- leases

Effects GroupFlow::tick(SteadyTime now) {
  Effects effects;
  for (const Lease<GroupId>& lease : generation_leases_.expire(now)) {
    requeue_generation(lease, "deadline passed", now, effects);
  }
  for (const Lease<RolloutId>& lease : verification_leases_.expire(now)) {
    requeue_verification(lease, "deadline passed", now, effects);
  }
  pump(now, effects);
  return effects;
}

void GroupFlow::requeue_generation(const Lease<GroupId>& lease, std::string reason, SteadyTime now,
                                   Effects& effects) {
  effects.push_back(LeaseExpired{lease.item, std::nullopt, lease.attempt, lease.holder, reason});
  effects.push_back(GenerationCancelled{lease.holder, lease.item});
  if (lease.attempt >= options_.attempts_max) {
    ++prompts_counts_.dead;
    drop_open(lease.item, DropReason::kGeneratorGaveUp,
              std::to_string(lease.attempt) + " attempts, last: " + reason, effects);
    return;
  }
  ++prompts_counts_.redelivered;
  to_generate_.push_front({lease.item, now});
}

void GroupFlow::requeue_verification(const Lease<RolloutId>& lease, std::string reason,
                                     SteadyTime now, Effects& effects) {
  effects.push_back(
      LeaseExpired{lease.item.group, lease.item.index, lease.attempt, lease.holder, reason});
  OpenGroup& group = open_.at(lease.item.group);
  if (lease.attempt >= options_.attempts_max) {
    ++to_verify_counts_.dead;
    wire::Verdict verdict =
        wire::Verdict::unscored(wire::VerdictCode::kJudgeUnavailable,
                                std::to_string(lease.attempt) + " attempts, last: " + reason);
    effects.push_back(VerdictArrived{lease.item, verdict, lease.attempt, lease.holder, true});
    finish_verdict(group, lease.item, std::move(verdict), now, effects);
    return;
  }
  ++to_verify_counts_.redelivered;
  enqueue_verification(*group.rollouts[lease.item.index], now, true);
}

void GroupFlow::enqueue_verification(const wire::Rollout& rollout, SteadyTime now, bool is_urgent) {
  const WaitingRollout waiting{rollout.id, stored_bytes(rollout), now};
  is_urgent ? to_verify_.push_front(waiting) : to_verify_.push_back(waiting);
  to_verify_bytes_ += waiting.bytes;
}

void GroupFlow::drop_open(GroupId id, DropReason reason, std::string detail, Effects& effects) {
  const auto found = open_.find(id);
  ASSAY_CHECK(found != open_.end(), "only an open group can be dropped");
  if (const Lease<GroupId>* lease = generation_leases_.find(id)) {
    effects.push_back(GenerationCancelled{lease->holder, id});
  }
  for (std::uint32_t index = 0; index < options_.group_size; ++index) {
    verification_leases_.forget({id, index});
  }
  generation_leases_.forget(id);
  effects.push_back(GroupDropped{id, reason, std::move(detail)});
  ++past_.dropped[reason];
  plan_.group_dropped(found->second.ticket);
  open_.erase(found);
}

Effects GroupFlow::drain(SteadyTime now) {
  static_cast<void>(now);
  Effects effects;
  is_draining_ = true;
  while (!open_.empty()) {
    drop_open(open_.begin()->first, DropReason::kDrained, "the run ended first", effects);
  }
  for (const ReadyGroup& group : ready_) {
    effects.push_back(GroupDropped{group.id, DropReason::kDrained, "the run ended first"});
    ++past_.dropped[DropReason::kDrained];
  }
  ready_.clear();
  to_generate_.clear();
  to_verify_.clear();
  to_verify_bytes_ = 0;
  return effects;
}

// ---- deciding

void GroupFlow::pump(SteadyTime now, Effects& effects) {
  if (is_draining_) return;
  offer_batch(effects);
  issue(now, effects);
  grant_generation(now, effects);
  grant_verification(now, effects);
}

void GroupFlow::issue(SteadyTime now, Effects& effects) {
  while (const std::optional<Ticket> ticket = plan_.next()) {
    const IssuedGroup group = supply_(*ticket);
    const auto [entry, is_new] = open_.try_emplace(group.id);
    ASSAY_CHECK(is_new, "every ticket stands for another group");
    entry->second.group = group;
    entry->second.ticket = *ticket;
    entry->second.rollouts.resize(options_.group_size);
    entry->second.is_stored.resize(options_.group_size);
    entry->second.verdicts.resize(options_.group_size);
    entry->second.issued_at = now;
    to_generate_.push_back({group.id, now});
    ++past_.issued;
    ++prompts_counts_.in;
    effects.push_back(GroupIssued{group, *ticket});
  }
}

template <class Key>
std::string* GroupFlow::find_free_worker(std::map<std::string, Worker>& workers,
                                         const LeaseTable<Key>& leases) {
  std::size_t best_free = 0;
  const std::string* best = nullptr;
  for (const auto& [name, worker] : workers) {
    const std::size_t held = leases.held_by(name);
    const std::size_t free = worker.window > held ? worker.window - held : 0;
    if (free > best_free) {
      best_free = free;
      best = &name;
    }
  }
  if (best == nullptr) return nullptr;
  last_worker_ = *best;
  return &last_worker_;
}

void GroupFlow::grant_generation(SteadyTime now, Effects& effects) {
  while (!to_generate_.empty() && !is_verify_queue_full()) {
    const auto found = open_.find(to_generate_.front().id);
    if (found == open_.end()) {  // dropped while it waited
      to_generate_.pop_front();
      continue;
    }
    const std::string* worker = find_free_worker(generators_, generation_leases_);
    if (worker == nullptr) return;
    const OpenGroup& group = found->second;
    const auto& lease = generation_leases_.grant(group.group.id, *worker, now);
    effects.push_back(GenerationGranted{*worker, group.group.id, group.group.prompt, lease.attempt,
                                        missing_indices(group), group.ticket.version});
    to_generate_.pop_front();
  }
}

void GroupFlow::grant_verification(SteadyTime now, Effects& effects) {
  while (!to_verify_.empty()) {
    const RolloutId id = to_verify_.front().id;
    const auto found = open_.find(id.group);
    const bool is_wanted = found != open_.end() && !found->second.verdicts[id.index] &&
                           verification_leases_.find(id) == nullptr;
    if (is_wanted) {
      const std::string* worker = find_free_worker(verifiers_, verification_leases_);
      if (worker == nullptr) return;
      const RolloutPtr& rollout = found->second.rollouts[id.index];
      const auto& lease = verification_leases_.grant(id, *worker, now);
      effects.push_back(VerificationGranted{*worker, rollout, lease.attempt});
    }
    to_verify_bytes_ -= to_verify_.front().bytes;
    to_verify_.pop_front();
  }
}

bool GroupFlow::is_group_generated(const OpenGroup& group) const {
  return std::all_of(group.rollouts.begin(), group.rollouts.end(),
                     [](const RolloutPtr& rollout) { return rollout != nullptr; });
}

bool GroupFlow::is_verify_queue_full() const {
  return to_verify_.size() >= options_.to_verify_rollouts_max ||
         to_verify_bytes_ >= options_.to_verify_bytes_max;
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
  next_step_ = steps;
  past_ = past;
}

Effects GroupFlow::adopt_open(const IssuedGroup& group, std::uint64_t index,
                              std::vector<RolloutPtr> rollouts,
                              std::vector<std::optional<wire::Verdict>> verdicts, SteadyTime now) {
  ASSAY_CHECK(rollouts.size() == options_.group_size && verdicts.size() == options_.group_size,
              "an adopted group has a place for every rollout");
  OpenGroup& open = open_[group.id];
  open.group = group;
  open.ticket = plan_.adopt(index);
  open.rollouts = std::move(rollouts);
  open.verdicts = std::move(verdicts);
  open.is_stored.resize(options_.group_size);
  open.issued_at = now;
  for (std::uint32_t i = 0; i < options_.group_size; ++i) {
    open.is_stored[i] = open.rollouts[i] != nullptr;
    if (!open.is_stored[i] || open.verdicts[i]) continue;
    enqueue_verification(*open.rollouts[i], now, false);
  }
  if (!is_group_generated(open)) to_generate_.push_back({group.id, now});
  Effects effects;  // a group complete before the restart is accepted or dropped by the same rule
  complete_if_judged(open, now, effects);
  return effects;
}

void GroupFlow::adopt_dropped(std::uint64_t index) {
  plan_.group_dropped(plan_.adopt(index));
}

// ---- views

Accounting GroupFlow::accounting() const {
  Accounting accounting = past_;
  accounting.open = open_.size() + ready_.size();
  for (const auto& [step, groups] : in_training_) accounting.open += groups.size();
  return accounting;
}

QueueView GroupFlow::prompts_queue(SteadyTime now) const {
  QueueView view = prompts_counts_;
  view.ready = to_generate_.size();
  view.unacked = generation_leases_.size();
  view.limit = options_.dispatch.running_groups_max;
  if (!to_generate_.empty()) view.oldest_s = seconds_between(to_generate_.front().since, now);
  return view;
}

QueueView GroupFlow::to_verify_queue(SteadyTime now) const {
  QueueView view = to_verify_counts_;
  view.ready = to_verify_.size();
  view.unacked = verification_leases_.size();
  view.limit = options_.to_verify_rollouts_max;
  view.bytes = to_verify_bytes_;
  view.limit_bytes = options_.to_verify_bytes_max;
  if (!to_verify_.empty()) view.oldest_s = seconds_between(to_verify_.front().since, now);
  return view;
}

QueueView GroupFlow::to_train_queue(SteadyTime now) const {
  QueueView view = to_train_counts_;
  view.ready = ready_.size();
  for (const auto& [step, groups] : in_training_) view.unacked += groups.size();
  view.limit = std::uint64_t{options_.dispatch.staleness_max + 1} * options_.dispatch.batch_groups;
  if (!ready_.empty()) view.oldest_s = seconds_between(ready_.front().ready_since, now);
  return view;
}

std::string GroupFlow::waiting_sentence() const {
  if (next_step_ >= options_.dispatch.step_count) return "every batch has been handed out";
  if (!is_batch_wanted_) return "the learner is busy";
  const std::size_t missing = options_.dispatch.batch_groups -
                              std::min<std::size_t>(ready_.size(), options_.dispatch.batch_groups);
  return "the learner waits for " + std::to_string(missing) +
         " groups: " + std::to_string(to_generate_.size()) + " wait for a generator, " +
         std::to_string(generation_leases_.size()) + " are being drawn, " +
         std::to_string(to_verify_.size()) + " rollouts wait for a verifier, " +
         std::to_string(verification_leases_.size()) + " are being judged";
}

std::optional<std::string> GroupFlow::describe(GroupId id, SteadyTime now) const {
  const auto found = open_.find(id);
  if (found == open_.end()) return std::nullopt;
  const OpenGroup& group = found->second;
  const std::size_t judged = static_cast<std::size_t>(std::count_if(
      group.verdicts.begin(), group.verdicts.end(), [](const auto& v) { return v.has_value(); }));
  std::string text = "open for " + std::to_string(seconds_between(group.issued_at, now)) + " s, " +
                     std::to_string(options_.group_size - missing_indices(group).size()) + " of " +
                     std::to_string(options_.group_size) + " rollouts drawn, " +
                     std::to_string(judged) + " judged";
  if (const Lease<GroupId>* lease = generation_leases_.find(id)) {
    text += ", with " + lease->holder + " (attempt " + std::to_string(lease->attempt) + ")";
  }
  return text;
}

}  // namespace assay::flow
