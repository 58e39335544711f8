// A task of one's own, from `assay init` to the report, as its last words say.
#include "tests/e2e/tiny_run.h"

namespace assay::e2e {
namespace {

class Init : public TinyRun {};

TEST_F(Init, WritesATaskThatPassesItsOwnAuditAndRuns) {
  const ProgramOutcome made = assay({"init", "task"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_TRUE(holds(made.out, "task/verifier.py")) << made.out;
  home_ = path("task");

  const ProgramOutcome audit = assay(
      {"verify", "verifier.py", "--suite", "tests/adversarial.jsonl", "--min-coverage", "0.9"});
  EXPECT_EQ(audit.exit_code, 0) << audit.out << audit.err;
  const ProgramOutcome dry = assay({"run", "@", "assay.toml", "--dry-run"});
  EXPECT_EQ(dry.exit_code, 0) << dry.err;
  EXPECT_TRUE(holds(dry.out, "accepts 32 of 32 reference answers")) << dry.out;
  const ProgramOutcome run = assay({"run", "@", "assay.toml", "--run.name", "tiny"});
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(holds(run.err, "verifier mine: catches")) << run.err;
  expect_clean_ledger("true", true);
}

TEST_F(Init, WritesOverNothing) {
  ASSERT_EQ(assay({"init"}).exit_code, 0);
  write(path("verifier.py"), "mine now");

  expect_one_error(assay({"init"}), 2, {"E804", "exists already", "assay init DIR"});

  EXPECT_EQ(read(path("verifier.py")), "mine now");
}

TEST_F(Init, ARunRefusesAVerifierThatCanBeCheated) {
  ASSERT_EQ(assay({"init"}).exit_code, 0);
  write(path("verifier.py"),
        "def verify(completion, answer):\n    return str(answer) in completion\n");

  const ProgramOutcome run = assay({"run", "@", "assay.toml"});

  expect_one_error(run, 3, {"E405", "wrong completions", "would open it"});
  EXPECT_FALSE(path_exists(path("outputs"))) << "nothing was trained";
}

// One completion in 24 hangs, another kills the worker, another raises; the run goes on with the
// rest.
TEST_F(Init, AVerifierThatHangsAndDiesStopsNoRun) {
  ASSERT_EQ(assay({"init"}).exit_code, 0);
  write(path("verifier.py"), R"(
import os, time
def verify(completion, answer):
    kind = sum(completion.encode()) % 24
    if kind == 0:
        time.sleep(3600)
    if kind == 1:
        os._exit(9)
    if kind == 2:
        raise RuntimeError("a bad day")
    return kind % 2
)");

  const ProgramOutcome run = assay(
      {"run", "@", "assay.toml", "--run.name", "tiny", "--max-steps", "3", "--verifier.mine.suite",
       "", "--verifier.mine.options.timeout_s", "0.1", "--curator.eval.source.sample-eval.samples",
       "1", "--curator.eval.source.sample-eval.ks", "1"});

  EXPECT_EQ(run.exit_code, 0) << run.err;
  expect_clean_ledger("true", true);
  const std::vector<json> lines = metrics();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_GT(lines.back().at("errored_rollouts/all"), 0) << lines.back().dump();
  for (const json& event : events()) {
    if (event.at("kind") != "verified") continue;
    EXPECT_FALSE(holds(event.dump(), "a bad day")) << "a failure has no reward";
  }
}

TEST_F(Init, AVerifierThatRaisesIsUnscoredAndEndsTheRunWithItsReason) {
  ASSERT_EQ(assay({"init"}).exit_code, 0);
  write(path("verifier.py"), "def verify(completion, answer):\n    return 1 / 0\n");

  const ProgramOutcome run = assay({"run", "@", "assay.toml", "--verifier.mine.suite", ""});

  EXPECT_EQ(run.exit_code, 1) << run.err;
  EXPECT_FALSE(holds(run.err, "reward 0.00")) << run.err;
}

}  // namespace
}  // namespace assay::e2e
