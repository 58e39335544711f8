// What a disk can do to a run: files cut short, bits that flip, no space left.
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include "tests/e2e/tiny_run.h"

namespace assay::e2e {
namespace {

namespace fs = std::filesystem;

class Damage : public TinyRun {
 protected:
  // A run that was killed in the middle; each test damages copies of it.
  void SetUp() override {
    const auto program = start(args());
    ASSERT_TRUE(program->wait_for_file(in_run("rollouts/step_9"), 60s)) << program->err();
    program->send(SIGKILL);
    ASSERT_EQ(program->wait().exit_code, 128 + SIGKILL);
    fs::remove(in_run("status.sock"));  // cannot be copied
    killed_ = home_;
    home_ = path("undisturbed");
    fs::create_directories(home_);
    ASSERT_EQ(run(args()).exit_code, 0);
    expected_ = steps();
  }

  static std::vector<std::string> args(std::vector<std::string> more = {}) {
    more.insert(more.end(),
                {"--deterministic", "true", "--curator.max-off-policy-steps", "0", "--max-steps",
                 "16", "--ckpt.interval", "2", "--ckpt.keep", "0", "control.arms=[]"});
    return more;
  }

  // The program now runs in a fresh copy of the killed run.
  void copy_run(const std::string& from) {
    home_ = killed_ + "/copy" + std::to_string(copies_++);
    fs::create_directories(home_);
    fs::copy(from + "/outputs", home_ + "/outputs",
             fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  }
  void copy_killed_run() { copy_run(killed_); }

  // The steps that have a whole checkpoint, newest first.
  std::vector<std::uint64_t> checkpoints() const {
    std::vector<std::uint64_t> steps;
    for (std::uint64_t step = 16; step > 0; --step) {
      if (path_exists(checkpoint(step, "checkpoint.json"))) steps.push_back(step);
    }
    return steps;
  }
  std::string checkpoint(std::uint64_t step, const std::string& name) const {
    return in_run("checkpoints/step_" + std::to_string(step) + "/" + name);
  }

  void flip_bit(const std::string& file, std::uint64_t place) const {
    std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
    ASSERT_TRUE(stream) << file;
    stream.seekg(static_cast<std::streamoff>(place));
    const int byte = stream.get();
    ASSERT_NE(byte, EOF) << file << " has no byte " << place;
    stream.seekp(static_cast<std::streamoff>(place));
    stream.put(static_cast<char>(byte ^ 0x10));
  }
  static void cut(const std::string& file) { fs::resize_file(file, fs::file_size(file) / 2); }

  // Going on finds the damage, says what it passed over, and ends with the same weights.
  void expect_recovery(const std::vector<std::string>& said) {
    const ProgramOutcome outcome = run(args({"--resume"}));
    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    for (const std::string& text : said) {
      EXPECT_TRUE(holds(outcome.err, text)) << "'" << text << "' is missing in:\n" << outcome.err;
    }
    EXPECT_TRUE(steps() == expected_) << "other weights";
    expect_clean_ledger("true", true);
  }

  std::vector<RecordedStep> expected_;
  std::string killed_;
  int copies_ = 0;
};

TEST_F(Damage, BrokenCheckpointIsPassedOverForTheOneBefore) {
  using Harm = std::function<void(const std::string&)>;
  const Harm halve = [](const std::string& file) { cut(file); };
  const Harm flip = [this](const std::string& file) { flip_bit(file, fs::file_size(file) / 2); };
  const Harm lose = [](const std::string& file) { fs::remove(file); };
  const Harm empty = [](const std::string& file) { fs::resize_file(file, 0); };
  const std::vector<std::pair<const char*, Harm>> harms = {
      {"model.safetensors", halve},     {"model.safetensors", flip}, {"learner.json", flip},
      {"optimiser.safetensors", flip},  {"learner.json", lose},      {"checkpoint.json", halve},
      {"optimiser.safetensors", empty}, {"checkpoint.json", lose},   {"checkpoint.json", empty},
  };
  for (const auto& [name, harm] : harms) {
    SCOPED_TRACE(std::string(name) + ", harm " + std::to_string(copies_));
    copy_killed_run();
    const std::vector<std::uint64_t> whole = checkpoints();
    ASSERT_GE(whole.size(), 3u);

    harm(checkpoint(whole[0], name));

    expect_recovery({"passed over: ", "step_" + std::to_string(whole[0]), name,
                     "from checkpoint step_" + std::to_string(whole[1])});
    if (HasFailure()) return;
  }
}

TEST_F(Damage, WithoutAWholeCheckpointTheBasePolicyIsTheStart) {
  copy_killed_run();
  const std::vector<std::uint64_t> whole = checkpoints();
  for (const std::uint64_t step : whole) cut(checkpoint(step, "model.safetensors"));

  expect_recovery({"passed over: ", "from the base policy"});
}

// Warming up again gives the same base policy, so a broken one is no loss.
TEST_F(Damage, BrokenBasePolicyIsMadeAgain) {
  for (const char* name : {"model.safetensors", "learner.json"}) {
    SCOPED_TRACE(name);
    copy_killed_run();
    for (const std::uint64_t step : checkpoints()) fs::remove_all(checkpoint(step, ""));
    const std::string file = in_run("checkpoints/base/") + name;
    flip_bit(file, fs::file_size(file) / 2);

    expect_recovery({"passed over: ", "checkpoints/base", "400 warm-up steps"});
  }
}

TEST_F(Damage, LastCheckpointBrokenAfterTheEndIsMadeAgain) {
  home_ = killed_ + "/undisturbed";
  flip_bit(in_run("checkpoints/step_16/model.safetensors"), 5000);
  fs::remove_all(in_run("eval/step_16"));

  expect_recovery({"passed over: ", "from checkpoint step_14"});

  EXPECT_TRUE(path_exists(in_run("eval/step_16/in_range/results.json")));
  const ProgramOutcome policy = assay({"eval", "@", ASSAY_SOURCE_DIR "/tests/e2e/tiny.toml",
                                       "--policy", in_run("checkpoints/latest"), "-n", "2"});
  EXPECT_EQ(policy.exit_code, 0) << policy.err;
}

// All over the ledger: a flipped bit is named before anything is built upon it.
TEST_F(Damage, FlippedBitInTheLedgerGivesOneError) {
  home_ = killed_ + "/undisturbed";  // ended well, so everything lies in the file itself
  const std::uint64_t bytes = fs::file_size(in_run("ledger.sqlite"));
  const std::string intact = home_;
  int found = 0, rounds = 0;
  for (std::uint64_t place = 40; place < bytes; place += bytes / 16 + 1) {
    SCOPED_TRACE("bit in byte " + std::to_string(place) + " of " + std::to_string(bytes));
    copy_run(intact);
    flip_bit(in_run("ledger.sqlite"), place);
    ++rounds;

    const ProgramOutcome outcome = run(args({"--resume"}));

    if (outcome.exit_code == 0) continue;  // it lay where no row is
    ++found;
    expect_one_error(outcome, 1, {"ledger.sqlite", "= help: "});
  }
  EXPECT_GE(found, rounds * 3 / 4) << "a history is mostly bytes that matter";
}

// SQLite ends its log silently at the first page that does not fit its checksum.
TEST_F(Damage, LogThatLostAcknowledgedUpdatesGivesOneError) {
  for (const bool is_flipped : {true, false}) {
    SCOPED_TRACE(is_flipped ? "a flipped bit" : "no log");
    copy_killed_run();
    const std::string log = in_run("ledger.sqlite-wal");
    ASSERT_GT(fs::file_size(log), 100000u);
    if (is_flipped) {
      flip_bit(log, fs::file_size(log) / 2);
    } else {
      fs::remove(log);
    }

    const ProgramOutcome outcome = run(args({"--resume"}));

    expect_one_error(outcome, 1, {"error[E803]", "lost acknowledged updates", "ledger.sqlite"});
  }
}

TEST_F(Damage, MissingLedgerGivesOneError) {
  copy_killed_run();
  for (const char* name : {"ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"}) {
    fs::remove(in_run(name));
  }

  expect_one_error(run(args({"--resume"})), 1, {"error[E803]", "ledger.sqlite", "--clean"});
}

TEST_F(Damage, LedgerCutShortOrForeignGivesOneError) {
  for (const std::uint64_t keep : {std::uint64_t{0}, std::uint64_t{50}, std::uint64_t{20000}}) {
    SCOPED_TRACE(std::to_string(keep) + " bytes left");
    copy_killed_run();
    fs::remove(in_run("ledger.sqlite-wal"));
    fs::remove(in_run("ledger.sqlite-shm"));
    fs::resize_file(in_run("ledger.sqlite"), keep);

    expect_one_error(run(args({"--resume"})), 1, {"ledger.sqlite", "= help: "});
  }
}

TEST_F(Damage, BrokenEvaluationResultsAreNamed) {
  copy_killed_run();
  cut(in_run("eval/step_0/in_range/results.json"));

  expect_one_error(run(args({"--resume"})), 1, {"eval/step_0/in_range/results.json", "delete it"});
}

TEST_F(Damage, BrokenWarmUpCacheIsMadeAgain) {
  const std::string cache = killed_ + "/undisturbed/cache";
  std::string kept;
  for (const fs::directory_entry& entry : fs::directory_iterator(cache)) kept = entry.path();
  for (const char* name : {"model.safetensors", "learner.json"}) {
    SCOPED_TRACE(name);
    home_ = killed_ + "/undisturbed";
    flip_bit(kept + "/" + name, name[0] == 'm' ? 5000 : 30);
    std::vector<std::string> again = args({"--clean"});

    const ProgramOutcome outcome = run(again);

    ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
    EXPECT_TRUE(holds(outcome.err, "passed over: ")) << outcome.err;
    EXPECT_TRUE(steps() == expected_) << "other weights";
  }
}

}  // namespace
}  // namespace assay::e2e
