#include "tests/tidy/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "tests/tidy/room_table.h"
#include "tests/tidy/source_tree.h"

namespace assay::tidy {
namespace {

using ::testing::ElementsAre;

bool exists(const Document& document, const std::string& name) {
  const std::filesystem::path root(ASSAY_SOURCE_DIR);
  return std::filesystem::exists(root / name) ||
         std::filesystem::exists(root / (document.folder + name));
}

std::vector<std::string> words(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> all;
  for (std::string word; stream >> word;) all.push_back(word);
  return all;
}

// Names that stand in the documents for what a run makes, not for what the tree holds.
bool is_made_by_a_run(const std::string& name) {
  static const std::set<std::string> made = {"resolved.toml", "report/index.html", "packages.txt"};
  return made.contains(name);
}

TEST(Documents, EveryRoomOfTheRootHasItsReadme) {
  for (const char* room : {"actors", "runtime", "gpu", "verifiers", "configs", "tests", "cmake"}) {
    const Document readme = document(std::string(room) + "/README.md");
    EXPECT_GE(readme.lines.size(), 10u) << room;
  }
}

TEST(Documents, EveryPathTheyNameExists) {
  int paths = 0;
  for (const Document& document : documents()) {
    for (std::size_t i = 0; i < document.lines.size(); ++i) {
      for (const std::string& word : quoted(document.lines[i])) {
        if (!is_path(word) || is_made_by_a_run(word)) continue;
        for (const std::string& name : expanded(word)) {
          ++paths;
          EXPECT_TRUE(exists(document, name))
              << document.path << ":" << i + 1 << " names `" << name << "`";
        }
      }
    }
    for (const std::string& command : commands(document)) {
      for (const std::string& word : words(command)) {
        const bool is_ours = word.starts_with("./") || word.starts_with("configs/");
        if (!is_ours) continue;
        ++paths;
        EXPECT_TRUE(exists(document, word)) << document.path << ": " << command;
      }
    }
  }
  EXPECT_GT(paths, 60) << "the reader of documents finds nothing";
}

// The verbs of the table in actors/cli/main.cpp.
std::set<std::string> verbs() {
  std::set<std::string> names;
  for (const SourceFile& file : source_files()) {
    if (file.path != "actors/cli/main.cpp") continue;
    for (const std::string& line : file.lines) {
      if (line.find("_command}") == std::string::npos) continue;
      const std::size_t open = line.find('"');
      names.insert(line.substr(open + 1, line.find('"', open + 1) - open - 1));
    }
  }
  return names;
}

TEST(Documents, EveryVerbTheyNameExists) {
  const std::set<std::string> known = verbs();
  ASSERT_GE(known.size(), 10u) << "the reader of the table of verbs finds nothing";
  int named = 0;
  for (const Document& document : documents()) {
    std::vector<std::string> texts = commands(document);
    for (const std::string& line : document.lines) {
      for (const std::string& word : quoted(line)) texts.push_back(word);
    }
    for (const std::string& text : texts) {
      const std::vector<std::string> parts = words(text);
      if (parts.size() < 2 || (parts[0] != "assay" && !parts[0].ends_with("/bin/assay"))) continue;
      if (parts[1].starts_with("-") || parts[1] == "VERB") continue;
      ++named;
      EXPECT_TRUE(known.contains(parts[1])) << document.path << ": " << text;
    }
  }
  EXPECT_GT(named, 15) << "the reader of documents finds nothing";
}

TEST(Documents, EveryVerbStandsInTheReadme) {
  std::string text;
  for (const std::string& line : document("README.md").lines) text += line + "\n";
  for (const std::string& verb : verbs()) {
    if (verb == "version") continue;  // nobody needs to be told
    EXPECT_NE(text.find("assay " + verb), std::string::npos) << verb;
  }
}

// The shorthand of ARCHITECTURE's table: "core", "wire", "sandbox" for their full names.
std::string full_name(const std::string& name, const std::map<std::string, Rooms>& rooms) {
  for (const char* prefix : {"", "runtime/", "verifiers/", "actors/"}) {
    if (rooms.contains(prefix + name)) return prefix + name;
  }
  return name;
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);) {
    const std::size_t first = part.find_first_not_of(' ');
    if (first == std::string::npos) continue;
    parts.push_back(part.substr(first, part.find_last_not_of(' ') + 1 - first));
  }
  return parts;
}

// "runtime/wire, text; verifiers/sandbox" -> the three rooms.
std::vector<std::string> rooms_of(const std::string& cell,
                                  const std::map<std::string, Rooms>& rooms) {
  std::vector<std::string> names;
  for (const std::string& part : split(cell, ';')) {
    for (const std::string& name : split(part, ',')) names.push_back(full_name(name, rooms));
  }
  return names;
}

// "core, wire (verifiers also sandbox)", "everything above except model", "std".
Rooms allowed_to(const std::string& room, const std::string& cell, const Rooms& above,
                 const std::map<std::string, Rooms>& rooms) {
  Rooms allowed;
  const std::size_t open = cell.find('(');
  std::string main = cell.substr(0, open);
  while (main.ends_with(" ")) main.pop_back();
  if (main.starts_with("everything above")) {
    allowed = above;
    const std::size_t except = main.find("except ");
    if (except != std::string::npos) {
      for (const std::string& name : rooms_of(main.substr(except + 7), rooms)) allowed.erase(name);
    }
  } else if (main != "std") {
    for (const std::string& name : rooms_of(main, rooms)) allowed.insert(name);
  }
  if (open == std::string::npos) return allowed;
  const std::string also = cell.substr(open + 1, cell.find(')') - open - 1);
  const std::size_t cut = also.find(" also ");
  if (cut != std::string::npos && full_name(also.substr(0, cut), rooms) == room) {
    for (const std::string& name : rooms_of(also.substr(cut + 6), rooms)) allowed.insert(name);
  }
  return allowed;
}

TEST(Documents, TheTableOfRoomsIsTheOneThatTheBuildObeys) {
  const std::map<std::string, Rooms> rooms = configured_rooms();
  ASSERT_GE(rooms.size(), 15u) << "the table that the build wrote is empty";
  std::map<std::string, Rooms> written;
  Rooms above;
  for (const std::string& line : document("ARCHITECTURE.md").lines) {
    const std::vector<std::string> row = cells(line);
    if (row.size() != 3 || row[0].find_first_not_of("0123456789") != std::string::npos) continue;
    Rooms of_this_row;
    for (const std::string& room : rooms_of(row[1], rooms)) {
      written[room] = allowed_to(room, row[2], above, rooms);
      of_this_row.insert(room);
    }
    above.insert(of_this_row.begin(), of_this_row.end());
  }
  EXPECT_EQ(written, rooms);
}

// What a library's only owner is, as ARCHITECTURE says it, stands in the fences' test; the reader
// below is checked by itself.
TEST(DocumentReader, TakesTablesPathsAndCommandsApart) {
  EXPECT_THAT(cells("| 1 | runtime/wire, text | core |"),
              ElementsAre("1", "runtime/wire, text", "core"));
  EXPECT_THAT(cells("|---|---|"), ElementsAre());
  EXPECT_THAT(quoted("a `b` and `c d`."), ElementsAre("b", "c d"));
  EXPECT_THAT(expanded("a/b.{h,cpp}"), ElementsAre("a/b.h", "a/b.cpp"));
  EXPECT_TRUE(is_path("runtime/core"));
  EXPECT_TRUE(is_path("room.cmake"));
  EXPECT_FALSE(is_path("outputs/first/report"));
  EXPECT_FALSE(is_path("curator.group_size=16"));
  EXPECT_THAT(commands({"a", "", {"text", "```", "assay doctor   # ready?", "```"}}),
              ElementsAre("assay doctor"));
}

}  // namespace
}  // namespace assay::tidy
