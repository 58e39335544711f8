// The table of traps in tests/README.md names tests that exist.
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <set>
#include <string>

#include "tests/tidy/source_tree.h"

namespace assay::tidy {
namespace {

std::set<std::string> test_names() {
  const std::regex declaration(R"(TEST(_F|_P)?\((\w+), (\w+)\))");
  std::set<std::string> names;
  for (const SourceFile& file : source_files()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      // A long declaration goes on in the next line.
      std::string line = file.lines[i];
      if (line.starts_with("TEST") && i + 1 < file.lines.size()) {
        const std::string& next = file.lines[i + 1];
        line += " " + next.substr(std::min(next.find_first_not_of(' '), next.size()));
      }
      std::smatch match;
      if (line.starts_with("TEST") && std::regex_search(line, match, declaration)) {
        names.insert(match[2].str() + "." + match[3].str());
      }
    }
  }
  return names;
}

TEST(Traps, EachNamesATestThatExists) {
  const std::set<std::string> names = test_names();
  const std::regex quoted(R"(`(\w+\.\w+)`)");
  std::ifstream readme(std::string(ASSAY_SOURCE_DIR) + "/tests/README.md");
  std::size_t rows = 0;
  for (std::string line; std::getline(readme, line);) {
    if (!line.starts_with("| ") || line.starts_with("| Trap")) continue;
    ++rows;
    std::size_t named = 0;
    for (std::sregex_iterator one(line.begin(), line.end(), quoted), end; one != end; ++one) {
      ++named;
      EXPECT_TRUE(names.contains((*one)[1].str())) << (*one)[1].str() << " does not exist";
    }
    EXPECT_GT(named, 0u) << line;
  }
  EXPECT_GT(rows, 40u);
}

}  // namespace
}  // namespace assay::tidy
