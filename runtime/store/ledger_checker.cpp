#include "runtime/store/ledger_checker.h"

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>
#include <utility>

#include "runtime/wire/drop_reason.h"

namespace assay::store {

namespace {

constexpr std::size_t kShownSeqs = 3;

constexpr std::array<std::string_view, kInvariantCount> kDescriptions = {
    "each group is issued once, under the id its place derives",
    "each group ends once; in a finished run exactly once",
    "nothing but late arrivals after a group's end",
    "drop reasons are from the closed list",
    "each rollout is accepted once",
    "each scored verdict is accepted once, and nothing after it",
    "a consumed group has a verdict for each of its rollouts",
    "what was judged is what was generated",
    "issued before generated before verified",
    "trained rollouts are neither from the future nor too stale",
    "a group is consumed exactly when one step uses it",
    "steps are contiguous and start from the weights the last one left",
    "fences never decrease and are always known",
    "attempts are within the limit",
    "sequence numbers are dense",
    "the hash chain and the stored bytes are intact",
    "issued = consumed + dropped + open; a finished run has none open",
    "open groups stay within the declared bound",
    "every lease ends",
    "judging the stored bytes again gives the stored reward",
    "replaying the stored groups gives the recorded weights",
    "nothing acknowledged is missing"};

struct RolloutState {
  bool is_generated = false;
  bool is_verified = false;
  bool is_unscored = false;
  Digest hash;
  PolicyVersion version;
};

struct Lease {
  std::optional<std::uint32_t> index;
  std::string actor;
  std::uint64_t seq = 0;
};

struct GroupState {
  bool is_ended = false;
  std::uint64_t issued_seq = 0;
  std::vector<RolloutState> rollouts;  // released when the group ends
  std::vector<Lease> leases;           // active ones
};

struct ConsumedGroup {
  GroupId group;
  std::uint64_t seq = 0;
  PolicyVersion version;
};

bool has_bytes(EventKind kind) {
  return kind == EventKind::kIssued || kind == EventKind::kGenerated ||
         kind == EventKind::kVerified || kind == EventKind::kUnscored;
}

bool has_attempt(EventKind kind) {
  return kind == EventKind::kLeased || kind == EventKind::kLeaseExpired ||
         kind == EventKind::kGenerated || kind == EventKind::kVerified ||
         kind == EventKind::kUnscored;
}

}  // namespace

std::string id_of(Invariant invariant) {
  const auto number = static_cast<unsigned>(invariant);
  return {'I', static_cast<char>('0' + number / 10), static_cast<char>('0' + number % 10)};
}

std::string_view description_of(Invariant invariant) {
  return kDescriptions.at(static_cast<std::size_t>(invariant) - 1);
}

bool CheckReport::is_clean() const {
  return std::none_of(invariants.begin(), invariants.end(), [](const InvariantReport& report) {
    return report.state == CheckState::kViolated;
  });
}

const InvariantReport& CheckReport::of(Invariant invariant) const {
  return invariants.at(static_cast<std::size_t>(invariant) - 1);
}

struct LedgerChecker::State {
  LedgerHeader header;
  CheckOptions options;
  std::array<InvariantReport, kInvariantCount> reports;
  std::unordered_map<std::uint64_t, GroupState> groups;
  std::map<std::uint64_t, Digest> acknowledged;                  // not yet seen
  std::map<std::uint64_t, std::vector<ConsumedGroup>> consumed;  // by step not yet committed
  Digest chain;
  Digest weights;
  PolicyVersion version;
  std::uint64_t last_seq = 0, last_step = 0, fence = 0;
  std::uint64_t event_count = 0, issued = 0, consumed_count = 0, dropped_count = 0, open = 0;
  std::uint64_t open_most = 0, open_most_seq = 0;
  bool is_finished = false;

  void report(Invariant invariant, std::uint64_t seq, std::string text);
  void check_envelope(const LedgerEvent& event);
  void check_fence(const LedgerEvent& event);
  void check_group_event(const LedgerEvent& event);
  void check_issued(const LedgerEvent& event);
  void check_lease(const LedgerEvent& event, GroupState& group);
  void check_generated(const LedgerEvent& event, GroupState& group);
  void check_verdict(const LedgerEvent& event, GroupState& group);
  void check_end(const LedgerEvent& event, GroupState& group);
  void check_consumed(const LedgerEvent& event, const GroupState& group);
  void check_step(const LedgerEvent& event);
  void check_used(const LedgerEvent& event, const StepRecord& record);
  void check_finished(std::uint64_t seq);
  void say_not_checked(Invariant invariant, std::string why);
};

void LedgerChecker::State::report(Invariant invariant, std::uint64_t seq, std::string text) {
  InvariantReport& found = reports[static_cast<std::size_t>(invariant) - 1];
  found.state = CheckState::kViolated;
  if (found.violation_count++ == 0) found.text = std::move(text);
  if (found.first_seqs.size() < kShownSeqs) found.first_seqs.push_back(seq);
}

void LedgerChecker::State::check_envelope(const LedgerEvent& event) {
  if (event.seq != last_seq + 1) {
    report(Invariant::kDense, event.seq,
           "event " + std::to_string(event.seq) + " follows event " + std::to_string(last_seq));
  }
  if (chain_next(chain, event) != event.chain) {
    report(Invariant::kHashChain, event.seq,
           "event " + std::to_string(event.seq) + " does not carry the hash of what precedes it");
  }
  if (has_bytes(event.kind) == event.stored.is_zero()) {
    report(Invariant::kHashChain, event.seq,
           "event " + std::to_string(event.seq) + " should" +
               (has_bytes(event.kind) ? "" : " not") + " have stored bytes");
  }
  last_seq = event.seq;
  chain = event.chain;  // going on from the claimed value reports each break once
  const auto expected = acknowledged.find(event.seq);
  if (expected != acknowledged.end() && expected->second == event.chain)
    acknowledged.erase(expected);
  if (has_attempt(event.kind) && (event.attempt < 1 || event.attempt > header.attempts_max)) {
    report(Invariant::kAttempts, event.seq,
           "attempt " + std::to_string(event.attempt) + " is not in [1, " +
               std::to_string(header.attempts_max) + "]");
  }
}

void LedgerChecker::State::check_fence(const LedgerEvent& event) {
  const bool is_finish = event.kind == EventKind::kFence && event.reason == "finished";
  if (event.kind == EventKind::kFence && !is_finish) {
    if (event.fence <= fence)
      report(
          Invariant::kFence, event.seq,
          "fence " + std::to_string(event.fence) + " does not rise above " + std::to_string(fence));
    fence = event.fence;
    is_finished = false;
    // A new writer holds none of its predecessor's leases.
    for (auto& [id, group] : groups) group.leases.clear();
    return;
  }
  if (event.fence != fence) {
    report(Invariant::kFence, event.seq,
           "event " + std::to_string(event.seq) + " carries fence " + std::to_string(event.fence) +
               " while " + std::to_string(fence) + " holds");
  }
  if (is_finished)
    report(Invariant::kFence, event.seq, "something happened after the run was finished");
  if (is_finish) check_finished(event.seq);
}

void LedgerChecker::State::check_finished(std::uint64_t seq) {
  is_finished = true;
  if (open == 0) return;
  const std::string text = std::to_string(open) + " groups are open in a finished run";
  report(Invariant::kAccounting, seq, text);
  for (const auto& [id, group] : groups) {
    if (group.is_ended) continue;
    report(Invariant::kOneTerminal, group.issued_seq,
           "group " + to_hex(id) + " never ended in a finished run");
    for (const Lease& lease : group.leases)
      report(Invariant::kLeaseEnds, lease.seq, "the lease of " + lease.actor + " never ended");
  }
}

void LedgerChecker::State::check_issued(const LedgerEvent& event) {
  GroupState& group = groups[event.group.value];
  if (group.issued_seq != 0) {
    report(Invariant::kIssuedOnce, event.seq,
           "group " + to_string(event.group) + " was issued before, by event " +
               std::to_string(group.issued_seq));
    return;
  }
  group.issued_seq = event.seq;
  group.rollouts.resize(header.group_size);
  ++issued;
  if (++open > open_most) {
    open_most = open;
    open_most_seq = event.seq;
  }
}

void LedgerChecker::State::check_lease(const LedgerEvent& event, GroupState& group) {
  const auto same = [&event](const Lease& lease) {
    return lease.index == event.index && lease.actor == event.actor;
  };
  const auto found = std::find_if(group.leases.begin(), group.leases.end(), same);
  if (event.kind == EventKind::kLeased) {
    if (found != group.leases.end())
      report(Invariant::kLeaseEnds, event.seq,
             event.actor + " was given a lease that it already held");
    else
      group.leases.push_back({event.index, event.actor, event.seq});
    return;
  }
  if (found != group.leases.end()) {
    group.leases.erase(found);
  } else if (!event.index) {
    // Leases of single rollouts need not be recorded; those of groups are.
    report(Invariant::kLeaseEnds, event.seq, event.actor + " lost a lease that it did not hold");
  }
}

void LedgerChecker::State::check_generated(const LedgerEvent& event, GroupState& group) {
  if (!event.index || *event.index >= group.rollouts.size()) {
    report(Invariant::kGeneratedOnce, event.seq,
           "event " + std::to_string(event.seq) + " names no rollout of its group");
    return;
  }
  RolloutState& rollout = group.rollouts[*event.index];
  if (rollout.is_generated) {
    report(Invariant::kGeneratedOnce, event.seq,
           "rollout " + to_string(*event.rollout()) + " was accepted before");
    return;
  }
  rollout.is_generated = true;
  rollout.hash = event.hash;
  rollout.version = event.policy_version;
  std::erase_if(group.leases, [&](const Lease& lease) { return lease.index == event.index; });
  const bool is_whole = std::all_of(group.rollouts.begin(), group.rollouts.end(),
                                    [](const RolloutState& one) { return one.is_generated; });
  if (is_whole) std::erase_if(group.leases, [](const Lease& lease) { return !lease.index; });
}

void LedgerChecker::State::check_verdict(const LedgerEvent& event, GroupState& group) {
  const std::string name = event.index ? to_string(*event.rollout()) : "(none)";
  if (!event.index || *event.index >= group.rollouts.size() ||
      !group.rollouts[*event.index].is_generated) {
    report(Invariant::kOrder, event.seq, "rollout " + name + " was judged before it was generated");
    return;
  }
  RolloutState& rollout = group.rollouts[*event.index];
  if (rollout.is_verified)
    report(Invariant::kVerdictOnce, event.seq, "rollout " + name + " already had its verdict");
  const bool is_scored = event.kind == EventKind::kVerified;
  // A judge that failed may not have come as far as hashing what it was given.
  const bool is_bound = event.hash == rollout.hash || (!is_scored && event.hash.is_zero());
  if (!is_bound)
    report(Invariant::kVerdictHash, event.seq,
           "the verdict of rollout " + name + " is bound to other bytes than were generated");
  (is_scored ? rollout.is_verified : rollout.is_unscored) = true;
  std::erase_if(group.leases, [&](const Lease& lease) { return lease.index == event.index; });
}

void LedgerChecker::State::check_consumed(const LedgerEvent& event, const GroupState& group) {
  for (std::size_t index = 0; index < group.rollouts.size(); ++index) {
    const RolloutState& rollout = group.rollouts[index];
    const std::string name = to_string(event.group) + ":" + std::to_string(index);
    if (!rollout.is_generated || !(rollout.is_verified || rollout.is_unscored)) {
      report(Invariant::kFullGroup, event.seq, "rollout " + name + " was trained on unjudged");
      continue;
    }
    const std::uint64_t trained = event.policy_version.value;
    const std::uint64_t drawn = rollout.version.value;
    if (drawn > trained || trained - drawn > header.staleness_max) {
      report(Invariant::kStaleness, event.seq,
             "rollout " + name + " of version " + std::to_string(drawn) +
                 " was trained at version " + std::to_string(trained) + "; the bound is " +
                 std::to_string(header.staleness_max));
    }
  }
  consumed[event.step].push_back({event.group, event.seq, event.policy_version});
}

void LedgerChecker::State::check_end(const LedgerEvent& event, GroupState& group) {
  if (event.kind == EventKind::kConsumed) {
    ++consumed_count;
    check_consumed(event, group);
  } else {
    ++dropped_count;
    if (!wire::parse_drop_reason(event.reason))
      report(Invariant::kDropReason, event.seq, "'" + event.reason + "' is not a drop reason");
  }
  if (group.is_ended) return;
  group.is_ended = true;
  group.rollouts = {};
  group.leases = {};
  --open;
}

void LedgerChecker::State::check_group_event(const LedgerEvent& event) {
  const auto found = groups.find(event.group.value);
  if (found == groups.end()) {
    report(Invariant::kOrder, event.seq,
           "group " + to_string(event.group) + " was never issued before event " +
               std::to_string(event.seq));
    return;
  }
  GroupState& group = found->second;
  const bool is_end = event.kind == EventKind::kConsumed || event.kind == EventKind::kDropped;
  if (group.is_ended && event.kind != EventKind::kLate) {
    report(is_end ? Invariant::kOneTerminal : Invariant::kNothingAfterTerminal, event.seq,
           "group " + to_string(event.group) + " had ended before its " +
               std::string(to_string(event.kind)) + " event");
    if (is_end) ++(event.kind == EventKind::kConsumed ? consumed_count : dropped_count);
    return;
  }
  switch (event.kind) {
    case EventKind::kLeased:
    case EventKind::kLeaseExpired:
      return check_lease(event, group);
    case EventKind::kGenerated:
      return check_generated(event, group);
    case EventKind::kVerified:
    case EventKind::kUnscored:
      return check_verdict(event, group);
    case EventKind::kConsumed:
    case EventKind::kDropped:
      return check_end(event, group);
    default:
      return;
  }
}

void LedgerChecker::State::check_used(const LedgerEvent& event, const StepRecord& record) {
  const std::vector<ConsumedGroup> taken = std::exchange(consumed[event.step], {});
  consumed.erase(event.step);
  const bool is_same =
      std::equal(taken.begin(), taken.end(), record.groups.begin(), record.groups.end(),
                 [](const ConsumedGroup& one, const GroupId group) { return one.group == group; });
  if (!is_same) {
    report(Invariant::kConsumedInStep, event.seq,
           "step " + std::to_string(event.step) + " lists " + std::to_string(record.groups.size()) +
               " groups that are not the " + std::to_string(taken.size()) +
               " consumed in it, in order");
  }
  for (const ConsumedGroup& one : taken) {
    if (one.version != record.version_in)
      report(Invariant::kStaleness, one.seq,
             "group " + to_string(one.group) + " was trained at another version than its step");
  }
}

void LedgerChecker::State::check_step(const LedgerEvent& event) {
  const std::string name = "step " + std::to_string(event.step);
  if (!event.details || event.details->step != event.step) {
    report(Invariant::kStepChain, event.seq, name + " has no details of its own");
    return;
  }
  const StepRecord& record = *event.details;
  if (event.step != last_step + 1)
    report(Invariant::kStepChain, event.seq, name + " follows step " + std::to_string(last_step));
  if (!weights.is_zero() && record.weights_in != weights)
    report(Invariant::kStepChain, event.seq,
           name + " starts from other weights than were left before it");
  if (last_step > 0 && record.version_in != version)
    report(Invariant::kStepChain, event.seq, name + " starts from another version");
  if (record.version_out.value != record.version_in.value + 1 ||
      event.policy_version != record.version_out || event.hash != record.weights_out)
    report(Invariant::kStepChain, event.seq, name + " contradicts its own details");
  last_step = event.step;
  weights = record.weights_out;
  version = record.version_out;
  check_used(event, record);
}

void LedgerChecker::State::say_not_checked(Invariant invariant, std::string why) {
  InvariantReport& found = reports[static_cast<std::size_t>(invariant) - 1];
  if (found.state == CheckState::kViolated) return;
  found.state = CheckState::kNotChecked;
  found.text = std::move(why);
}

LedgerChecker::LedgerChecker(const LedgerHeader& header, CheckOptions options)
    : state_(std::make_unique<State>()) {
  state_->header = header;
  state_->options = std::move(options);
  state_->chain = chain_start(header);
  state_->weights = header.weights_base;
  for (std::size_t i = 0; i < kInvariantCount; ++i)
    state_->reports[i].invariant = static_cast<Invariant>(i + 1);
  if (state_->options.acknowledged) {
    for (const Acknowledgement& one : *state_->options.acknowledged)
      state_->acknowledged[one.seq] = one.chain;
  }
}

LedgerChecker::~LedgerChecker() = default;
LedgerChecker::LedgerChecker(LedgerChecker&&) noexcept = default;
LedgerChecker& LedgerChecker::operator=(LedgerChecker&&) noexcept = default;

void LedgerChecker::add(const LedgerEvent& event) {
  State& state = *state_;
  ++state.event_count;
  state.check_envelope(event);
  state.check_fence(event);
  switch (event.kind) {
    case EventKind::kFence:
      break;
    case EventKind::kStep:
      state.check_step(event);
      break;
    case EventKind::kIssued:
      state.check_issued(event);
      break;
    default:
      state.check_group_event(event);
  }
}

void LedgerChecker::report(Invariant invariant, std::uint64_t seq, std::string text) {
  state_->report(invariant, seq, std::move(text));
}

CheckReport LedgerChecker::finish() {
  State& state = *state_;
  for (const auto& [step, groups] : state.consumed) {
    for (const ConsumedGroup& one : groups)
      state.report(Invariant::kConsumedInStep, one.seq,
                   "group " + to_string(one.group) + " was consumed in step " +
                       std::to_string(step) + ", which does not use it");
  }
  if (state.issued != state.consumed_count + state.dropped_count + state.open) {
    state.report(Invariant::kAccounting, state.last_seq,
                 std::to_string(state.issued) + " issued, but " +
                     std::to_string(state.consumed_count) + " consumed, " +
                     std::to_string(state.dropped_count) + " dropped and " +
                     std::to_string(state.open) + " open");
  }
  const std::uint64_t bound = state.header.open_groups_max;
  if (bound == 0) {
    state.say_not_checked(Invariant::kBound, "the run declared no bound on open groups");
  } else if (state.open_most > bound) {
    state.report(Invariant::kBound, state.open_most_seq,
                 std::to_string(state.open_most) + " groups were open; the bound is " +
                     std::to_string(bound));
  }
  for (const auto& [seq, chain] : state.acknowledged)
    state.report(Invariant::kAcknowledged, seq,
                 "event " + std::to_string(seq) + " was acknowledged and is not there");
  if (!state.options.verify) state.say_not_checked(Invariant::kReward, "no verifier was given");
  if (!state.options.replay) state.say_not_checked(Invariant::kReplay, "no learner was given");
  if (!state.options.acknowledged)
    state.say_not_checked(Invariant::kAcknowledged, "no outside record was given");

  CheckReport report;
  report.invariants.assign(state.reports.begin(), state.reports.end());
  report.event_count = state.event_count;
  report.open_groups = state.open;
  report.is_finished = state.is_finished;
  return report;
}

}  // namespace assay::store
