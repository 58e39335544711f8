#include "runtime/store/run_folder.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace assay::store {
namespace {

namespace fs = std::filesystem;
using assay::testing::TemporaryFolder;

TEST(RunFolder, ANewRunIsMadeOnceAndThenAsksWhatToDo) {
  const TemporaryFolder folder;
  const std::string root = folder.path("outputs/first");
  ASSERT_TRUE(RunFolder::open(root, RunMode::kNew));
  const Result<RunFolder> again = RunFolder::open(root, RunMode::kNew);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().id, "E801");
  for (const char* remedy : {"--resume", "--clean", "--run.name"})
    EXPECT_NE(again.error().remedy.find(remedy), std::string::npos) << remedy;
  EXPECT_TRUE(RunFolder::open(root, RunMode::kResume));
}

TEST(RunFolder, ResumingNothingIsRefused) {
  const TemporaryFolder folder;
  EXPECT_EQ(RunFolder::open(folder.path("none"), RunMode::kResume).error().code,
            ErrorCode::kNotFound);
  EXPECT_FALSE(fs::exists(folder.path("none")));
  fs::create_directory(folder.path("empty"));
  EXPECT_EQ(RunFolder::open(folder.path("empty"), RunMode::kResume).error().code,
            ErrorCode::kNotFound);
}

// A disk that was full when the folder was marked leaves the draft of the mark.
TEST(RunFolder, AFolderThatCouldNotBeMarkedIsFree) {
  const TemporaryFolder folder;
  fs::create_directory(folder.path("run"));
  std::ofstream(folder.path("run/.assay-run.tmp")) << "assay";
  EXPECT_TRUE(RunFolder::open(folder.path("run"), RunMode::kNew));
}

TEST(RunFolder, CleanDeletesWhatAssayMadeAndNothingElse) {
  const TemporaryFolder folder;
  const std::string root = folder.path("run");
  { ASSERT_TRUE(RunFolder::open(root, RunMode::kNew)); }
  fs::create_directories(root + "/checkpoints/step_1");
  std::ofstream(root + "/ledger.sqlite") << "x";
  std::ofstream(RunPaths(root).quarantine()) << "x";
  std::ofstream(root + "/my_notes.txt") << "keep";
  fs::create_directories(folder.path("elsewhere"));
  std::ofstream(folder.path("elsewhere/keep")) << "keep";
  fs::create_directory_symlink(folder.path("elsewhere"), root + "/report");

  ASSERT_TRUE(RunFolder::open(root, RunMode::kClean));

  EXPECT_FALSE(fs::exists(root + "/checkpoints"));
  EXPECT_FALSE(fs::exists(root + "/ledger.sqlite"));
  EXPECT_FALSE(fs::exists(root + "/quarantine.jsonl"));
  EXPECT_FALSE(fs::exists(fs::symlink_status(root + "/report")));
  EXPECT_TRUE(fs::exists(folder.path("elsewhere/keep"))) << "links are not followed";
  EXPECT_TRUE(fs::exists(root + "/my_notes.txt"));
}

TEST(RunFolder, AForeignFolderIsLeftAsItWasWhateverTheMode) {
  const TemporaryFolder folder;
  const std::string root = folder.path("home");
  fs::create_directories(root + "/report");
  for (const RunMode mode : {RunMode::kNew, RunMode::kClean}) {
    const Result<RunFolder> opened = RunFolder::open(root, mode);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().id, "E801");
  }
  EXPECT_TRUE(fs::exists(root + "/report"));
  EXPECT_EQ(std::distance(fs::directory_iterator(root), fs::directory_iterator()), 1);
}

TEST(RunFolder, ASecondProcessIsRefusedAtOnceAndToldWhoHoldsIt) {
  const TemporaryFolder folder;
  const std::string root = folder.path("run");
  int ready[2];
  int stop[2];
  ASSERT_EQ(::pipe(ready) + ::pipe(stop), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(stop[1]);
    const Result<RunFolder> held = RunFolder::open(root, RunMode::kNew);
    char byte = held ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    static_cast<void>(!::read(stop[0], &byte, 1));
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');

  const Result<RunFolder> second = RunFolder::open(root, RunMode::kResume);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(second.error().message.find(std::to_string(child)), std::string::npos);
  EXPECT_EQ(*running_process(RunPaths(root)), child);

  ::close(stop[1]);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(*running_process(RunPaths(root)), 0);
  EXPECT_TRUE(RunFolder::open(root, RunMode::kResume));
  for (const int end : {ready[0], ready[1], stop[0]}) ::close(end);
}

TEST(RunFolder, ARunIsFoundByNameOrPathAndOthersAreListed) {
  const TemporaryFolder folder;
  const std::string outputs = folder.path("outputs");
  ASSERT_TRUE(RunFolder::open(outputs + "/alpha", RunMode::kNew));
  EXPECT_EQ(find_run("alpha", outputs)->root(), outputs + "/alpha");
  EXPECT_EQ(find_run(outputs + "/alpha", outputs)->root(), outputs + "/alpha");
  const Result<RunPaths> none = find_run("beta", outputs);
  EXPECT_EQ(none.error().code, ErrorCode::kNotFound);
  EXPECT_NE(none.error().remedy.find("alpha"), std::string::npos);
}

TEST(RunFolder, ItsLedgersAreItsOwnAndThoseOfItsControls) {
  const TemporaryFolder folder;
  const RunPaths paths(folder.root());
  for (const char* arm : {"random_permute", "inverted"}) {
    fs::create_directories(paths.controls() + "/" + arm);
    std::ofstream(paths.ledger(arm)) << "x";
  }
  fs::create_directories(paths.controls() + "/not_begun");

  EXPECT_EQ(find_ledgers(paths),
            (std::vector{paths.ledger(), paths.ledger("inverted"), paths.ledger("random_permute")}))
      << "its own is named even where it is missing, so that nobody overlooks that";
}

TEST(RunPaths, AreTheContractsNames) {
  const RunPaths paths("outputs/r");
  EXPECT_EQ(paths.resolved_config(), "outputs/r/configs/resolved.toml");
  EXPECT_EQ(paths.ledger(), "outputs/r/ledger.sqlite");
  EXPECT_EQ(paths.ledger("random"), "outputs/r/controls/random/ledger.sqlite");
  EXPECT_EQ(paths.log("generator/0"), "outputs/r/logs/latest/generator-0.log");
  EXPECT_EQ(paths.log("../../x"), "outputs/r/logs/latest/-.-..-x.log");
  EXPECT_EQ(paths.rollouts(3), "outputs/r/rollouts/step_3");
  EXPECT_EQ(paths.eval(0, "in_range"), "outputs/r/eval/step_0/in_range");
}

}  // namespace
}  // namespace assay::store
