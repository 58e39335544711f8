#include "runtime/store/checkpoint.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "runtime/core/file.h"
#include "tests/support/temporary_folder.h"

namespace assay::store {
namespace {

namespace fs = std::filesystem;

class Checkpoints : public ::testing::Test {
 protected:
  void make(std::uint64_t step) {
    ASSERT_TRUE(make_folders(store_.folder(step) + "/state"));
    write(step, "model.safetensors", "model " + std::to_string(step));
    write(step, "state/optimiser.safetensors", "moments");
    ASSERT_TRUE(store_.seal(step, {step}, sha256("weights " + std::to_string(step))));
    ASSERT_TRUE(store_.publish(step));
  }
  void write(std::uint64_t step, const std::string& name, const std::string& content) {
    std::ofstream(store_.folder(step) + "/" + name) << content;
  }
  std::uint64_t newest(std::uint64_t step_max = 1000) {
    const Result<FoundCheckpoint> found = store_.newest_whole(step_max);
    return found ? found->manifest.step : 0;
  }

  assay::testing::TemporaryFolder folder_;
  CheckpointStore store_{folder_.path("checkpoints")};
};

TEST_F(Checkpoints, TheNewestWholeOneIsFoundWithItsManifest) {
  make(10);
  make(20);
  const Result<FoundCheckpoint> found = store_.newest_whole(100);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->folder, store_.folder(20));
  EXPECT_EQ(found->manifest.weights, sha256("weights 20"));
  ASSERT_EQ(found->manifest.files.size(), 2u);
  EXPECT_EQ(found->manifest.files[1].name, "state/optimiser.safetensors");
  EXPECT_EQ(fs::read_symlink(folder_.path("checkpoints/latest")), "step_20");
  EXPECT_EQ(newest(19), 10u) << "never beyond what the ledger committed";
}

TEST_F(Checkpoints, EachKindOfDamageFallsBackOneGenerationAndIsNamed) {
  const std::vector<std::function<void()>> damages = {
      [&] { write(20, "model.safetensors", "model 2x"); },
      [&] { write(20, "model.safetensors", "model"); },
      [&] { fs::remove(store_.folder(20) + "/model.safetensors"); },
      [&] { fs::remove(store_.folder(20) + "/checkpoint.json"); },
      [&] { write(20, "checkpoint.json", "{\"assay\": 1"); },
      [&] {
        fs::copy_file(store_.folder(10) + "/checkpoint.json",
                      store_.folder(20) + "/checkpoint.json", fs::copy_options::overwrite_existing);
      },
      [&] {
        fs::remove(store_.folder(20) + "/model.safetensors");
        fs::create_symlink("/etc/passwd", store_.folder(20) + "/model.safetensors");
      }};
  for (std::size_t i = 0; i < damages.size(); ++i) {
    fs::remove_all(folder_.path("checkpoints"));
    make(10);
    make(20);
    ASSERT_EQ(newest(), 20u);
    damages[i]();
    const Result<FoundCheckpoint> found = store_.newest_whole(100);
    ASSERT_TRUE(found) << i;
    EXPECT_EQ(found->manifest.step, 10u) << i;
    ASSERT_EQ(found->skipped.size(), 1u) << i;
    EXPECT_NE(found->skipped[0].message.find("step_20"), std::string::npos) << i;
  }
}

TEST_F(Checkpoints, WhatIsPassedOverIsListedEvenWhenNoneIsWhole) {
  make(10);
  make(20);
  for (const std::uint64_t step : {10, 20}) write(step, "model.safetensors", "model");
  const Result<FoundCheckpoint> found = store_.newest_whole(100);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->folder, "");
  EXPECT_EQ(found->skipped.size(), 2u);
}

TEST_F(Checkpoints, AManifestCannotReachOutsideItsFolder) {
  make(10);
  for (const std::string name : {"../x", "/etc/passwd", "a/../../x", "checkpoint.json", ""}) {
    write(10, "checkpoint.json",
          R"({"assay":1,"step":10,"version":10,"weights":")" + Digest{}.hex() +
              R"(","files":[{"name":")" + name + R"(","bytes":0,"sha256":")" + Digest{}.hex() +
              "\"}]}");
    EXPECT_NE(store_.verify(10).error().message.find("it names the file"), std::string::npos)
        << name;
  }
}

TEST_F(Checkpoints, PruningKeepsTheNewestAndWhatLatestNames) {
  for (const std::uint64_t step : {1, 2, 3, 4, 5}) make(step);
  ASSERT_TRUE(store_.publish(2));
  EXPECT_EQ(*store_.prune(2, 5), (std::vector<std::uint64_t>{1, 3}));
  EXPECT_EQ(*store_.list(), (std::vector<std::uint64_t>{2, 4, 5}));
}

// Two interruptions in a row leave two folders side by side, and neither is old enough to resume
// from where open groups still need earlier weights.
TEST_F(Checkpoints, PruningKeepsTheOneThatAResumeMayNeed) {
  for (const std::uint64_t step : {10, 20, 21, 22}) make(step);
  EXPECT_EQ(*store_.prune(2, 20), (std::vector<std::uint64_t>{10}));
  EXPECT_EQ(*store_.list(), (std::vector<std::uint64_t>{20, 21, 22}));
  EXPECT_EQ(*store_.prune(2, 9), (std::vector<std::uint64_t>{20}));
}

TEST_F(Checkpoints, LeftoversBeyondTheLedgerAreRemoved) {
  for (const std::uint64_t step : {1, 2, 3}) make(step);
  EXPECT_EQ(*store_.remove_after(1), (std::vector<std::uint64_t>{2, 3}));
  EXPECT_EQ(newest(), 1u);
}

TEST_F(Checkpoints, OnlyOurOwnNamesCount) {
  make(7);
  fs::create_directories(folder_.path("checkpoints/step_007"));
  fs::create_directories(folder_.path("checkpoints/step_x"));
  fs::create_directory_symlink("/tmp", folder_.path("checkpoints/step_9"));
  EXPECT_EQ(*store_.list(), (std::vector<std::uint64_t>{7}));
}

TEST_F(Checkpoints, NoFolderMeansNoCheckpoint) {
  EXPECT_TRUE(store_.list()->empty());
  EXPECT_EQ(store_.newest_whole(10)->folder, "");
}

}  // namespace
}  // namespace assay::store
