// Runs that are killed, interrupted or asked to end, at any moment: what was acknowledged stays,
// and going on gives the same weights as never having stopped.
#include "tests/e2e/tiny_run.h"

#include <csignal>
#include <filesystem>
#include <random>

namespace assay::e2e {
namespace {

namespace fs = std::filesystem;

// A moment of a run, by the name that appears in its folder then. In the order of a run.
constexpr const char* kMoments[] = {
    "configs/resolved.toml",
    "checkpoints/base",
    "eval/step_0/in_range/samples.jsonl",
    "eval/step_0/longer",
    "ledger.sqlite",
    "rollouts/step_1/train.jsonl.zst",
    "checkpoints/step_3.tmp",
    "checkpoints/step_6",
    "rollouts/step_8",
    "checkpoints/step_10/checkpoint.json",
    "checkpoints/latest",
    "eval/step_10/in_range",
    "controls/random_permute/ledger.sqlite",
    "controls/random_permute/checkpoints/step_3",
    "controls/random_permute/checkpoints/step_9",
    "controls/random_permute/eval/step_10/longer",
    "report",
};

class Interruption : public TinyRun {
 protected:
  std::vector<std::string> deterministic(std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"--deterministic", "true"});
    return more;
  }

  // What a run that nobody disturbs gives, measured in a folder of its own.
  struct Undisturbed {
    std::vector<RecordedStep> steps, control_steps;
    double seconds = 0;
  };
  Undisturbed undisturbed(const std::vector<std::string>& args) {
    const std::string back = std::exchange(home_, folder_.path("undisturbed"));
    fs::create_directories(home_);
    const auto start = std::chrono::steady_clock::now();
    const ProgramOutcome outcome = run(args);
    Undisturbed all;
    all.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    expect_finished(outcome);
    all.steps = steps();
    all.control_steps = steps("random_permute");
    home_ = back;
    return all;
  }

  void expect_same(const Undisturbed& expected) const {
    EXPECT_TRUE(steps() == expected.steps) << "other weights";
    EXPECT_TRUE(steps("random_permute") == expected.control_steps) << "other weights";
  }

  bool has_run() const { return path_exists(in_run(".assay-run")); }
  // A run that was ended before it had a folder of its own is simply started.
  std::vector<std::string> resumed(std::vector<std::string> args) const {
    if (has_run()) args.push_back("--resume");
    return args;
  }

  // What the outside knows: events that could be read, and updates that were announced.
  struct Acknowledged {
    std::vector<std::string> lines;
    std::vector<json> announced;
  };
  Acknowledged acknowledged(const std::string& arm) const {
    Acknowledged known;
    const bool is_true = arm == "true";
    const std::string folder = is_true ? "" : "controls/" + arm + "/";
    if (path_exists(in_run(folder + "ledger.sqlite"))) known.lines = exported_lines(arm);
    if (is_true && path_exists(in_run("metrics.jsonl"))) known.announced = metrics();
    return known;
  }
  void expect_kept(const Acknowledged& known, const std::string& arm) const {
    const std::vector<std::string> lines = exported_lines(arm);
    ASSERT_GE(lines.size(), known.lines.size());
    for (std::size_t i = 0; i < known.lines.size(); ++i) {
      ASSERT_EQ(lines[i], known.lines[i]) << "event " << i + 1 << " of " << arm << " changed";
    }
    const std::vector<RecordedStep> history = steps(arm);
    for (const json& line : known.announced) {
      const std::uint64_t step = line.at("step");
      ASSERT_LE(step, history.size()) << "an announced update is gone";
      EXPECT_EQ(history[step - 1].weights_out, line.at("weights"));
    }
  }
};

class Kill : public Interruption {
 protected:
  // Lets `hit` decide when to kill, then goes on until it is done. `kills` times over.
  void kill_and_go_on(const std::vector<std::string>& args,
                      const std::vector<std::function<void(RunningProgram&)>>& hits) {
    for (const auto& hit : hits) {
      const auto program = start(resumed(args));
      hit(*program);
      if (::testing::Test::HasFatalFailure()) return;
      program->send(SIGKILL);
      const ProgramOutcome outcome = program->wait();
      if (outcome.exit_code == 0) break;
      ASSERT_EQ(outcome.exit_code, 128 + SIGKILL) << outcome.err;
      known_true_ = acknowledged("true");
      known_control_ = acknowledged("random_permute");
      ++kills_;
    }
    const ProgramOutcome outcome = run(resumed(args));
    expect_finished(outcome);
    expect_kept(known_true_, "true");
    expect_kept(known_control_, "random_permute");
  }

  static std::function<void(RunningProgram&)> after(double seconds) {
    return [seconds](RunningProgram& program) {
      const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
      program.wait_until([&] { return std::chrono::steady_clock::now() > end; }, 60s);
    };
  }

  std::function<void(RunningProgram&)> at(const std::string& name) const {
    return [this, name](RunningProgram& program) { program.wait_for_file(in_run(name), 60s); };
  }

  Acknowledged known_true_, known_control_;
  int kills_ = 0;
};

TEST_F(Kill, AtEveryStageOfOneRunLeavesTheSameWeights) {
  const Undisturbed expected = undisturbed(deterministic());
  std::vector<std::function<void(RunningProgram&)>> hits;
  for (const char* moment : kMoments) hits.push_back(at(moment));

  kill_and_go_on(deterministic(), hits);

  expect_same(expected);
  EXPECT_GE(kills_, 12) << "most moments were hit before the run was over";
}

TEST_F(Kill, AtRandomMomentsLeavesTheSameWeights) {
  std::mt19937_64 random(chosen_seed());
  const Undisturbed expected = undisturbed(deterministic());
  // A machine that is busy at first and idle later runs away from the longer moments.
  std::uniform_real_distribution<double> moment(0, expected.seconds / 2);
  int kills = 0;
  for (int round = 0; round < 12 && kills < 4; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    fs::remove_all(path("outputs"));
    fs::remove_all(path("cache"));
    kills_ = 0;
    known_true_ = known_control_ = {};

    kill_and_go_on(deterministic(),
                   {after(moment(random)), after(moment(random)), after(moment(random))});

    expect_same(expected);
    kills += kills_;
    if (HasFailure()) break;
  }
  EXPECT_GE(kills, 4);
}

// The synchronous loop, and one that may not run ahead of its learner, take other paths.
TEST_F(Kill, SynchronousRunsLeaveTheSameWeights) {
  std::mt19937_64 random(chosen_seed());
  const std::vector<std::string> args = deterministic({"--curator.max-off-policy-steps", "0"});
  const Undisturbed expected = undisturbed(args);
  std::uniform_real_distribution<double> moment(expected.seconds / 4, expected.seconds);

  kill_and_go_on(args, {after(moment(random)), after(moment(random)), after(moment(random))});

  expect_same(expected);
}

TEST_F(Kill, WithoutDeterminismTheAccountingStillCloses) {
  std::vector<std::function<void(RunningProgram&)>> hits;
  for (const char* name : {"eval/step_0/longer", "rollouts/step_1", "rollouts/step_4",
                           "checkpoints/step_9", "controls/random_permute/checkpoints/step_3"}) {
    hits.push_back(at(name));
  }

  kill_and_go_on({"--generator.replicas", "2"}, hits);

  EXPECT_EQ(steps().size(), 10u);
  EXPECT_GE(kills_, 3);
}

// Old checkpoints go while the run trains, not only when it ends: disks are smaller than runs.
TEST_F(Kill, OldCheckpointsAreGoneBeforeTheRunEnds) {
  const auto program = start({"--ckpt.interval", "1", "--ckpt.keep", "2"});
  ASSERT_TRUE(program->wait_for_file(in_run("checkpoints/step_8"), 60s)) << program->err();
  program->send(SIGKILL);
  program->wait();

  EXPECT_FALSE(path_exists(in_run("checkpoints/step_1")));
  EXPECT_FALSE(path_exists(in_run("checkpoints/step_4")));
  EXPECT_TRUE(path_exists(in_run("checkpoints/step_7")));
}

TEST_F(Kill, TheNextCommandWithoutResumeSaysWhatToDo) {
  const auto program = start();
  ASSERT_TRUE(program->wait_for_file(in_run("ledger.sqlite"), 60s)) << program->err();
  program->send(SIGKILL);
  program->wait();

  expect_one_error(run(), 2, {"error[E801]", "outputs/tiny", "--resume", "--clean"});
}

// ---- signals

class Signals : public Interruption {};

TEST_F(Signals, InEveryStageEndTheRunAfterACheckpoint) {
  const Undisturbed expected = undisturbed(deterministic());
  int interrupted = 0;
  for (const char* moment : kMoments) {
    SCOPED_TRACE(moment);
    const int signal = interrupted % 2 == 0 ? SIGINT : SIGTERM;
    const auto program = start(resumed(deterministic()));
    ASSERT_TRUE(program->wait_for_err("run tiny", 60s)) << program->err();
    program->wait_for_file(in_run(moment), 60s);
    program->send(signal);

    const ProgramOutcome outcome = program->wait();

    if (outcome.exit_code == 0) {  // it came too late; the next moment is one of a new run
      expect_same(expected);
      fs::remove_all(path("outputs"));
      continue;
    }
    ++interrupted;
    ASSERT_EQ(outcome.exit_code, 128 + signal) << outcome.err;
    EXPECT_TRUE(holds(outcome.err, "--resume")) << outcome.err;
    EXPECT_FALSE(holds(outcome.err, "error")) << outcome.err;
    if (!path_exists(in_run("ledger.sqlite"))) continue;
    expect_clean_ledger("true");
    const std::vector<RecordedStep> history = steps();
    if (history.empty()) continue;
    const std::string newest = "step_" + std::to_string(history.size());
    EXPECT_EQ(fs::read_symlink(in_run("checkpoints/latest")), newest);
    EXPECT_TRUE(path_exists(in_run("checkpoints/" + newest + "/checkpoint.json")));
  }
  EXPECT_GE(interrupted, 12);

  expect_finished(run(resumed(deterministic())));
  expect_same(expected);
}

// A warm-up is minutes of work in a real run.
TEST_F(Signals, AWarmUpGoesOnWhereItStopped) {
  const std::vector<std::string> args =
      deterministic({"--sft.steps", "4000", "control.arms=[]", "--max-steps", "2"});
  const auto program = start(args);
  ASSERT_TRUE(program->wait_for_err("run tiny", 60s)) << program->err();
  std::this_thread::sleep_for(150ms);
  program->send(SIGINT);
  const ProgramOutcome interrupted = program->wait();
  ASSERT_EQ(interrupted.exit_code, 130) << interrupted.err;
  ASSERT_FALSE(path_exists(in_run("checkpoints/base"))) << "the signal came too late";

  const ProgramOutcome outcome = run(resumed(args));

  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(holds(outcome.err, "warm-up goes on at step")) << outcome.err;
  const std::vector<RecordedStep> resumed_steps = steps();
  home_ = folder_.path("undisturbed");
  fs::create_directories(home_);
  ASSERT_EQ(run(args).exit_code, 0);
  EXPECT_TRUE(resumed_steps == steps()) << "other weights";
}

// One update of this warm-up takes many seconds: the first signal waits for it, the second does
// not.
TEST_F(Signals, TheSecondEndsTheRunAtOnce) {
  const auto program = start({"--sft.batch-size", "65536", "--model.hidden-size", "128"});
  ASSERT_TRUE(program->wait_for_err("run tiny", 60s)) << program->err();
  std::this_thread::sleep_for(100ms);
  program->send(SIGINT);
  std::this_thread::sleep_for(300ms);
  ASSERT_TRUE(program->is_running()) << "the update was too quick to be waited for";

  const auto before = std::chrono::steady_clock::now();
  program->send(SIGINT);
  const ProgramOutcome outcome = program->wait();

  EXPECT_EQ(outcome.exit_code, 130) << outcome.err;
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
}

// A run that is over has nothing left to do; doing it again changes nothing.
TEST_F(Interruption, ResumingAFinishedRunChangesNothing) {
  ASSERT_EQ(run(deterministic()).exit_code, 0);
  const std::vector<RecordedStep> before = steps();
  const json first = summary();

  const ProgramOutcome again = run(deterministic({"--resume"}));

  expect_finished(again);
  EXPECT_TRUE(steps() == before);
  const json second = summary();
  for (const char* key : {"eval", "controls", "accounting", "steps", "health"}) {
    EXPECT_EQ(second.at(key), first.at(key)) << key;
  }
}

TEST_F(Interruption, ResumingWithAnotherConfigIsRefused) {
  const auto program = start(deterministic());
  ASSERT_TRUE(program->wait_for_file(in_run("checkpoints/base"), 60s)) << program->err();
  program->send(SIGKILL);
  program->wait();
  const std::string config = read(in_run("configs/resolved.toml"));

  const ProgramOutcome other = run(deterministic({"--resume", "--learner.optim.lr", "0.5"}));

  expect_one_error(other, 2, {"error[E802]", "another configuration", "learner.optim.lr"});
  EXPECT_TRUE(read(in_run("configs/resolved.toml")) == config) << "what the run was started with";
  expect_finished(run(deterministic({"--resume"})));
}

TEST_F(Interruption, ResumingNothingSaysSo) {
  expect_one_error(run({"--resume"}), 2, {"outputs/tiny", "without --resume"});
  EXPECT_FALSE(path_exists(path("outputs")));
}

}  // namespace
}  // namespace assay::e2e
