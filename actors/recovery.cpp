#include "actors/recovery.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "actors/curator.h"
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
  std::set<RolloutId> given_up;  // judged as often as may be, never scored
  bool is_finished = false;
};

Result<History> read_history(store::LedgerReader& reader, std::uint32_t attempts_max) {
  History history;
  std::unordered_map<GroupId, std::size_t> place;
  const auto visit = [&](const store::LedgerEvent& event) -> Result<void> {
    history.is_finished = event.kind == store::EventKind::kFence && event.reason == "finished";
    if (event.kind == store::EventKind::kIssued) {
      place[event.group] = history.groups.size();
      history.groups.push_back({event.group});
      ++history.past.issued;
    } else if (event.kind == store::EventKind::kConsumed) {
      history.groups.at(place.at(event.group)).fate = IssuedFate::Fate::kConsumed;
      ++history.past.consumed;
    } else if (event.kind == store::EventKind::kDropped) {
      history.groups.at(place.at(event.group)).fate = IssuedFate::Fate::kDropped;
      const auto reason = flow::parse_drop_reason(event.reason);
      if (!reason) {
        return Error{ErrorCode::kCorrupt,
                     "ledger event " + std::to_string(event.seq) +
                         " drops a group for the unknown reason '" + event.reason + "'",
                     {},
                     {},
                     {}};
      }
      ++history.past.dropped[*reason];
    } else if (event.kind == store::EventKind::kUnscored && event.attempt >= attempts_max) {
      history.given_up.insert(*event.rollout());
    }
    return {};
  };
  if (auto read = reader.for_each_event(visit); !read) return read.error();
  return history;
}

flow::TrainGroup to_train_group(const store::GroupRecord& record, const flow::RewardRule& rule) {
  flow::TrainGroup group;
  group.id = record.group;
  std::vector<wire::Verdict> verdicts;
  for (std::size_t i = 0; i < record.rollouts.size(); ++i) {
    group.rollouts.push_back(std::make_shared<const wire::Rollout>(*record.rollouts[i]));
    verdicts.push_back(*record.verdicts[i]);
  }
  group.rewards = rule(record.group, verdicts);
  return group;
}

bool is_whole(const store::GroupRecord& record) {
  const auto has_value = [](const auto& one) { return one.has_value(); };
  return std::all_of(record.rollouts.begin(), record.rollouts.end(), has_value) &&
         std::all_of(record.verdicts.begin(), record.verdicts.end(), has_value);
}

Result<void> replay_step(const ArmOptions& options, gpu::Learner& learner,
                         store::LedgerReader& reader, std::uint64_t step) {
  Result<std::vector<store::GroupRecord>> records = reader.groups_of_step(step);
  if (!records) return records.error();
  Result<store::StepRecord> expected = reader.step(step);
  if (!expected) return expected.error();
  const flow::RewardRule rule = reward_rule(options.rewards);
  std::vector<flow::TrainGroup> groups;
  for (const store::GroupRecord& record : *records) {
    if (!is_whole(record)) {
      return Error{ErrorCode::kCorrupt,
                   "group " + to_string(record.group) + " of step " + std::to_string(step) +
                       " lacks a rollout or a verdict in the ledger",
                   {},
                   {},
                   {}};
    }
    groups.push_back(to_train_group(record, rule));
  }
  Result<flow::BuiltBatch> built =
      flow::build_train_batch(groups, options.advantage, PolicyVersion{step - 1});
  if (!built) return built.error();
  if (auto done = learner.update(built->batch, options.update); !done) return done.error();
  if (learner.publish()->digest() != expected->weights_out) {
    return Error{
        ErrorCode::kCorrupt,
        "replaying step " + std::to_string(step) + " gave other weights than the ledger says",
        "the ledger or the checkpoint was altered, or another processor or build made it",
        options.ledger_path,
        {}};
  }
  return {};
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
  if (auto restored = learner.restore(options.base_folder); !restored) return restored.error();
  learner.reset_optimiser(options.optimiser);
  learner.set_version(PolicyVersion{0});
  if (learner.publish()->digest() != weights_base) {
    return Error{ErrorCode::kCorrupt,
                 options.base_folder + " is not the base policy that the run was started from",
                 "bring back a copy of it, or start anew with --clean", options.ledger_path,
                 "E803"};
  }
  return std::uint64_t{0};
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

Result<void> adopt_groups(const ArmOptions& options, store::LedgerReader& reader,
                          const History& history, flow::GroupFlow& flow, flow::Effects& effects) {
  // In deterministic mode a batch's last wave is accepted whole, so everything issued after the
  // last consumed group belongs to batches that are not committed yet.
  std::size_t first = 0;
  for (std::size_t i = 0; i < history.groups.size(); ++i) {
    if (history.groups[i].fate == IssuedFate::Fate::kConsumed) first = i + 1;
  }
  const bool is_deterministic = options.flow.dispatch.is_deterministic;
  const SteadyTime now = SystemClock().now();
  for (std::size_t i = 0; i < history.groups.size(); ++i) {
    const IssuedFate& issued = history.groups[i];
    if (issued.fate == IssuedFate::Fate::kDropped && is_deterministic && i >= first) {
      flow.adopt_dropped(i);
    }
    if (issued.fate != IssuedFate::Fate::kOpen) continue;
    Result<store::GroupRecord> record = reader.group(issued.group);
    if (!record) return record.error();
    if (options.prompts->prompt(record->epoch, record->index).id != record->prompt) {
      return Error{ErrorCode::kInvalidInput,
                   "the training prompts are not those that the run was started with",
                   "resume with the same data, or start anew with --clean", options.ledger_path,
                   "E802"};
    }
    std::vector<flow::RolloutPtr> rollouts;
    for (std::optional<wire::Rollout>& rollout : record->rollouts) {
      rollouts.push_back(rollout ? std::make_shared<const wire::Rollout>(std::move(*rollout))
                                 : nullptr);
    }
    std::vector<std::optional<wire::Verdict>> verdicts = std::move(record->verdicts);
    for (std::uint32_t index = 0; index < verdicts.size(); ++index) {
      std::optional<wire::Verdict>& verdict = verdicts[index];
      if (!verdict || verdict->is_scored()) continue;
      // Judged again, it may work now; but what was final stays so, or a batch that others were
      // built upon would come out differently.
      if (!history.given_up.contains({issued.group, index})) verdict.reset();
    }
    flow::Effects more = flow.adopt_open({issued.group, record->prompt}, i, std::move(rollouts),
                                         std::move(verdicts), now);
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
    if (auto done = replay_step(options, learner, *reader, step); !done) return done.error();
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
  const std::uint64_t bound = options.flow.dispatch.staleness_max;
  const std::uint64_t oldest = options.flow.dispatch.is_deterministic && recovered.steps > bound
                                   ? recovered.steps - bound
                               : options.flow.dispatch.is_deterministic ? 0
                                                                        : recovered.steps;
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

  Result<History> history = read_history(*reader, options.flow.attempts_max);
  if (!history) return history.error();
  recovered.is_finished = history->is_finished;
  flow.restore(recovered.steps, history->groups.size(), history->past);
  if (auto adopted = adopt_groups(options, *reader, *history, flow, recovered.effects); !adopted) {
    return adopted.error();
  }
  return recovered;
}

}  // namespace assay::actors
