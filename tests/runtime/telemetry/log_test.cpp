#include "runtime/telemetry/log.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "runtime/core/file.h"
#include "tests/support/temporary_folder.h"

namespace assay::telemetry {
namespace {

std::string content(const std::string& path) {
  const auto text = read_file(path, 1 << 20);
  return text ? *text : "(" + text.error().message + ")";
}

TEST(LogFolder, LatestPointsAtTheNewestAttempt) {
  const testing::TemporaryFolder run;

  const auto first = LogFolder::create(run.root(), LogLevel::kInfo);
  const auto second = LogFolder::create(run.root(), LogLevel::kInfo);

  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->path(), run.path("logs/attempt_1"));
  EXPECT_EQ(second->path(), run.path("logs/attempt_2"));
  EXPECT_EQ(std::filesystem::read_symlink(run.path("logs/latest")), "attempt_2");
}

TEST(LogFolder, NextAttemptFollowsTheHighestInAnyOrder) {
  const testing::TemporaryFolder run;
  for (int attempt = 1; attempt <= 30; ++attempt) {
    ASSERT_TRUE(make_folders(run.path("logs/attempt_" + std::to_string(attempt))));
  }

  const auto folder = LogFolder::create(run.root(), LogLevel::kInfo);

  ASSERT_TRUE(folder);
  EXPECT_EQ(folder->path(), run.path("logs/attempt_31"));
}

TEST(ActorLog, EachActorWritesItsOwnFile) {
  const testing::TemporaryFolder run;
  const auto folder = LogFolder::create(run.root(), LogLevel::kInfo);
  ASSERT_TRUE(folder);
  const auto log = folder->open("math/0");
  ASSERT_TRUE(log);

  log->write(LogLevel::kWarn, "lost a lease");
  log->write(LogLevel::kDebug, "too fine to keep");

  const std::string text = content(run.path("logs/latest/math-0.log"));
  EXPECT_NE(text.find("Z warning lost a lease\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("too fine"), std::string::npos);
}

TEST(ActorLog, ModelTextCannotForgeALine) {
  const testing::TemporaryFolder run;
  const auto folder = LogFolder::create(run.root(), LogLevel::kInfo);
  ASSERT_TRUE(folder);
  const auto log = folder->open("curator");
  ASSERT_TRUE(log);

  log->write(LogLevel::kInfo, "answer: 7\n2026 error all is lost\x1b[2J");

  const std::string text = content(run.path("logs/latest/curator.log"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
}

TEST(ActorLog, DefaultMadeOneDiscards) {
  ActorLog().write(LogLevel::kError, "nobody hears this");
}

TEST(LogLevel, UnknownWordIsRefused) {
  EXPECT_TRUE(parse_log_level("warn"));
  EXPECT_FALSE(parse_log_level("loud"));
}

TEST(LogFolder, UnwritableFolderIsAnError) {
  EXPECT_FALSE(LogFolder::create("/proc/nowhere", LogLevel::kInfo));
}

}  // namespace
}  // namespace assay::telemetry
