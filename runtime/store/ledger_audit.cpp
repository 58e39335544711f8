// check_ledger: the checker's events joined with the bytes stored beside them.
#include <algorithm>
#include <map>
#include <unordered_map>
#include <utility>

#include "runtime/store/ledger_checker.h"
#include "runtime/wire/codec.h"

namespace assay::store {

namespace {

// Everything that a verdict decides; its words and its latency may differ.
bool is_same_judgement(const wire::Verdict& a, const wire::Verdict& b) {
  const auto is_same_check = [](const wire::Check& one, const wire::Check& other) {
    return one.name == other.name && one.is_passed == other.is_passed && one.score == other.score;
  };
  return a.outcome == b.outcome && a.reward == b.reward && a.code == b.code &&
         a.judged == b.judged &&
         std::equal(a.checks.begin(), a.checks.end(), b.checks.begin(), b.checks.end(),
                    is_same_check);
}

std::string summary_of(const wire::Verdict& verdict) {
  std::string text(to_string(verdict.outcome));
  text += " (" + std::string(to_string(verdict.code));
  if (verdict.reward) text += ", reward " + std::to_string(*verdict.reward);
  return text + ")";
}

class Audit {
 public:
  Audit(LedgerReader& reader, const CheckOptions& options)
      : reader_(reader), options_(options), checker_(reader.header(), options) {}

  Result<CheckReport> run() {
    Result<std::string> problem = reader_.structure_problem();
    if (!problem) return problem.error();
    if (!problem->empty()) report(Invariant::kHashChain, 0, "the file is damaged: " + *problem);
    Result<void> read = reader_.for_each_event([this](const LedgerEvent& event) -> Result<void> {
      checker_.add(event);
      look_at(event);
      return {};
    });
    // What was read up to the damage is still worth reporting.
    if (!read) report(Invariant::kHashChain, 0, read.error().message);
    return checker_.finish();
  }

 private:
  void report(Invariant invariant, std::uint64_t seq, const std::string& text) {
    checker_.findings().report(invariant, seq, text);
  }

  // What failed for want of something here proves nothing about the ledger.
  void report_failure(Invariant invariant, std::uint64_t seq, const Error& error) {
    const bool is_of_this_machine = error.code == ErrorCode::kUnavailable ||
                                    error.code == ErrorCode::kTimedOut ||
                                    error.code == ErrorCode::kExhausted;
    if (!is_of_this_machine) return report(invariant, seq, error.message);
    checker_.findings().leave_unchecked(invariant,
                                        "event " + std::to_string(seq) + ": " + error.message);
  }

  void look_at(const LedgerEvent& event) {
    switch (event.kind) {
      case EventKind::kIssued:
        return look_at_issued(event);
      case EventKind::kGenerated:
        return look_at_generated(event);
      case EventKind::kVerified:
      case EventKind::kUnscored:
        return look_at_verdict(event);
      case EventKind::kConsumed:
      case EventKind::kDropped:
        open_.erase(event.group);
        return;
      case EventKind::kStep:
        return replay(event);
      default:
        return;
    }
  }

  // The stored bytes, when they are the ones the chain vouches for.
  std::optional<std::string> intact_bytes(const LedgerEvent& event) {
    Result<std::string> bytes = reader_.stored_bytes(event);
    if (!bytes) {
      report(Invariant::kHashChain, event.seq, bytes.error().message);
      return std::nullopt;
    }
    if (sha256(*bytes) != event.stored) {
      report(Invariant::kHashChain, event.seq,
             "the bytes stored with event " + std::to_string(event.seq) + " were changed");
      return std::nullopt;
    }
    return std::move(*bytes);
  }

  void look_at_issued(const LedgerEvent& event) {
    const std::optional<std::string> bytes = intact_bytes(event);
    const Result<GroupRecord> place = reader_.place(event.group);
    if (!bytes || !place) {
      if (!place) report(Invariant::kIssuedOnce, event.seq, place.error().message);
      return;
    }
    Result<wire::Prompt> prompt = wire::decode_prompt(*bytes);
    if (!prompt || prompt->id != place->prompt) {
      report(Invariant::kIssuedOnce, event.seq,
             "group " + to_string(event.group) + " does not have the prompt it was issued for");
      return;
    }
    const LedgerHeader& header = reader_.header();
    const GroupPlace where{header.seed, header.arm, place->epoch, place->index, place->repeat};
    if (derive_group_id(where, place->prompt) != event.group)
      report(Invariant::kIssuedOnce, event.seq,
             "group " + to_string(event.group) + " is not the id that its place derives");
    open_[event.group].prompt = std::move(*prompt);
  }

  void look_at_generated(const LedgerEvent& event) {
    const std::optional<std::string> bytes = intact_bytes(event);
    if (!bytes) return;
    Result<wire::Rollout> rollout = wire::decode_rollout(*bytes);
    if (!rollout || RolloutId(rollout->id) != event.rollout() ||
        sha256(rollout->completion) != event.hash ||
        oldest_version(*rollout) != event.policy_version) {
      report(Invariant::kVerdictHash, event.seq,
             "the rollout stored with event " + std::to_string(event.seq) +
                 " is not the one it names");
      return;
    }
    const auto group = open_.find(event.group);
    if (group != open_.end())
      group->second.rollouts.insert_or_assign(*event.index, std::move(*rollout));
  }

  void look_at_verdict(const LedgerEvent& event) {
    const std::optional<std::string> bytes = intact_bytes(event);
    if (!bytes) return;
    const Result<wire::Verdict> verdict = wire::decode_verdict(*bytes);
    if (!verdict || verdict->judged != event.hash ||
        verdict->is_scored() != (event.kind == EventKind::kVerified)) {
      report(Invariant::kVerdictHash, event.seq,
             "the verdict stored with event " + std::to_string(event.seq) +
                 " is not the one it names");
      return;
    }
    // That a judge failed then says nothing about now.
    if (options_.verify && verdict->is_scored() && event.index) verify_again(event, *verdict);
  }

  void verify_again(const LedgerEvent& event, const wire::Verdict& stored) {
    const std::string name = "rollout " + to_string(*event.rollout());
    const auto group = open_.find(event.group);
    if (group == open_.end() || !group->second.rollouts.contains(*event.index))
      return report(Invariant::kReward, event.seq, name + " is not there to be judged again");
    const Result<wire::Verdict> again =
        options_.verify(group->second.prompt, group->second.rollouts.at(*event.index));
    if (!again) return report_failure(Invariant::kReward, event.seq, again.error());
    if (again->verifier != stored.verifier) {
      checker_.findings().leave_unchecked(
          Invariant::kReward,
          name + " was judged by " + stored.verifier + "; this program has " + again->verifier);
    } else if (!is_same_judgement(*again, stored)) {
      report(Invariant::kReward, event.seq,
             name + " was judged " + summary_of(stored) + "; judged again it is " +
                 summary_of(*again));
    }
  }

  void replay(const LedgerEvent& event) {
    if (!options_.replay || !event.details) return;
    const std::string name = "step " + std::to_string(event.step);
    const Result<std::vector<GroupRecord>> groups = reader_.groups_of_step(event.step);
    if (!groups) return report(Invariant::kReplay, event.seq, groups.error().message);
    const Result<Digest> weights = options_.replay(*event.details, *groups);
    if (!weights) return report_failure(Invariant::kReplay, event.seq, weights.error());
    if (*weights != event.details->weights_out)
      report(Invariant::kReplay, event.seq, name + " done again gives other weights");
  }

  struct OpenGroup {
    wire::Prompt prompt;
    std::map<std::uint32_t, wire::Rollout> rollouts;  // by index
  };

  LedgerReader& reader_;
  const CheckOptions& options_;
  LedgerChecker checker_;
  std::unordered_map<GroupId, OpenGroup> open_;
};

}  // namespace

Result<CheckReport> check_ledger(LedgerReader& reader, const CheckOptions& options) {
  return Audit(reader, options).run();
}

}  // namespace assay::store
