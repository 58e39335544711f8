#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "tests/support/golden.h"
#include "tests/support/program.h"

namespace assay::cli {
namespace {

using testing::ProgramOutcome;

ProgramOutcome assay(std::vector<std::string> args) {
  return testing::run_program(ASSAY_PROGRAM, std::move(args));
}

// The verbs that the overview lists, in its order.
std::vector<std::string> verbs() {
  std::vector<std::string> names;
  std::istringstream overview(assay({"--help"}).out);
  for (std::string line; std::getline(overview, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (line.starts_with("  ") && !line.starts_with("   ") && name != "assay")
      names.push_back(name);
  }
  return names;
}

// Code points, so that a dash or an arrow counts as one column.
std::size_t width(const std::string& line) {
  std::size_t columns = 0;
  for (const char letter : line) columns += (static_cast<unsigned char>(letter) & 0xc0) != 0x80;
  return columns;
}

void expect_fits(const std::string& text, std::size_t columns, const std::string& what) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    EXPECT_LE(width(line), columns) << what << ": " << line;
  }
}

TEST(Help, OverviewIsAsReviewed) {
  const std::string overview = assay({"--help"}).out;
  testing::expect_golden(overview, "help/overview.txt");
  expect_fits(overview, 80, "assay --help");
}

TEST(Help, EveryVerbIsAsReviewed) {
  ASSERT_GE(verbs().size(), 10u);
  for (const std::string& verb : verbs()) {
    const ProgramOutcome help = assay({verb, "--help"});
    EXPECT_EQ(help.exit_code, 0) << verb;
    EXPECT_EQ(help.err, "") << verb;
    testing::expect_golden(help.out, "help/" + verb + ".txt");
    expect_fits(help.out, 100, "assay " + verb + " --help");
  }
}

TEST(Help, ExamplesStandOnTheFirstScreen) {
  for (const std::string& verb : verbs()) {
    std::istringstream help(assay({verb, "--help"}).out);
    int examples = 0;
    std::string line;
    for (int row = 0; row < 24 && std::getline(help, line); ++row) {
      examples += line.starts_with("  assay " + verb);
    }
    EXPECT_GE(examples, verb == "version" || verb == "doctor" ? 2 : 3) << verb;
  }
}

}  // namespace
}  // namespace assay::cli
