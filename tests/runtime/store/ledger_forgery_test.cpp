// Edits by somebody who can chain a ledger again: each is found by what it means, and by nothing
// else.
#include <gtest/gtest.h>

#include <functional>
#include <optional>

#include "runtime/store/ledger_checker.h"
#include "tests/runtime/store/ledger_forger.h"
#include "tests/runtime/store/ledger_run.h"
#include "tests/support/temporary_folder.h"

namespace assay::store {
namespace {

using assay::testing::TemporaryFolder;
using testing::LedgerForger;

// A verifier, as far as this run needs one: the reference, word for word.
Result<wire::Verdict> judge(const wire::Prompt& prompt, const wire::Rollout& rollout) {
  wire::Verdict verdict =
      rollout.completion == prompt.reference
          ? wire::Verdict::correct("equal")
          : wire::Verdict::incorrect(wire::VerdictCode::kWrongAnswer, "not equal");
  verdict.judged = sha256(rollout.completion);
  return verdict;
}

// A learner, as far as this run needs one: its weights come from the completions it is shown.
Digest trained_on(const Digest& before, const std::vector<GroupRecord>& groups) {
  Hasher hasher;
  hasher.add_field(before.hex());
  for (const GroupRecord& group : groups) {
    for (const auto& rollout : group.rollouts) hasher.add_field(rollout->completion);
  }
  return hasher.finish();
}

class LedgerForgery : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<Ledger> ledger = Ledger::create(path_, testing::small_header());
    testing::write_run(*ledger);
    make_weights_true();
    const std::vector<LedgerEvent> events = testing::events_of(path_);
    for (const LedgerEvent& event : events) seen_.push_back({event.seq, event.chain});
  }

  // The small run's weights are names; here they are what trained_on() gives.
  void make_weights_true() {
    LedgerForger forger(path_);
    Digest weights = forger.header.weights_base;
    Result<LedgerReader> reader = LedgerReader::open(path_);
    for (LedgerEvent& event : forger.events) {
      if (event.kind != EventKind::kStep) continue;
      event.details->weights_in = weights;
      weights = trained_on(weights, *reader->groups_of_step(event.step));
      event.details->weights_out = event.hash = weights;
    }
    forger.save();
  }

  CheckReport check(bool with_outside_record = false) {
    CheckOptions options;
    options.verify = judge;
    Digest weights = testing::small_header().weights_base;
    options.replay = [weights](const StepRecord&, const std::vector<GroupRecord>& groups) mutable {
      weights = trained_on(weights, groups);
      return Result<Digest>(weights);
    };
    if (with_outside_record) options.acknowledged = seen_;
    Result<LedgerReader> reader = LedgerReader::open(path_);
    return *check_ledger(*reader, options);
  }

  static std::string violated(const CheckReport& report) {
    std::string ids;
    for (const InvariantReport& one : report.invariants) {
      if (one.state == CheckState::kViolated) ids += id_of(one.invariant) + " ";
    }
    return ids;
  }

  TemporaryFolder folder_;
  std::string path_ = folder_.path("ledger.sqlite");
  std::vector<Acknowledgement> seen_;  // by somebody outside, before the forgery
};

TEST_F(LedgerForgery, WithoutOneEverythingHolds) {
  const CheckReport report = check(true);
  for (const InvariantReport& one : report.invariants) {
    EXPECT_EQ(one.state, CheckState::kHolds) << id_of(one.invariant) << " " << one.text;
  }
}

TEST_F(LedgerForgery, SavingWithoutAnEditIsSound) {
  LedgerForger(path_).save();
  EXPECT_EQ(violated(check(true)), "");
}

// The events of the first group: rollout 0 is right, rollout 1 is wrong.
TEST_F(LedgerForgery, ARewardGivenToAWrongAnswer) {
  LedgerForger forger(path_);
  LedgerEvent& event = forger.events[forger.at(EventKind::kVerified, 1)];
  wire::Verdict verdict = wire::Verdict::correct("equal");
  verdict.judged = event.hash;
  forger.replace(event, verdict);
  forger.save();

  const CheckReport report = check();

  EXPECT_EQ(violated(report), "I20 ");
  EXPECT_EQ(report.of(Invariant::kReward).first_seqs, (std::vector{event.seq}));
  EXPECT_NE(report.of(Invariant::kReward).text.find("judged again it is incorrect"),
            std::string::npos);
}

TEST_F(LedgerForgery, AnyPartOfAVerdictThatDecidesSomething) {
  const std::function<void(wire::Verdict&)> edits[] = {
      [](wire::Verdict& verdict) { verdict.reward = 0.5; },
      [](wire::Verdict& verdict) { verdict.code = wire::VerdictCode::kNoAnswer; },
      [](wire::Verdict& verdict) {
        verdict.checks.push_back({"chain", true, 1, ""});
      },
  };
  for (const auto& edit : edits) {
    LedgerForger forger(path_);
    LedgerEvent& event = forger.events[forger.at(EventKind::kVerified, 1)];
    const wire::Verdict original = forger.verdict(event);
    wire::Verdict verdict = original;
    edit(verdict);
    forger.replace(event, verdict);
    forger.save();
    EXPECT_EQ(violated(check()), "I20 ");

    LedgerForger back(path_);
    back.replace(back.events[back.at(EventKind::kVerified, 1)], original);
    back.save();
    EXPECT_EQ(violated(check()), "");
  }
}

// The right answer is put into a wrong rollout, its verdict and every hash follow; but the weights
// were trained on another.
TEST_F(LedgerForgery, ACompletionReplacedTogetherWithItsVerdict) {
  LedgerForger forger(path_);
  LedgerEvent& generated = forger.events[forger.at(EventKind::kGenerated, 1)];
  wire::Rollout rollout = forger.rollout(generated);
  rollout.completion = "1";  // row 0: 0 + 1
  forger.replace(generated, rollout);
  wire::Verdict verdict = wire::Verdict::correct("equal");
  verdict.judged = generated.hash;
  forger.replace(forger.events[forger.at(EventKind::kVerified, *generated.rollout())], verdict);
  forger.save();

  // Steps 2 and 3 go on from other weights than the first step gives now.
  const CheckReport report = check();

  EXPECT_EQ(violated(report), "I21 ");
  EXPECT_EQ(report.of(Invariant::kReplay).violation_count, 3u);
}

TEST_F(LedgerForgery, ACompletionReplacedWithoutItsVerdict) {
  LedgerForger forger(path_);
  LedgerEvent& generated = forger.events[forger.at(EventKind::kGenerated, 1)];
  wire::Rollout rollout = forger.rollout(generated);
  rollout.completion = "1";
  forger.replace(generated, rollout);
  LedgerEvent& verified = forger.events[forger.at(EventKind::kVerified, *generated.rollout())];
  wire::Verdict verdict = forger.verdict(verified);
  verdict.judged = generated.hash;
  forger.replace(verified, verdict);
  forger.save();

  EXPECT_EQ(violated(check()), "I20 I21 ");
}

TEST_F(LedgerForgery, WeightsThatNoUpdateGives) {
  LedgerForger forger(path_);
  LedgerEvent& first = forger.events[forger.at(EventKind::kStep, 0)];
  LedgerEvent& second = forger.events[forger.at(EventKind::kStep, 1)];
  first.details->weights_out = first.hash = second.details->weights_in = sha256("better");
  forger.save();

  const CheckReport report = check();

  EXPECT_EQ(violated(report), "I21 ");
  EXPECT_EQ(report.of(Invariant::kReplay).first_seqs, (std::vector{first.seq}));
}

TEST_F(LedgerForgery, AnAcknowledgedEventTakenOut) {
  LedgerForger forger(path_);
  const std::size_t late = forger.at(EventKind::kDropped, 2);
  LedgerEvent issued = forger.events[forger.at(EventKind::kIssued, 8)];
  ASSERT_EQ(forger.events[late].group, issued.group);
  std::erase_if(forger.events,
                [&](const LedgerEvent& event) { return event.group == issued.group; });
  forger.save();

  EXPECT_EQ(violated(check()), "") << "the ledger itself cannot know";
  EXPECT_EQ(violated(check(true)), "I22 ");
}

TEST_F(LedgerForgery, TheEndCutOff) {
  LedgerForger forger(path_);
  forger.events.resize(forger.at(EventKind::kIssued, 6));
  forger.save();

  EXPECT_EQ(violated(check()), "");
  const CheckReport report = check(true);
  EXPECT_EQ(violated(report), "I22 ");
  EXPECT_EQ(report.of(Invariant::kAcknowledged).first_seqs.front(), forger.events.size() + 1);
}

TEST_F(LedgerForgery, AnEmptyLedgerIsNotSoundToWhoRemembers) {
  LedgerForger forger(path_);
  forger.events.clear();
  forger.save();

  EXPECT_EQ(violated(check(true)), "I22 ");
}

// Two memories of one event: at most one of them can be true.
TEST_F(LedgerForgery, AMemoryThatContradictsAnother) {
  seen_.push_back({seen_[4].seq, sha256("another history")});
  EXPECT_EQ(violated(check(true)), "I22 ");
}

TEST_F(LedgerForgery, AByteOfAVerdictOnDisk) {
  testing::run_sql(path_,
                   "UPDATE verdicts SET bytes = substr(bytes, 1, 30) || x'ff' || substr(bytes, 32) "
                   "WHERE seq = (SELECT min(seq) FROM verdicts)");
  EXPECT_EQ(violated(check()), "I16 ");
}

// Failing for want of something here proves nothing; failing on what is stored does.
TEST_F(LedgerForgery, WhatCannotBeDoneHereIsNotAViolation) {
  CheckOptions options;
  options.replay = [](const StepRecord&, const std::vector<GroupRecord>&) {
    return Result<Digest>(Error{ErrorCode::kExhausted, "no memory", {}, {}, {}});
  };
  options.verify = [](const wire::Prompt& prompt, const wire::Rollout& rollout) {
    wire::Verdict verdict = *judge(prompt, rollout);
    verdict.verifier = "exact/2";
    return Result<wire::Verdict>(verdict);
  };
  Result<LedgerReader> reader = LedgerReader::open(path_);

  const Result<CheckReport> report = check_ledger(*reader, options);

  EXPECT_EQ(report->of(Invariant::kReplay).state, CheckState::kNotChecked);
  EXPECT_NE(report->of(Invariant::kReplay).text.find("no memory"), std::string::npos);
  EXPECT_EQ(report->of(Invariant::kReward).state, CheckState::kNotChecked);
  EXPECT_NE(report->of(Invariant::kReward).text.find("exact/2"), std::string::npos);
}

}  // namespace
}  // namespace assay::store
