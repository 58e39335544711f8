#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <set>
#include <string>

#include "tests/tidy/source_tree.h"

namespace assay::tidy {
namespace {

constexpr std::string_view kTable = "actors/cli/error_table.cpp";

// Every E and three digits in a line, between two other characters.
void collect_ids(const std::string& line, std::set<std::string>& ids) {
  const auto is_word = [&](std::size_t i) {
    return i < line.size() && std::isalnum(static_cast<unsigned char>(line[i])) != 0;
  };
  const auto is_digit = [&](std::size_t i) {
    return i < line.size() && std::isdigit(static_cast<unsigned char>(line[i])) != 0;
  };
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != 'E' || (i > 0 && is_word(i - 1))) continue;
    if (is_digit(i + 1) && is_digit(i + 2) && is_digit(i + 3) && !is_word(i + 4)) {
      ids.insert(line.substr(i, 4));
    }
  }
}

// The ids in text literals of the program, the table itself aside.
std::set<std::string> printed_ids() {
  std::set<std::string> ids;
  for (const SourceFile& file : source_files()) {
    if (file.is_below("tests/") || file.path == kTable || file.is_header()) continue;
    for (const std::string& line : file.lines) {
      if (line.find('"') == std::string::npos || line.find("example(") != std::string::npos)
        continue;
      if (line.find("\"E") != std::string::npos) collect_ids(line, ids);
    }
  }
  return ids;
}

std::set<std::string> ids_below(std::string_view folder) {
  std::set<std::string> ids;
  for (const SourceFile& file : source_files()) {
    if (!file.is_below(folder) || file.is_below("tests/tidy/")) continue;
    for (const std::string& line : file.lines) collect_ids(line, ids);
  }
  return ids;
}

TEST(ErrorTable, HoldsExactlyTheErrorsThatTheProgramCanPrint) {
  std::set<std::string> listed;
  for (const SourceFile& file : source_files()) {
    if (file.path != kTable) continue;
    for (const std::string& line : file.lines) {
      const std::size_t start = line.find("{\"E");
      if (start != std::string::npos) collect_ids(line.substr(start, 7), listed);
    }
  }
  ASSERT_GE(listed.size(), 15u) << "the reader of the table finds nothing";
  EXPECT_EQ(listed, printed_ids());
}

TEST(ErrorTable, EveryErrorIsProvokedBySomeTest) {
  const std::set<std::string> tested = ids_below("tests/");
  for (const std::string& id : printed_ids()) {
    EXPECT_TRUE(tested.contains(id)) << "no test names " << id;
  }
}

}  // namespace
}  // namespace assay::tidy
