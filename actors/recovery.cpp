#include "actors/recovery.h"

#include <algorithm>
#include <unordered_map>

#include "actors/arm_rules.h"
#include "actors/replay.h"
#include "runtime/store/checkpoint.h"
#include "runtime/store/ledger_checker.h"
#include "runtime/store/ledger_reader.h"

namespace assay::actors {

namespace {

struct IssuedFate {
  GroupId group;
  enum class Fate { kOpen, kConsumed, kDropped } fate = Fate::kOpen;
};

struct History {
  std::vector<IssuedFate> groups;  // in order of issue
  flow::Accounting past;
  bool is_finished = false;  // its last event says so
};

// Reads the fates of all groups from the events of a ledger.
class HistoryReader {
 public:
  Result<void> add(const store::LedgerEvent& event) {
    history_.is_finished = event.kind == store::EventKind::kFence && event.reason == "finished";
    switch (event.kind) {
      case store::EventKind::kIssued:
        place_[event.group] = history_.groups.size();
        history_.groups.push_back({event.group});
        ++history_.past.issued;
        return {};
      case store::EventKind::kConsumed:
        ++history_.past.consumed;
        return end(event, IssuedFate::Fate::kConsumed);
      case store::EventKind::kDropped: {
        const auto reason = wire::parse_drop_reason(event.reason);
        if (!reason)
          return corrupt(event, "drops a group for the unknown reason '" + event.reason + "'");
        ++history_.past.dropped[*reason];
        return end(event, IssuedFate::Fate::kDropped);
      }
      default:
        return {};
    }
  }

  History take() { return std::move(history_); }

 private:
  Result<void> end(const store::LedgerEvent& event, IssuedFate::Fate fate) {
    const auto found = place_.find(event.group);
    if (found == place_.end()) return corrupt(event, "ends a group that was never issued");
    history_.groups[found->second].fate = fate;
    return {};
  }

  static Error corrupt(const store::LedgerEvent& event, const std::string& what) {
    return Error{
        ErrorCode::kCorrupt, "ledger event " + std::to_string(event.seq) + " " + what, {}, {}, {}};
  }

  History history_;
  std::unordered_map<GroupId, std::size_t> place_;
};

Result<void> replay_one(const ArmOptions& options, gpu::Learner& learner,
                        store::LedgerReader& reader, std::uint64_t step) {
  Result<std::vector<store::GroupRecord>> groups = reader.groups_of_step(step);
  if (!groups) return groups.error();
  Result<store::StepRecord> expected = reader.step(step);
  if (!expected) return expected.error();
  Result<Digest> weights = replay_step(options, learner, *expected, *groups);
  if (!weights) return weights.error();
  if (*weights == expected->weights_out) return {};
  return Error{
      ErrorCode::kCorrupt,
      "replaying step " + std::to_string(step) + " gave other weights than the ledger says",
      "the ledger or the checkpoint was altered, or another build made it",
      options.ledger_path,
      {}};
}

// Restores the newest usable checkpoint at or below `step_max`, else the base. Returns its step.
Result<std::uint64_t> restore_below(const ArmOptions& options, const Digest& weights_base,
                                    gpu::Learner& learner, std::uint64_t step_max,
                                    std::vector<std::string>& notes) {
  const store::CheckpointStore folders(options.checkpoints_folder);
  Result<store::FoundCheckpoint> found = folders.newest_whole(step_max);
  if (!found) return found.error();
  for (const Error& skipped : found->skipped) notes.push_back("passed over: " + skipped.message);
  if (!found->folder.empty()) {
    if (auto restored = learner.restore(found->folder); !restored) return restored.error();
    return found->manifest.step;
  }
  if (auto restored = restore_base(options, learner); !restored) return restored.error();
  if (learner.publish()->digest() == weights_base) return std::uint64_t{0};
  return Error{ErrorCode::kCorrupt,
               options.base_folder + " is not the base policy that the run was started from",
               "bring back a copy of it, or start anew with --clean", options.ledger_path, "E803"};
}

// Everything below relies on the invariants, so a history is audited before it is trusted.
Result<void> audit(const ArmOptions& options, store::LedgerReader& reader) {
  const Result<store::CheckReport> report = store::check_ledger(reader, {});
  if (!report) return report.error();
  for (const store::InvariantReport& one : report->invariants) {
    if (one.state != store::CheckState::kViolated) continue;
    return Error{ErrorCode::kCorrupt,
                 "the ledger is damaged: " + store::id_of(one.invariant) + ", " +
                     std::string(store::description_of(one.invariant)) + ": " + one.text,
                 "`assay ledger check` shows all of it; bring back a copy of the file, or start "
                 "anew with --clean",
                 options.ledger_path, "E803"};
  }
  return {};
}

// Verdicts that stand. A judge that failed before its last attempt is asked again.
std::vector<std::optional<wire::Verdict>> final_verdicts(store::GroupRecord& record,
                                                         std::uint32_t attempts_max) {
  for (std::size_t i = 0; i < record.verdicts.size(); ++i) {
    std::optional<wire::Verdict>& verdict = record.verdicts[i];
    if (verdict && !verdict->is_scored() && record.attempts[i] < attempts_max) verdict.reset();
  }
  return std::move(record.verdicts);
}

Error other_prompts() {
  return Error{ErrorCode::kInvalidInput,
               "the training prompts are not those that the run was started with",
               "resume with the same data, or start anew with --clean",
               {},
               "E802"};
}

Result<void> adopt_groups(const flow::FlowOptions& options, const flow::GroupSupply& supply,
                          store::LedgerReader& reader, const History& history,
                          flow::GroupFlow& flow, flow::Effects& effects) {
  // In deterministic mode a batch's last wave is accepted whole, so everything issued after the
  // last consumed group belongs to batches that are not committed yet.
  std::size_t first = 0;
  for (std::size_t i = 0; i < history.groups.size(); ++i) {
    if (history.groups[i].fate == IssuedFate::Fate::kConsumed) first = i + 1;
  }
  const bool is_deterministic = options.dispatch.is_deterministic;
  const SteadyTime now = SystemClock().now();
  for (std::size_t i = 0; i < history.groups.size(); ++i) {
    const IssuedFate& issued = history.groups[i];
    if (issued.fate == IssuedFate::Fate::kDropped && is_deterministic && i >= first) {
      flow.adopt_dropped(i);
    }
    if (issued.fate != IssuedFate::Fate::kOpen) continue;
    Result<store::GroupRecord> record = reader.group(issued.group);
    if (!record) return record.error();
    flow::Ticket ticket;
    ticket.index = i;
    const flow::IssuedGroup group = supply(ticket);
    if (group.id != issued.group) return other_prompts();
    std::vector<flow::RolloutPtr> rollouts;
    for (std::optional<wire::Rollout>& rollout : record->rollouts) {
      rollouts.push_back(rollout ? std::make_shared<const wire::Rollout>(std::move(*rollout))
                                 : nullptr);
    }
    flow::Effects more = flow.adopt_open(group, i, std::move(rollouts),
                                         final_verdicts(*record, options.attempts_max), now);
    std::move(more.begin(), more.end(), std::back_inserter(effects));
  }
  return {};
}

}  // namespace

Error lost_history(const ArmOptions& options, std::uint64_t steps) {
  return Error{
      ErrorCode::kCorrupt,
      "the ledger has lost acknowledged updates: it ends after step " + std::to_string(steps) +
          ", and step " + std::to_string(options.announced_steps) + " had been announced",
      "bring back a copy of the file, or start anew with --clean", options.ledger_path, "E803"};
}

Result<void> replay(const ArmOptions& options, gpu::Learner& learner, std::uint64_t from,
                    std::uint64_t to, const std::function<void(std::uint64_t)>& visit) {
  Result<store::LedgerReader> reader = store::LedgerReader::open(options.ledger_path);
  if (!reader) return reader.error();
  for (std::uint64_t step = from + 1; step <= to; ++step) {
    if (auto done = replay_one(options, learner, *reader, step); !done) return done.error();
    visit(step);
  }
  return {};
}

Result<Recovered> recover(const ArmOptions& options, gpu::Learner& learner, flow::GroupFlow& flow) {
  Result<store::LedgerReader> reader = store::LedgerReader::open(options.ledger_path);
  if (!reader) return reader.error();
  if (reader->header().config_sha256 != options.ledger.config_sha256) {
    return Error{ErrorCode::kInvalidInput, "the run was started with another configuration",
                 "resume with the same files and flags, or start anew with --clean",
                 options.ledger_path, "E802"};
  }
  if (auto sound = audit(options, *reader); !sound) return sound.error();
  Result<std::optional<store::StepRecord>> last = reader->last_step();
  if (!last) return last.error();

  Recovered recovered;
  recovered.steps = *last ? (*last)->step : 0;
  if (recovered.steps < options.announced_steps) return lost_history(options, recovered.steps);
  // A checkpoint whose step was never committed is no part of this history.
  const store::CheckpointStore folders(options.checkpoints_folder);
  if (auto removed = folders.remove_after(recovered.steps); !removed) return removed.error();
  const std::uint64_t oldest = flow::oldest_version_needed(options.flow.dispatch, recovered.steps);
  Result<std::uint64_t> from =
      restore_below(options, reader->header().weights_base, learner, oldest, recovered.notes);
  if (!from) return from.error();
  const auto keep = [&](std::uint64_t step) {
    if (step >= oldest) recovered.weights[step] = learner.publish();
  };
  keep(*from);
  if (auto done = replay(options, learner, *from, recovered.steps, keep); !done)
    return done.error();
  recovered.replayed = recovered.steps - *from;
  recovered.notes.push_back(
      "goes on after step " + std::to_string(recovered.steps) + " from " +
      (*from == 0 ? "the base policy" : "checkpoint step_" + std::to_string(*from)) + ", " +
      std::to_string(recovered.replayed) + " updates done again from the ledger");

  Result<RestoredFlow> restored =
      restore_flow(options.flow, group_supply(options), *reader, recovered.steps, flow);
  if (!restored) return restored.error();
  recovered.effects = std::move(restored->effects);
  recovered.is_finished = restored->is_finished;
  return recovered;
}

Result<RestoredFlow> restore_flow(const flow::FlowOptions& options, const flow::GroupSupply& supply,
                                  store::LedgerReader& reader, std::uint64_t steps,
                                  flow::GroupFlow& flow) {
  HistoryReader events;
  const auto visit = [&events](const store::LedgerEvent& event) { return events.add(event); };
  if (auto read = reader.for_each_event(visit); !read) return read.error();
  const History history = events.take();
  flow.restore(steps, history.groups.size(), history.past);
  RestoredFlow restored;
  restored.is_finished = history.is_finished;
  if (auto adopted = adopt_groups(options, supply, reader, history, flow, restored.effects);
      !adopted) {
    return adopted.error();
  }
  return restored;
}

}  // namespace assay::actors
