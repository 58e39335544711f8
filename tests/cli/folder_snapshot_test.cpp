// What changed in a folder between two looks.
#include "actors/cli/folder_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace assay::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Folder : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(folder_.path("below"));
    for (const char* name : {"kept", "changed", "below/removed"}) write(name, "before");
  }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_.path(name)) << text;
  }
  FolderSnapshot take(std::size_t entries_max = 100) const {
    return FolderSnapshot::take(folder_.root(), entries_max);
  }

  const testing::TemporaryFolder folder_;
};

TEST_F(Folder, ChangesAreToldByName) {
  const FolderSnapshot before = take();
  write("changed", "after it");
  write("below/made", "");
  fs::remove(folder_.path("below/removed"));

  EXPECT_THAT(before.changes_until(take()),
              ElementsAre("makes below/made", "removes below/removed", "changes changed"));
  EXPECT_THAT(before.changes_until(before), IsEmpty());
}

TEST_F(Folder, TheSameLengthAtAnotherTimeIsAChange) {
  const FolderSnapshot before = take();
  write("changed", "BEFORE");
  fs::last_write_time(folder_.path("changed"),
                      fs::file_time_type::clock::now() + std::chrono::seconds(1));
  EXPECT_THAT(before.changes_until(take()), ElementsAre("changes changed"));
}

TEST_F(Folder, AFolderTooLargeToLookAtTellsNothing) {
  const FolderSnapshot before = take(3);
  write("made", "");
  EXPECT_FALSE(before.is_whole());
  EXPECT_THAT(before.changes_until(take()), IsEmpty());
}

}  // namespace
}  // namespace assay::cli
