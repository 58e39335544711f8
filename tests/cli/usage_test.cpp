#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/program.h"

namespace assay::cli {
namespace {

using testing::ProgramOutcome;

ProgramOutcome assay(std::vector<std::string> args) {
  return testing::run_program(ASSAY_PROGRAM, std::move(args));
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Usage, HelpGoesToStandardOutputAndSucceeds) {
  const ProgramOutcome outcome = assay({"--help"});

  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_TRUE(holds(outcome.out, "assay run @ configs/arithmetic.toml"));
  EXPECT_EQ(outcome.err, "");
}

TEST(Usage, NoVerbIsWrongUsage) {
  const ProgramOutcome outcome = assay({});

  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(outcome.out, "");
}

TEST(Usage, MisspeltVerbNamesTheNearest) {
  const ProgramOutcome outcome = assay({"confg", "show"});

  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(holds(outcome.err, "did you mean `assay config`?")) << outcome.err;
  EXPECT_EQ(outcome.out, "");
}

TEST(Usage, MisspeltOptionNamesTheNearest) {
  const ProgramOutcome outcome = assay({"config", "show", "--kyes", "curator"});

  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(holds(outcome.err, "did you mean `--keys`?")) << outcome.err;
}

TEST(Usage, MisspeltKeyWithoutADotNamesTheNearest) {
  const ProgramOutcome outcome = assay({"config", "show", "--max-stepps", "5"});

  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_TRUE(holds(outcome.err, "did you mean `--max_steps`?")) << outcome.err;
}

TEST(Usage, EveryVerbHasHelpWithAnExample) {
  const std::string overview = assay({"--help"}).out;
  for (const char* verb :
       {"run", "eval", "status", "explain", "config", "doctor", "bench", "version"}) {
    EXPECT_TRUE(holds(overview, std::string("\n  ") + verb + " ")) << verb;
    const ProgramOutcome help = assay({verb, "--help"});
    EXPECT_EQ(help.exit_code, 0) << verb;
    EXPECT_TRUE(holds(help.out, std::string("  assay ") + verb)) << verb << ": " << help.out;
    EXPECT_EQ(assay({"help", verb}).out, help.out) << verb;
  }
}

TEST(Usage, GlobalOptionsMayComeBeforeTheVerb) {
  EXPECT_EQ(assay({"-o", "json", "version"}).out, assay({"version", "-o", "json"}).out);
}

TEST(Usage, WrongChoiceIsWrongUsage) {
  EXPECT_EQ(assay({"version", "-o", "xml"}).exit_code, 2);
}

TEST(Usage, NoColourReachesAPipe) {
  EXPECT_FALSE(holds(assay({"confg"}).err, "\x1b"));
}

TEST(Usage, ControlCharactersOfForeignTextAreNotPrinted) {
  EXPECT_FALSE(holds(assay({"\x1b[2Jrun"}).err, "\x1b"));
}

// The audit of a function that keeps a diary, behind the fence and without it.
TEST(Usage, AnAuditTellsOfAVerifierThatWritesAFile) {
  const testing::TemporaryFolder folder;
  std::ofstream(folder.path("diary.py")) << "def verify(completion, answer):\n"
                                            "    try:\n"
                                            "        open('diary.txt', 'a').write(completion)\n"
                                            "    except OSError:\n"
                                            "        pass\n"
                                            "    return completion == answer\n";
  std::ofstream(folder.path("suite.jsonl"))
      << R"({"id": "a", "completion": "71", "reference": "72", "expect": ["incorrect"]})"
      << "\n";
  const std::vector<std::string> audit = {"verify", "diary.py", "--suite", "suite.jsonl"};

  const ProgramOutcome fenced = testing::run_program(ASSAY_PROGRAM, audit, folder.root());
  std::vector<std::string> free = audit;
  free.insert(free.end(), {"-o", "json", "--options", R"({"sandbox": false})"});
  const ProgramOutcome unfenced = testing::run_program(ASSAY_PROGRAM, free, folder.root());

  EXPECT_TRUE(holds(fenced.out, "warning: side effects")) << fenced.out;
  EXPECT_TRUE(holds(fenced.out, "writes a file")) << fenced.out;
  EXPECT_TRUE(holds(unfenced.out, "makes diary.txt in the working directory")) << unfenced.out;
}

}  // namespace
}  // namespace assay::cli
