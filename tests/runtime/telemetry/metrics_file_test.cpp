#include "runtime/telemetry/metrics_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "tests/support/temporary_folder.h"

namespace assay::telemetry {
namespace {

class Metrics : public ::testing::Test {
 protected:
  std::string content() const {
    const auto text = read_file(path_, 1 << 20);
    return text ? *text : "(" + text.error().message + ")";
  }

  testing::TemporaryFolder folder_;
  std::string path_ = folder_.path("metrics.jsonl");
};

TEST_F(Metrics, LinesAreReadableAtOnce) {
  auto file = MetricsFile::open(path_);
  ASSERT_TRUE(file);

  ASSERT_TRUE(file->append(R"({"step":1})"));
  ASSERT_TRUE(file->append(R"({"step":2})"));

  EXPECT_EQ(content(), "{\"step\":1}\n{\"step\":2}\n");
  EXPECT_TRUE(file->sync());
}

TEST_F(Metrics, ReopeningGoesOnAfterTheLastWholeLine) {
  ASSERT_TRUE(write_file_durably(path_, "{\"step\":1}\n{\"ste"));

  auto file = MetricsFile::open(path_);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->append(R"({"step":2})"));

  EXPECT_EQ(content(), "{\"step\":1}\n{\"step\":2}\n");
}

TEST_F(Metrics, FolderInsteadOfAFileIsAnError) {
  EXPECT_FALSE(MetricsFile::open(folder_.root()));
}

// A limit on file sizes stands in for a full disk: the write fails half-way.
TEST_F(Metrics, WriteThatFailsIsAnErrorAndIsRepaired) {
  auto file = MetricsFile::open(path_);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->append("{}"));
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit tight{8, before.rlim_max};
  std::signal(SIGXFSZ, SIG_IGN);

  setrlimit(RLIMIT_FSIZE, &tight);
  const auto failed = file->append(R"({"step":12345})");
  setrlimit(RLIMIT_FSIZE, &before);

  std::signal(SIGXFSZ, SIG_DFL);
  EXPECT_FALSE(failed);
  EXPECT_EQ(content().size(), 8u);
  ASSERT_TRUE(MetricsFile::open(path_));
  EXPECT_EQ(content(), "{}\n");
}

}  // namespace
}  // namespace assay::telemetry
