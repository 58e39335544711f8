#include "runtime/telemetry/metrics_file.h"

#include <gtest/gtest.h>

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

TEST_F(Metrics, FullDiskIsAnError) {
  auto file = MetricsFile::open("/dev/full");
  if (!file) GTEST_SKIP() << "/dev/full cannot be opened: " << file.error().message;

  EXPECT_EQ(file->append("{}").error().code, ErrorCode::kExhausted);
}

}  // namespace
}  // namespace assay::telemetry
