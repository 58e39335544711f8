#include "runtime/core/file.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temporary_folder.h"

namespace assay {
namespace {

using testing::TemporaryFolder;

TEST(File, DurableWriteIsReadBack) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a.txt");

  ASSERT_TRUE(write_file_durably(path, "hello"));

  EXPECT_EQ(*read_file(path, 100), "hello");
  EXPECT_FALSE(path_exists(path + ".tmp"));
}

TEST(File, AnUncommittedWriteLeavesTheOldContent) {
  const TemporaryFolder folder;
  const std::string path = folder.path("a.txt");
  ASSERT_TRUE(write_file_durably(path, "old"));

  {
    Result<DurableWriter> writer = DurableWriter::create(path);
    ASSERT_TRUE(writer->write(std::as_bytes(std::span("new", 3))));
  }

  EXPECT_EQ(*read_file(path, 100), "old");
}

TEST(File, ReadingRefusesWhatIsTooLargeMissingOrNoFile) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file_durably(folder.path("big"), std::string(11, 'x')));

  EXPECT_EQ(read_file(folder.path("big"), 10).error().code, ErrorCode::kExhausted);
  EXPECT_EQ(read_file(folder.path("none"), 10).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(read_file(folder.path(""), 10).error().code, ErrorCode::kInvalidInput);
}

TEST(File, MappingRefusesSymbolicLinks) {
  const TemporaryFolder folder;
  ASSERT_TRUE(write_file_durably(folder.path("real"), "x"));
  std::filesystem::create_symlink(folder.path("real"), folder.path("link"));

  EXPECT_EQ(MappedFile::open(folder.path("real"))->bytes().size(), 1u);
  EXPECT_FALSE(MappedFile::open(folder.path("link")).has_value());
}

}  // namespace
}  // namespace assay
