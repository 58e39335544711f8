#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "tests/tidy/source_tree.h"

namespace assay::tidy {
namespace {

using Rooms = std::set<std::string>;

// Who may include whom: the table of ARCHITECTURE.md, written here a second time on purpose, so
// that an edge added in cmake/room.cmake alone is noticed.
const std::map<std::string, Rooms>& allowed() {
  static const Rooms below_actors = {
      "runtime/core", "runtime/wire",  "runtime/text", "runtime/dataset", "runtime/telemetry",
      "runtime/algo", "runtime/store", "runtime/net",  "runtime/flow",    "verifiers",
      "gpu"};
  static const Rooms below_web = [] {
    Rooms rooms = below_actors;
    rooms.insert({"actors", "runtime/model", "runtime/config", "verifiers/sandbox"});
    return rooms;
  }();
  static const Rooms below_cli = [] {
    Rooms rooms = below_web;
    rooms.insert("actors/web");
    return rooms;
  }();
  static const std::map<std::string, Rooms> table = {
      {"runtime/core", {}},
      {"runtime/wire", {"runtime/core"}},
      {"runtime/text", {"runtime/core"}},
      {"runtime/model", {"runtime/core"}},
      {"runtime/config", {"runtime/core"}},
      {"runtime/telemetry", {"runtime/core"}},
      {"runtime/dataset", {"runtime/core", "runtime/wire"}},
      {"runtime/algo", {"runtime/core", "runtime/wire"}},
      {"runtime/store", {"runtime/core", "runtime/wire"}},
      {"runtime/net", {"runtime/core", "runtime/wire"}},
      {"runtime/flow", {"runtime/core", "runtime/wire", "runtime/algo"}},
      {"verifiers/sandbox", {"runtime/core"}},
      {"verifiers", {"runtime/core", "runtime/wire", "verifiers/sandbox"}},
      {"gpu", {"runtime/core", "runtime/wire", "runtime/algo", "runtime/model"}},
      {"actors", below_actors},
      {"actors/web", below_web},
      {"actors/cli", below_cli},
  };
  return table;
}

// The room with the longest name that holds the path; empty for tests and the outside.
std::string room_of(const std::string& path) {
  std::string room;
  for (const auto& [name, unused] : allowed()) {
    if (path.starts_with(name + "/") && name.size() > room.size()) room = name;
  }
  return room;
}

TEST(Layers, RoomsIncludeOnlyWhatTheTableAllows) {
  int edges = 0;
  for (const SourceFile& file : source_files()) {
    const std::string room = room_of(file.path);
    if (room.empty()) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string target = room_of(included(file.lines[i]));
      if (target.empty() || target == room) continue;
      ++edges;
      EXPECT_TRUE(allowed().at(room).count(target) == 1)
          << place(file, i) << ": " << room << " may not include " << target;
    }
  }
  EXPECT_GT(edges, 100) << "the reader of includes finds nothing";
}

TEST(Layers, NobodyOutsideIncludesTests) {
  for (const SourceFile& file : source_files()) {
    if (file.is_below("tests/")) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      EXPECT_FALSE(included(file.lines[i]).starts_with("tests/")) << place(file, i);
    }
  }
}

TEST(Layers, OwnFilesAreIncludedFromTheRoot) {
  for (const SourceFile& file : source_files()) {
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string target = included(file.lines[i]);
      if (target.empty() || file.lines[i].find('"') == std::string::npos) continue;
      EXPECT_TRUE(std::filesystem::exists(std::filesystem::path(ASSAY_SOURCE_DIR) / target))
          << place(file, i) << ": " << target;
    }
  }
}

// Follows the table's edges; a room that reaches itself is a cycle.
bool reaches(const std::string& from, const std::string& goal, Rooms& seen) {
  for (const std::string& next : allowed().at(from)) {
    if (next == goal) return true;
    if (seen.insert(next).second && reaches(next, goal, seen)) return true;
  }
  return false;
}

TEST(Layers, TableHasNoCycle) {
  for (const auto& [room, unused] : allowed()) {
    Rooms seen;
    EXPECT_FALSE(reaches(room, room, seen)) << room;
  }
}

}  // namespace
}  // namespace assay::tidy
