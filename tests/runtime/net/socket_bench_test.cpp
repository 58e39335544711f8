#include "runtime/net/socket_bench.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/temporary_folder.h"

namespace assay::net {
namespace {

TEST(SocketBench, LeavesNothingBehind) {
  const assay::testing::TemporaryFolder folder;

  const auto figures = socket_bench({folder.root(), 50, 3});

  ASSERT_TRUE(figures) << figures.error().message;
  ASSERT_EQ(figures->size(), 2u);
  EXPECT_EQ((*figures)[0].kind.name, "zeromq_round_trip_p50_us");
  EXPECT_EQ((*figures)[1].kind.name, "zeromq_round_trip_p99_us");
  EXPECT_GT((*figures)[0].value, 0);
  EXPECT_TRUE(std::filesystem::is_empty(folder.root()));
}

TEST(SocketBench, SaysWhichFolderIsMissing) {
  const auto figures = socket_bench({"/nowhere/at/all", 1, 1});

  ASSERT_FALSE(figures);
  EXPECT_NE(figures.error().message.find("/nowhere/at/all"), std::string::npos);
}

}  // namespace
}  // namespace assay::net
