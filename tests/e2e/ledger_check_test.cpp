// `assay ledger check` on a real run: what it proves with the run's own verifiers and learner, and
// what somebody who rewrites the history cannot hide.
#include <algorithm>

#include "tests/e2e/tiny_run.h"
#include "tests/runtime/store/ledger_forger.h"

namespace assay::e2e {
namespace {

using store::EventKind;
using store::LedgerEvent;
using store::testing::LedgerForger;

class LedgerCheck : public TinyRun {
 protected:
  void SetUp() override { ASSERT_EQ(run().exit_code, 0); }

  struct Checked {
    ProgramOutcome outcome;
    json report;

    json of(const std::string& arm) const {
      for (const json& ledger : report.at("ledgers")) {
        if (ledger.at("arm") == arm) return ledger;
      }
      ADD_FAILURE() << "arm " << arm << " was not checked";
      return {};
    }
    std::string state(const std::string& id, const std::string& arm = "true") const {
      return row(id, arm).at("state");
    }
    json row(const std::string& id, const std::string& arm = "true") const {
      const json ledger = of(arm);
      for (const json& row : ledger.at("invariants")) {
        if (row.at("id") == id) return row;
      }
      ADD_FAILURE() << id << " is not reported";
      return {};
    }
    // The violated invariants of an arm: "I20 I21 ".
    std::string violated(const std::string& arm = "true") const {
      std::string ids;
      const json ledger = of(arm);
      for (const json& row : ledger.at("invariants")) {
        if (row.at("state") == "violated") ids += row.at("id").get<std::string>() + " ";
      }
      return ids;
    }
  };

  Checked check(std::vector<std::string> more = {}) const {
    std::vector<std::string> args = {"ledger", "check", "outputs/tiny", "-o", "json"};
    args.insert(args.end(), more.begin(), more.end());
    Checked checked{assay(args), {}};
    checked.report = json::parse(checked.outcome.out, nullptr, false);
    EXPECT_TRUE(checked.report.is_object()) << checked.outcome.out << checked.outcome.err;
    return checked;
  }

  LedgerForger forger() const { return LedgerForger(in_run("ledger.sqlite")); }
};

TEST_F(LedgerCheck, AFinishedRunHoldsInEverythingControlsIncluded) {
  std::string seen;
  for (const std::string& line : exported_lines()) seen += line + "\n";
  write(path("seen.jsonl"), seen);

  const Checked checked = check({"--replay", "--acknowledged", "seen.jsonl"});

  EXPECT_EQ(checked.outcome.exit_code, 0) << checked.outcome.err;
  EXPECT_EQ(checked.report.at("is_clean"), true);
  EXPECT_EQ(checked.report.at("ledgers").size(), 2u);
  const json run_ledger = checked.of("true"), control_ledger = checked.of("random_permute");
  for (const json& row : run_ledger.at("invariants")) {
    EXPECT_EQ(row.at("state"), "ok") << row.dump();
  }
  for (const json& row : control_ledger.at("invariants")) {
    const bool is_other = row.at("id") == "I22";  // the record is the run's, not the control's
    EXPECT_EQ(row.at("state"), is_other ? "not_checked" : "ok") << row.dump();
  }
}

// random_iid matches the reward of the base policy on training prompts, which only its own
// evaluation tells.
TEST_F(LedgerCheck, EveryKindOfControlIsReplayed) {
  ASSERT_EQ(run({"--clean", "--control.arms", "random_iid,random_permute"}).exit_code, 0);

  const Checked checked = check({"--replay"});

  EXPECT_EQ(checked.outcome.exit_code, 0);
  EXPECT_EQ(checked.report.at("ledgers").size(), 3u);
  for (const char* arm : {"true", "random_iid", "random_permute"}) {
    EXPECT_EQ(checked.state("I20", arm), "ok") << arm;
    EXPECT_EQ(checked.state("I21", arm), "ok") << arm;
  }
}

TEST_F(LedgerCheck, PeopleReadOneLineAnInvariant) {
  const ProgramOutcome outcome = assay({"ledger", "check", "tiny", "--arm", "true"});

  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(std::count(outcome.out.begin(), outcome.out.end(), '\n'), 1 + 22 + 1);
  EXPECT_TRUE(holds(outcome.out, "I20  ok           judging the stored bytes again"))
      << outcome.out;
  EXPECT_TRUE(holds(outcome.out,
                    "I21  not checked  replaying the stored groups gives the recorded "
                    "weights: not asked for; --replay"))
      << outcome.out;
}

TEST_F(LedgerCheck, ARewardGivenToAWrongAnswerIsFoundByJudgingAgain) {
  LedgerForger edit = forger();
  for (std::size_t nth = 0;; ++nth) {
    LedgerEvent& event = edit.events[edit.at(EventKind::kVerified, nth)];
    wire::Verdict verdict = edit.verdict(event);
    if (verdict.outcome == wire::Outcome::kCorrect) continue;
    verdict.outcome = wire::Outcome::kCorrect;
    verdict.code = wire::VerdictCode::kCorrect;
    verdict.reward = 1;
    edit.replace(event, verdict);
    break;
  }
  edit.save();

  const Checked checked = check();

  EXPECT_EQ(checked.outcome.exit_code, 3);
  EXPECT_EQ(checked.violated(), "I20 ");
  EXPECT_EQ(checked.row("I20").at("violations"), 1);
}

TEST_F(LedgerCheck, ATextThatItsTokensDoNotSayIsFound) {
  LedgerForger edit = forger();
  LedgerEvent& generated = edit.events[edit.at(EventKind::kGenerated)];
  wire::Rollout rollout = edit.rollout(generated);
  rollout.completion += "7";
  edit.replace(generated, rollout);
  LedgerEvent& verified = edit.events[edit.at(EventKind::kVerified, *generated.rollout())];
  wire::Verdict verdict = edit.verdict(verified);
  verdict.judged = generated.hash;
  edit.replace(verified, verdict);
  edit.save();

  EXPECT_EQ(check().violated(), "I20 ");
}

TEST_F(LedgerCheck, ATokenThatWasNotTrainedOnIsFoundByReplay) {
  LedgerForger edit = forger();
  const LedgerEvent step = edit.events[edit.at(EventKind::kStep)];
  bool is_edited = false;
  for (LedgerEvent& event : edit.events) {
    const bool is_used = event.kind == EventKind::kGenerated &&
                         std::find(step.details->groups.begin(), step.details->groups.end(),
                                   event.group) != step.details->groups.end();
    if (!is_used) continue;
    wire::Rollout rollout = edit.rollout(event);
    rollout.logprobs.front() -= 0.5f;
    edit.replace(event, rollout);
    is_edited = true;
  }
  ASSERT_TRUE(is_edited);
  edit.save();

  EXPECT_EQ(check().violated(), "") << "only the weights tell";
  const Checked checked = check({"--replay"});
  EXPECT_EQ(checked.outcome.exit_code, 3);
  EXPECT_EQ(checked.violated(), "I21 ");
  EXPECT_EQ(checked.state("I21", "random_permute"), "ok");
}

TEST_F(LedgerCheck, WeightsThatNoUpdateGivesAreFoundByReplay) {
  LedgerForger edit = forger();
  LedgerEvent& first = edit.events[edit.at(EventKind::kStep, 0)];
  LedgerEvent& second = edit.events[edit.at(EventKind::kStep, 1)];
  first.details->weights_out = first.hash = second.details->weights_in = sha256("better");
  edit.save();

  const Checked checked = check({"--replay"});

  EXPECT_EQ(checked.violated(), "I21 ");
  EXPECT_EQ(checked.row("I21").at("violations"), 1) << "the steps after it are as recorded";
}

TEST_F(LedgerCheck, AnotherBaseThanTheRunsIsFoundByReplay) {
  LedgerForger edit = forger();
  LedgerEvent& first = edit.events[edit.at(EventKind::kStep, 0)];
  edit.header.weights_base = first.details->weights_in = sha256("another base");
  edit.save();

  EXPECT_EQ(check({"--replay"}).violated(), "I21 ");
}

TEST_F(LedgerCheck, WhatARunLacksIsNotCheckedAndSaysWhy) {
  ASSERT_TRUE(std::rename(in_run("checkpoints/base").c_str(), path("moved").c_str()) == 0);
  Checked checked = check({"--replay"});
  EXPECT_EQ(checked.outcome.exit_code, 0);
  EXPECT_EQ(checked.state("I20"), "ok");
  EXPECT_EQ(checked.state("I21"), "not_checked");
  EXPECT_TRUE(holds(checked.row("I21").at("text"), "checkpoints/base is missing"));

  std::string config = read(in_run("configs/resolved.toml"));
  write(in_run("configs/resolved.toml"), config.replace(config.find("seed = 17"), 9, "seed = 18"));
  checked = check({"--replay"});
  EXPECT_EQ(checked.state("I20"), "not_checked");
  EXPECT_TRUE(holds(checked.row("I20").at("text"), "is not the configuration of this ledger"));

  ASSERT_EQ(std::remove(in_run("configs/resolved.toml").c_str()), 0);
  checked = check({"--replay"});
  EXPECT_EQ(checked.outcome.exit_code, 0);
  EXPECT_EQ(checked.state("I20"), "not_checked");
  EXPECT_TRUE(holds(checked.row("I21").at("text"), "resolved.toml"));
}

TEST_F(LedgerCheck, ALedgerFileAloneIsCheckedAsFarAsItGoes) {
  const ProgramOutcome outcome =
      assay({"ledger", "check", "outputs/tiny/ledger.sqlite", "-o", "json"});

  EXPECT_EQ(outcome.exit_code, 0);
  const json report = json::parse(outcome.out);
  EXPECT_EQ(report.at("ledgers").size(), 1u);
  EXPECT_EQ(report.at("ledgers")[0].at("invariants")[19].at("state"), "not_checked");
}

TEST_F(LedgerCheck, WhatWasSeenAndIsGoneIsFoundByWhoRemembers) {
  std::string seen;
  for (const std::string& line : exported_lines()) seen += line + "\n";
  write(path("seen.jsonl"), seen);
  LedgerForger edit = forger();
  edit.events.resize(edit.at(EventKind::kStep, 7) + 1);
  edit.save();

  EXPECT_EQ(check({"--replay"}).violated(), "") << "a shorter history is a sound one";
  const Checked checked = check({"--acknowledged", "seen.jsonl"});
  EXPECT_EQ(checked.outcome.exit_code, 3);
  EXPECT_EQ(checked.violated(), "I22 ");
}

TEST_F(LedgerCheck, AMalformedOutsideRecordIsWrongUsage) {
  const std::string chain(64, 'a');
  for (const std::string& line :
       {std::string("{\"seq\": 1}"), std::string("[1]"), std::string("{\"seq\": -1}"),
        "{\"seq\": 1, \"chain\": \"" + chain.substr(1) + "\"}", std::string("not json")}) {
    write(path("seen.jsonl"), "{\"seq\": 1, \"chain\": \"" + chain + "\"}\n" + line + "\n");
    const ProgramOutcome outcome =
        assay({"ledger", "check", "tiny", "--acknowledged", "seen.jsonl"});
    expect_one_error(outcome, 2, {"seen.jsonl:2"});
  }
  expect_one_error(assay({"ledger", "check", "tiny", "--acknowledged", "absent.jsonl"}), 2,
                   {"absent.jsonl"});
}

}  // namespace
}  // namespace assay::e2e
