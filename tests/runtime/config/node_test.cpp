#include "runtime/config/node.h"

#include <gtest/gtest.h>

#include "runtime/config/toml_file.h"

namespace assay::config {
namespace {

Node parsed(std::string_view text, std::string_view name = "a.toml") {
  auto node = parse_toml(text, name);
  EXPECT_TRUE(node) << node.error().message;
  return *node;
}

std::int64_t integer_at(const Node& root, std::string_view path) {
  const Node* node = root.find_path(path);
  return node == nullptr ? -1 : std::get<std::int64_t>(node->value);
}

TEST(Merge, LaterTablesAddAndOverride) {
  Node lower = parsed("a = 1\n[t]\nx = 1\ny = 2\n");

  merge(lower, parsed("[t]\ny = 3\nz = 4\n", "b.toml"));

  EXPECT_EQ(integer_at(lower, "a"), 1);
  EXPECT_EQ(integer_at(lower, "t.x"), 1);
  EXPECT_EQ(integer_at(lower, "t.y"), 3);
  EXPECT_EQ(integer_at(lower, "t.z"), 4);
  EXPECT_EQ(lower.find_path("t.y")->place, "b.toml:2:5");
}

TEST(Merge, ListsAreReplacedWhole) {
  Node lower = parsed("ks = [1, 2, 4]\n");

  merge(lower, parsed("ks = [8]\n"));

  EXPECT_EQ(std::get<List>(lower.find("ks")->value).size(), 1u);
}

TEST(SetPath, MakesTablesAndTakesDashesForUnderscores) {
  Node root = parsed("");

  ASSERT_TRUE(set_path(root, "learner.optim.grad-norm", Node{std::int64_t{5}, "--x"}));

  EXPECT_EQ(integer_at(root, "learner.optim.grad_norm"), 5);
}

TEST(SetPath, ReachesElementsByIndexAndByName) {
  Node root = parsed("[[source]]\nname = \"gsm8k-test\"\nn = 1\n[[source]]\nname = \"b\"\nn = 2\n");

  ASSERT_TRUE(set_path(root, "source.gsm8k-test.n", Node{std::int64_t{7}, "--x"}));
  ASSERT_TRUE(set_path(root, "source.1.n", Node{std::int64_t{8}, "--x"}));

  const List& sources = std::get<List>(root.find("source")->value);
  EXPECT_EQ(integer_at(sources[0], "n"), 7);
  EXPECT_EQ(integer_at(sources[1], "n"), 8);
}

TEST(SetPath, NamesTheElementsThereAre) {
  Node root = parsed("[[source]]\nname = \"gsm8k\"\n");

  const auto by_name = set_path(root, "source.gsm9k.n", Node{std::int64_t{7}, "--source.gsm9k.n"});
  const auto by_index = set_path(root, "source.1.n", Node{std::int64_t{7}, "--source.1.n"});

  ASSERT_FALSE(by_name);
  EXPECT_EQ(by_name.error().id, "E103");
  EXPECT_EQ(by_name.error().remedy, "it has: gsm8k");
  EXPECT_FALSE(by_index);
}

}  // namespace
}  // namespace assay::config
