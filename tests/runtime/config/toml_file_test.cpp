#include "runtime/config/toml_file.h"

#include <gtest/gtest.h>

#include "runtime/core/file.h"
#include "runtime/core/limits.h"
#include "runtime/core/rng.h"
#include "tests/support/temporary_folder.h"

namespace assay::config {
namespace {

TEST(Toml, KnowsWhereEachKeyAndValueStands) {
  const auto root = parse_toml("# note\n[a]\n  key  =  7\n", "f.toml");

  ASSERT_TRUE(root);
  const Entry& entry = std::get<Table>(root->find("a")->value).front();
  EXPECT_EQ(entry.place, "f.toml:3:3");
  EXPECT_EQ(entry.node.place, "f.toml:3:11");
}

TEST(Toml, KeepsKeysInWrittenOrder) {
  const auto root = parse_toml("zebra = 1\napple = 2\n", "f.toml");

  ASSERT_TRUE(root);
  EXPECT_EQ(std::get<Table>(root->value).front().key, "zebra");
}

TEST(Toml, FaultsNameLineAndColumn) {
  const auto broken = parse_toml("a = 1\nb = = 2\n", "f.toml");

  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().id, "E101");
  EXPECT_EQ(broken.error().place.substr(0, 9), "f.toml:2:");
}

TEST(Toml, DuplicateKeysAreErrors) {
  EXPECT_FALSE(parse_toml("a = 1\na = 2\n", "f.toml"));
  EXPECT_FALSE(parse_toml("[t]\nx = 1\n[t]\ny = 2\n", "f.toml"));
}

TEST(Toml, MissingFileSaysWhatToType) {
  const auto missing = read_toml("no/such/file.toml");

  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().id, "E102");
  EXPECT_NE(missing.error().remedy, "");
}

TEST(Toml, OversizedFileIsRefusedUnread) {
  const testing::TemporaryFolder folder;
  const std::string path = folder.path("large.toml");
  ASSERT_TRUE(write_file_durably(path, std::string(limits::kConfigBytesMax + 1, '#')));

  const auto large = read_toml(path);

  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::kExhausted);
}

// Random bytes, and a valid file with random damage: an answer or an error, never a crash.
TEST(Toml, SurvivesAnyBytes) {
  const char* given = std::getenv("ASSAY_SEED");
  const std::uint64_t seed = given == nullptr ? 20261123 : std::strtoull(given, nullptr, 10);
  SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
  Rng rng(seed);
  const std::string valid = "a = [1, 2.5, \"x\"]\n[t.u]\nd = 1979-05-27\n[[s]]\nn = 'y'\n";
  int refused = 0;
  for (int round = 0; round < 2000; ++round) {
    std::string text = valid;
    for (int i = 0; i < 3; ++i) text[rng.below(text.size())] = static_cast<char>(rng.below(256));
    refused += parse_toml(text, "f.toml") ? 0 : 1;
  }
  EXPECT_GT(refused, 500);
  EXPECT_LT(refused, 2000);
}

TEST(Toml, DeepNestingIsRefused) {
  EXPECT_FALSE(parse_toml("a = " + std::string(100'000, '['), "f.toml"));
}

}  // namespace
}  // namespace assay::config
