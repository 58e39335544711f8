#include <gtest/gtest.h>

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

}  // namespace
}  // namespace assay::cli
