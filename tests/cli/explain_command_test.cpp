#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime/store/run_folder.h"
#include "tests/support/program.h"

namespace assay::cli {
namespace {

using testing::ProgramOutcome;

ProgramOutcome assay(std::vector<std::string> args, const std::string& folder = ".") {
  return testing::run_program(ASSAY_PROGRAM, std::move(args), folder);
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(ExplainCommand, TellsWhatANumberedErrorMeans) {
  const ProgramOutcome outcome = assay({"explain", "E110"});

  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  EXPECT_TRUE(outcome.out.starts_with("E110: a group of one\n")) << outcome.out;
  EXPECT_TRUE(holds(outcome.out, "= help: Set curator.group_size to 2 or more.")) << outcome.out;
}

TEST(ExplainCommand, ListsEveryNumberedError) {
  const ProgramOutcome table = assay({"explain", "--errors"});
  const auto json = nlohmann::json::parse(assay({"explain", "--errors", "-o", "json"}).out);

  EXPECT_EQ(table.exit_code, 0);
  EXPECT_GE(json["errors"].size(), 15u);
  for (const auto& error : json["errors"]) {
    EXPECT_TRUE(holds(table.out, error["id"].get<std::string>() + "  ")) << error;
    EXPECT_FALSE(error["remedy"].get<std::string>().empty()) << error;
  }
}

TEST(ExplainCommand, UnknownNumberSaysWhereTheListIs) {
  const ProgramOutcome outcome = assay({"explain", "E999"});

  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(holds(outcome.err, "assay explain --errors")) << outcome.err;
}

TEST(ExplainCommand, ARunAloneIsWrongUsage) {
  const ProgramOutcome outcome = assay({"explain", "first"});

  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(holds(outcome.err, "needs a run and an id")) << outcome.err;
}

// A folder with a run in it that nobody is running.
class StoppedRun : public ::testing::Test {
 protected:
  StoppedRun() {
    const auto folder = store::RunFolder::open(folder_.path("outputs/first"), store::RunMode::kNew);
    EXPECT_TRUE(folder);
  }

  const testing::TemporaryFolder folder_;
};

TEST_F(StoppedRun, HasNoStatusAndSaysHowToGoOn) {
  const ProgramOutcome outcome = assay({"status", "first"}, folder_.path(""));

  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_TRUE(holds(outcome.err, "error[E501]: no process is running")) << outcome.err;
  EXPECT_TRUE(holds(outcome.err, "--resume")) << outcome.err;
  EXPECT_EQ(outcome.out, "");
}

TEST_F(StoppedRun, WithAReportIsDone) {
  ASSERT_TRUE(make_folders(folder_.path("outputs/first/report")));
  ASSERT_TRUE(write_file_durably(folder_.path("outputs/first/report/index.html"), "page"));

  const ProgramOutcome outcome = assay({"status", "first"}, folder_.path(""));

  EXPECT_EQ(outcome.exit_code, 4);
  EXPECT_TRUE(holds(outcome.err, "it is done: open outputs/first/report/index.html"))
      << outcome.err;
}

// A verifier that refuses its own references would teach the wrong thing.
TEST(DryRun, RefusesReferencesThatTheVerifierDoesNotAccept) {
  const testing::TemporaryFolder folder;
  ASSERT_TRUE(write_file_durably(folder.path("data.jsonl"),
                                 "{\"question\": \"1+1\", \"answer\": \"2\"}\n"
                                 "{\"question\": \"2+2\", \"answer\": \"four\"}\n"));
  ASSERT_TRUE(write_file_durably(
      folder.path("a.toml"),
      "[tokenizer]\ntype = \"byte\"\n[sft]\nsteps = 0\n[[verifier]]\nname = \"math\"\n"
      "type = \"math\"\n[[curator.train.source]]\nname = \"sums\"\npath = \"data.jsonl\"\n"
      "verifier = \"math\"\n"));

  const ProgramOutcome outcome = assay({"run", "@", "a.toml", "--dry-run"}, folder.path(""));

  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(holds(outcome.err, "error[E404]: a verifier refuses reference answers"))
      << outcome.err;
  EXPECT_TRUE(holds(outcome.err, "row 2: reference 'four'")) << outcome.err;
  EXPECT_TRUE(holds(outcome.out, "accepts 1 of 2 reference answers")) << outcome.out;
}

}  // namespace
}  // namespace assay::cli
