#include <gtest/gtest.h>

#include <iostream>

#include "tests/tidy/source_tree.h"

namespace assay::tidy {
namespace {

constexpr std::size_t kFunctionLines = 70;

// Above this many lines a file is worth a second look. A habit, not a rule.
std::size_t usual_lines(const SourceFile& file) {
  if (file.is_below("tests/")) return 600;
  if (file.is_header()) return 300;
  return file.is_below("actors/") && !file.is_below("actors/cli/") && !file.is_below("actors/web/")
             ? 200
             : 500;
}

// Lines from the brace that opens a function at the left margin to the one that closes it.
struct Body {
  std::size_t first = 0;
  std::size_t lines = 0;
};

std::vector<Body> bodies(const SourceFile& file) {
  std::vector<Body> found;
  std::size_t first = 0;
  bool is_open = false;
  for (std::size_t i = 0; i < file.lines.size(); ++i) {
    const std::string& line = file.lines[i];
    const bool is_at_margin = !line.empty() && line[0] != ' ' && line[0] != '}' && line[0] != '#';
    if (is_at_margin && line.find('(') != std::string::npos && !line.starts_with("//")) first = i;
    if (is_at_margin && line.ends_with("{") && !line.starts_with("namespace")) is_open = true;
    if (line == "}" && is_open) {
      found.push_back({first, i - first + 1});
      is_open = false;
    }
  }
  return found;
}

TEST(Sizes, PrintsWhatIsWorthASecondLook) {
  for (const SourceFile& file : source_files()) {
    if (file.lines.size() > usual_lines(file)) {
      std::cout << "  " << file.path << ": " << file.lines.size() << " lines\n";
    }
    for (const Body& body : bodies(file)) {
      if (body.lines <= kFunctionLines) continue;
      std::cout << "  " << place(file, body.first) << ": a function of " << body.lines
                << " lines\n";
    }
  }
}

TEST(Sizes, NoLineIsWiderThanTheColumnLimit) {
  for (const SourceFile& file : source_files()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      std::size_t columns = 0;
      for (const char letter : file.lines[i]) columns += (letter & 0xc0) != 0x80 ? 1u : 0u;
      EXPECT_TRUE(columns <= 100 || file.lines[i].find("R\"") != std::string::npos ||
                  file.lines[i].find("://") != std::string::npos)
          << place(file, i) << " has " << columns << " columns";
    }
  }
}

TEST(Sizes, HeadersSayWhatTheyAre) {
  for (const SourceFile& file : source_files()) {
    if (!file.is_header() || file.lines.empty()) continue;
    EXPECT_TRUE(file.lines.front().starts_with("//")) << file.path;
    bool is_guarded = false;
    for (const std::string& line : file.lines) is_guarded |= line == "#pragma once";
    EXPECT_TRUE(is_guarded) << file.path;
  }
}

}  // namespace
}  // namespace assay::tidy
