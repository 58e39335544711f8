// check_ledger: the checker's events joined with the bytes stored beside them.
#include "runtime/store/ledger_checker.h"
#include "runtime/wire/codec.h"

namespace assay::store {

namespace {

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
    checker_.report(invariant, seq, text);
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
    const Result<wire::Prompt> prompt = wire::decode_prompt(*bytes);
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
  }

  void look_at_generated(const LedgerEvent& event) {
    const std::optional<std::string> bytes = intact_bytes(event);
    if (!bytes) return;
    const Result<wire::Rollout> rollout = wire::decode_rollout(*bytes);
    if (!rollout || RolloutId(rollout->id) != event.rollout() ||
        sha256(rollout->completion) != event.hash ||
        oldest_version(*rollout) != event.policy_version) {
      report(Invariant::kVerdictHash, event.seq,
             "the rollout stored with event " + std::to_string(event.seq) +
                 " is not the one it names");
    }
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
    if (options_.verify && verdict->is_scored()) verify_again(event, *verdict);
  }

  void verify_again(const LedgerEvent& event, const wire::Verdict& stored) {
    const std::string name = to_string(*event.rollout());
    const Result<GroupRecord> place = reader_.place(event.group);
    if (!place) return report(Invariant::kReward, event.seq, place.error().message);
    const Result<wire::Prompt> prompt = reader_.prompt(place->prompt);
    const Result<wire::Rollout> rollout = reader_.rollout(*event.rollout());
    if (!prompt || !rollout)
      return report(Invariant::kReward, event.seq, "rollout " + name + " cannot be read again");
    const Result<wire::Verdict> again = options_.verify(*prompt, *rollout);
    if (!again) return report(Invariant::kReward, event.seq, again.error().message);
    if (again->outcome != stored.outcome || again->reward != stored.reward)
      report(Invariant::kReward, event.seq,
             "rollout " + name + " was " + std::string(to_string(stored.outcome)) +
                 "; judged again it is " + std::string(to_string(again->outcome)));
  }

  void replay(const LedgerEvent& event) {
    if (!options_.replay || !event.details) return;
    const std::string name = "step " + std::to_string(event.step);
    const Result<std::vector<GroupRecord>> groups = reader_.groups_of_step(event.step);
    if (!groups) return report(Invariant::kReplay, event.seq, groups.error().message);
    const Result<Digest> weights = options_.replay(*event.details, *groups);
    if (!weights) return report(Invariant::kReplay, event.seq, weights.error().message);
    if (*weights != event.details->weights_out)
      report(Invariant::kReplay, event.seq, name + " done again gives other weights");
  }

  LedgerReader& reader_;
  const CheckOptions& options_;
  LedgerChecker checker_;
};

}  // namespace

Result<CheckReport> check_ledger(LedgerReader& reader, const CheckOptions& options) {
  return Audit(reader, options).run();
}

}  // namespace assay::store
