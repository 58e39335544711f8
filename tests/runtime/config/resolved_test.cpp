#include "runtime/config/resolved.h"

#include <gtest/gtest.h>

#include "runtime/config/toml_file.h"

namespace assay::config {
namespace {

Resolved sample(const std::string& lr = "0.1", const std::string& origin = "default") {
  return Resolved({{"seed", "17", "default", "", "seed"},
                   {"learner.lr", lr, origin, "", "rate"},
                   {"train.source[0].name", "\"a\"", "f.toml:3", "", ""},
                   {"train.source[0].n", "1", "default", "", ""},
                   {"train.source[1].name", "\"b\"", "f.toml:5", "", ""}});
}

TEST(Resolved, TomlHoldsOriginsAndReadsBack) {
  const std::string text = sample().to_toml();

  const auto root = parse_toml(text, "resolved.toml");

  ASSERT_TRUE(root) << text;
  EXPECT_NE(text.find("name = \"a\"  # f.toml:3\n"), std::string::npos) << text;
  const List& sources = std::get<List>(root->find_path("train.source")->value);
  ASSERT_EQ(sources.size(), 2u);
  EXPECT_EQ(std::get<std::string>(sources[1].find("name")->value), "b");
}

TEST(Resolved, DigestDependsOnValuesNotOnOrigins) {
  EXPECT_EQ(sample("0.1", "default").digest(), sample("0.1", "f.toml:9").digest());
  EXPECT_NE(sample("0.1").digest(), sample("0.2").digest());
}

TEST(Resolved, PartialDigestIgnoresEverythingElse) {
  const std::string_view chosen[] = {"seed", "train"};
  const std::string_view other[] = {"learner"};

  EXPECT_EQ(sample("0.1").digest(chosen), sample("0.2").digest(chosen));
  EXPECT_NE(sample("0.1").digest(other), sample("0.2").digest(other));
}

TEST(Resolved, PrefixesEndAtAWholeName) {
  const std::string_view part[] = {"learn"};
  const std::string_view nothing[] = {"absent"};

  EXPECT_EQ(sample().digest(part), sample().digest(nothing));
}

}  // namespace
}  // namespace assay::config
