#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "runtime/core/file.h"
#include "tests/support/program.h"
#include "tests/support/temporary_folder.h"

namespace assay::cli {
namespace {

using testing::ProgramOutcome;

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A folder of its own in which `assay config ...` is run.
class ConfigCommand : public ::testing::Test {
 protected:
  ProgramOutcome assay(std::vector<std::string> args) const {
    args.insert(args.begin(), "config");
    return testing::run_program(ASSAY_PROGRAM, std::move(args), folder_.root());
  }

  ProgramOutcome validate(std::string_view text) const {
    write("a.toml", text);
    return assay({"validate", "@", "a.toml"});
  }

  void write(const std::string& name, std::string_view text) const {
    ASSERT_TRUE(write_file_durably(folder_.path(name), text));
  }

  testing::TemporaryFolder folder_;
};

// Code, place and remedy of one error, and nothing else: at most five lines with the source line.
void expect_one_error(const ProgramOutcome& outcome, const std::string& id,
                      const std::string& place, const std::string& remedy) {
  EXPECT_EQ(outcome.exit_code, 2) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(holds(outcome.err, "error[" + id + "]: ")) << outcome.err;
  EXPECT_TRUE(holds(outcome.err, "--> " + place)) << outcome.err;
  EXPECT_TRUE(holds(outcome.err, remedy)) << outcome.err;
  EXPECT_LE(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 5) << outcome.err;
  EXPECT_EQ(outcome.err.find("error", 5), std::string::npos) << "more than one error";
}

TEST_F(ConfigCommand, MisspeltKeyShowsItsLineAndTheNearestName) {
  const ProgramOutcome outcome = validate("max_steps = 5\n\n[curator]\ngrup_size = 8\n");

  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.err,
            "error[E103]: unknown key `grup_size` in [curator]\n"
            "  --> a.toml:4:1\n"
            "   |  grup_size = 8\n"
            "   |  ^^^^^^^^^\n"
            "   = help: did you mean `group_size`? `assay config show --keys curator` lists the "
            "valid keys\n");
}

TEST_F(ConfigCommand, WrongTypeSaysWhatIsExpected) {
  expect_one_error(validate("[learner.optim]\nlr = \"fast\"\n"), "E104", "a.toml:2:6",
                   "expected a number above 0");
}

TEST_F(ConfigCommand, OutOfRangeSaysTheRange) {
  expect_one_error(validate("[generator.sampling]\ntop_p = 1.5\n"), "E104", "a.toml:2:9",
                   "a number in [0, 1]");
}

TEST_F(ConfigCommand, GroupOfOneCannotTeach) {
  expect_one_error(validate("[curator]\ngroup_size = 1\n"), "E110", "a.toml:2:14",
                   "needs >= 2: the baseline is the group mean");
}

TEST_F(ConfigCommand, GroupOfOneOnTheCommandLineNamesTheOption) {
  const ProgramOutcome outcome = assay({"validate", "--curator.group-size", "1"});

  expect_one_error(outcome, "E110", "--curator.group-size", "needs >= 2");
}

TEST_F(ConfigCommand, MissingFileIsNamed) {
  const ProgramOutcome outcome = assay({"validate", "@", "absent.toml"});

  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(holds(outcome.err, "error[E102]: config file `absent.toml` does not exist"));
}

TEST_F(ConfigCommand, BrokenTomlShowsThePlace) {
  expect_one_error(validate("a = 1\n[curator\n"), "E101", "a.toml:2", "a table looks like [name]");
}

TEST_F(ConfigCommand, DuplicateKeyIsRefused) {
  expect_one_error(validate("seed = 1\nseed = 2\n"), "E101", "a.toml:2", "");
}

TEST_F(ConfigCommand, HugeFileIsRefused) {
  const ProgramOutcome outcome = validate(std::string((1 << 20) + 1, '#'));

  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(holds(outcome.err, "a.toml")) << outcome.err;
}

TEST_F(ConfigCommand, FolderInsteadOfAFileIsRefused) {
  EXPECT_EQ(assay({"validate", "@", "."}).exit_code, 2);
}

TEST_F(ConfigCommand, SourceWithoutItsVerifierIsRefused) {
  expect_one_error(validate("[[curator.train.source]]\nname = \"a\"\ntask = \"arithmetic\"\n"
                            "verifier = \"chian\"\n[[verifier]]\nname = \"chain\"\n"
                            "type = \"chain\"\n"),
                   "E111", "a.toml:4:12", "did you mean `chain`?");
}

TEST_F(ConfigCommand, LaterFilesAndTheCommandLineWin) {
  write("a.toml", "seed = 1\nmax_steps = 7\n");
  write("b.toml", "seed = 2\n");

  const ProgramOutcome outcome =
      assay({"show", "@", "a.toml", "-c", "b.toml", "--learner.optim.lr", "1e-4", "ckpt.keep=9"});

  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  const auto has_line = [&outcome](const std::string& start, const std::string& end) {
    const std::size_t at = outcome.out.find(start);
    return at != std::string::npos &&
           outcome.out.substr(at, outcome.out.find('\n', at) - at).ends_with(end);
  };
  EXPECT_TRUE(has_line("seed = 2", "# b.toml:1")) << outcome.out;
  EXPECT_TRUE(has_line("max_steps = 7", "# a.toml:2"));
  EXPECT_TRUE(has_line("learner.optim.lr = 1e-04", "# --learner.optim.lr"));
  EXPECT_TRUE(has_line("ckpt.keep = 9", "# ckpt.keep=9"));
  EXPECT_TRUE(has_line("learner.epochs = 1", "# default"));
}

TEST_F(ConfigCommand, JsonHoldsEveryValue) {
  const ProgramOutcome outcome = assay({"show", "-o", "json", "--keys", "learner.optim"});

  const auto document = nlohmann::json::parse(outcome.out);
  EXPECT_EQ(document["assay"], 1);
  EXPECT_EQ(document["config_sha256"].get<std::string>().size(), 64u);
  EXPECT_EQ(document["values"][0]["key"], "learner.optim.lr");
  EXPECT_EQ(document["values"][0]["origin"], "default");
}

TEST_F(ConfigCommand, SchemaIsJsonAndKnowsTheKeys) {
  const auto schema = nlohmann::json::parse(assay({"schema"}).out);

  const auto& curator = schema["properties"]["curator"]["properties"];
  EXPECT_EQ(curator["group_size"]["default"], 8);
  EXPECT_TRUE(curator["train"]["properties"]["source"]["items"]["properties"].contains("path"));
}

TEST_F(ConfigCommand, EveryShippedConfigIsValid) {
  for (const char* name : {"arithmetic.toml", "gsm8k.toml", "chinook.toml"}) {
    const std::string path = std::string(ASSAY_SOURCE_DIR) + "/configs/" + name;
    const ProgramOutcome outcome = assay({"validate", "@", path});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  }
}

TEST_F(ConfigCommand, UnknownActionSaysWhichThereAre) {
  const ProgramOutcome outcome = assay({"shwo"});

  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(holds(outcome.err, "`show`, `validate` or `schema`"));
}

}  // namespace
}  // namespace assay::cli
