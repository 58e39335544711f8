// Completions that trip a wire: reward 0, kept apart, counted and told of, once each.
#include "tests/e2e/tiny_run.h"

#include <csignal>
#include <filesystem>

#include "runtime/store/ledger_reader.h"
#include "runtime/wire/codec.h"

namespace assay::e2e {
namespace {

namespace fs = std::filesystem;

// The tiny run with a wire across every completion that holds a 7.
class QuarantineRun : public TinyRun {
 protected:
  void SetUp() override {
    std::string config = read(ASSAY_SOURCE_DIR "/tests/e2e/tiny.toml");
    const std::string judge = "type = \"chain\"\n";
    const std::size_t at = config.find(judge);
    ASSERT_NE(at, std::string::npos);
    config.replace(at, judge.size(),
                   "type = \"compose\"\n"
                   "options = { parts = [{ type = \"chain\" }, { name = \"seven\", type = "
                   "\"regex\", role = \"tripwire\", options = { pattern = \"7\", negate = true } }"
                   "] }\n");
    write(path("wired.toml"), config);
  }

  std::vector<std::string> wired(std::vector<std::string> more = {}) const {
    std::vector<std::string> args = {"run",         "@", path("wired.toml"), "--control.arms", "[]",
                                     "--max-steps", "24"};
    args.insert(args.end(), more.begin(), more.end());
    return args;
  }
  std::unique_ptr<RunningProgram> start_wired(std::vector<std::string> more = {}) const {
    return std::make_unique<RunningProgram>(ASSAY_PROGRAM, wired(std::move(more)), here());
  }

  std::vector<json> quarantined() const {
    std::vector<json> lines;
    std::istringstream text(read(in_run("quarantine.jsonl")));
    for (std::string line; std::getline(text, line);) lines.push_back(json::parse(line));
    return lines;
  }

  // The same lines as the ledger has verdicts that tripped a wire, in its order.
  void expect_view_of_ledger() const {
    auto ledger = store::LedgerReader::open(in_run("ledger.sqlite"));
    ASSERT_TRUE(ledger) << ledger.error().message;
    std::vector<std::string> expected, found;
    const auto visit = [&](const store::LedgerEvent& event) -> Result<void> {
      if (event.kind != store::EventKind::kVerified) return {};
      const auto verdict = wire::decode_verdict(*ledger->stored_bytes(event));
      if (wire::tripped_wires(*verdict).empty()) return {};
      EXPECT_EQ(verdict->reward, 0.0);
      expected.push_back(to_string(*event.rollout()));
      return {};
    };
    ASSERT_TRUE(ledger->for_each_event(visit));
    for (const json& line : quarantined()) found.push_back(line.at("rollout"));
    EXPECT_EQ(found, expected);
    EXPECT_FALSE(found.empty());
  }
};

TEST_F(QuarantineRun, WhatTripsAWireIsKeptApartCountedAndToldOf) {
  const ProgramOutcome outcome = assay(wired());

  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  expect_view_of_ledger();
  for (const json& line : quarantined()) {
    EXPECT_TRUE(holds(line.at("completion"), "7")) << line.dump();
    EXPECT_EQ(line.at("tripwires"), json({"seven"}));
    EXPECT_EQ(line.at("reward"), 0.0);
    EXPECT_TRUE(holds(line.at("verifier"), "compose/1:")) << line.dump();
  }
  std::uint64_t tripped = 0;
  for (const json& step : metrics()) {
    tripped += step.at("rollouts/tripped").get<std::uint64_t>();
    EXPECT_DOUBLE_EQ(step.at("verify/tripwire_fraction"),
                     step.at("rollouts/tripped").get<double>() /
                         std::max(1.0, step.at("rollouts/judged").get<double>()));
  }
  EXPECT_GT(tripped, 0u);
  EXPECT_LE(tripped, quarantined().size());
  EXPECT_EQ(summary().at("accounting").at("tripped_rollouts"), tripped);
  bool is_raised = false;
  const json alerts = summary().at("health").at("alerts");
  for (const json& alert : alerts) {
    is_raised |= alert.at("signal") == "tripwire" && alert.at("level") == "critical";
  }
  EXPECT_TRUE(is_raised) << alerts.dump();
  EXPECT_TRUE(holds(outcome.err, "critical: tripwire is")) << outcome.err;
}

TEST_F(QuarantineRun, ARunningOneShowsTheAlertInItsStatus) {
  const auto running = start_wired({"--max-steps", "100000"});

  json alerts;
  EXPECT_TRUE(running->wait_until(
      [&] {
        const ProgramOutcome status = assay({"status", "outputs/tiny", "-o", "json"});
        if (status.exit_code != 0) return false;
        alerts = json::parse(status.out).at("alerts");
        return holds(alerts.dump(), "\"tripwire\"");
      },
      120s))
      << alerts.dump() << running->err();

  running->send(SIGINT);
  EXPECT_EQ(running->wait().exit_code, 130);
}

TEST_F(QuarantineRun, KillsLeaveEveryLineOnce) {
  bool is_torn = false;
  for (const char* moment :
       {"quarantine.jsonl", "rollouts/step_3", "rollouts/step_9", "rollouts/step_15"}) {
    const auto running =
        path_exists(in_run(".assay-run")) ? start_wired({"--resume"}) : start_wired();
    running->wait_for_file(in_run(moment), 60s);
    running->send(SIGKILL);
    running->wait();
    if (!path_exists(in_run("quarantine.jsonl"))) continue;
    // As a kill between the ledger and this file, and one in the middle of a line, leave it.
    const auto bytes = fs::file_size(in_run("quarantine.jsonl"));
    if (bytes < 400) continue;
    fs::resize_file(in_run("quarantine.jsonl"), bytes - 400);
    is_torn = true;
  }

  const ProgramOutcome outcome = assay(wired({"--resume"}));

  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(is_torn);
  expect_view_of_ledger();
  const auto finished = read(in_run("quarantine.jsonl"));
  ASSERT_EQ(assay(wired({"--resume"})).exit_code, 0);
  EXPECT_EQ(read(in_run("quarantine.jsonl")), finished) << "a finished run has nothing to add";
}

TEST_F(QuarantineRun, CleanTakesItAway) {
  ASSERT_EQ(assay(wired({"--max-steps", "2"})).exit_code, 0);
  ASSERT_TRUE(path_exists(in_run("quarantine.jsonl")));

  ASSERT_EQ(run({"--clean", "--max-steps", "2", "--control.arms", "[]"}).exit_code, 0);

  EXPECT_FALSE(path_exists(in_run("quarantine.jsonl")));
}

}  // namespace
}  // namespace assay::e2e
