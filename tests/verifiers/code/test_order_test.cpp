#include "verifiers/code/test_order.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <sstream>

namespace assay::verifiers {
namespace {

constexpr std::uint64_t kSeeds = 40;

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// All texts that come of some seeds.
std::set<std::string> orders(const std::string& tests, const std::string& entry = "f") {
  std::set<std::string> texts;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    texts.insert(order_tests(tests, entry, seed).text);
  }
  return texts;
}

bool stays(const std::string& tests, const std::string& entry = "f") {
  return orders(tests, entry) == std::set<std::string>{tests};
}

TEST(TestOrder, AssertionsOfARunComeInEveryOrder) {
  EXPECT_EQ(orders("assert f(1) == 1\nassert f(2) == 2\nassert f(3) == 3\n").size(), 6u);
  EXPECT_EQ(orders("assert f(1) == 1\nassert f(2) == 2").size(), 2u);
  EXPECT_EQ(orders("def check(g):\n    assert g(1) == 1\n    assert g(2) == 2\n").size(), 2u);
}

TEST(TestOrder, OneSeedGivesOneOrder) {
  const std::string tests = "assert f(1) == 1\nassert f(2) == 2\nassert f(3) == 3\n";
  EXPECT_EQ(order_tests(tests, "f", 7).text, order_tests(tests, "f", 7).text);
}

TEST(TestOrder, EachLineKnowsItsNumber) {
  const std::string tests =
      "import math\n# one\nassert f(1,\n         2) == 3\n\nassert f('''a\n#b''') == math.pi\n"
      "assert f(4)\nx = 1\n";
  const auto before = lines_of(tests);
  std::set<std::string> seen;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const OrderedTests ordered = order_tests(tests, "f", seed);
    const auto now = lines_of(ordered.text);
    ASSERT_EQ(now.size(), before.size());
    ASSERT_EQ(ordered.lines.size(), before.size());
    for (std::size_t i = 0; i < now.size(); ++i) EXPECT_EQ(now[i], before[ordered.lines[i] - 1]);
    seen.insert(ordered.text);
  }
  EXPECT_EQ(seen.size(), 6u) << "comments and blank lines do not part a run";
}

TEST(TestOrder, NothingPassesAnotherStatement) {
  EXPECT_TRUE(stays("assert f(1) == 1\nf(9)\nassert f(2) == 2\n"));
  EXPECT_TRUE(stays("assert f(1) == 1\n\"text\"\nassert f(2) == 2\n"));
  EXPECT_TRUE(stays("if f(0):\n    assert f(1) == 1\nassert f(2) == 2\n"));
  EXPECT_TRUE(stays("if f(0):\n    assert f(1) == 1\nelse:\n    assert f(2) == 2\n"));
}

TEST(TestOrder, WhatMayShareAStateIsNotMoved) {
  EXPECT_TRUE(stays("data = [3]\nassert f(data) == 3\nassert data == [3]\n"));
  EXPECT_TRUE(stays("assert push(1) is None\nassert pop() == 1\n", "pop"));
  EXPECT_TRUE(stays("assert f(1) == 1\nassert f(2) == 2\n", ""));
  EXPECT_TRUE(stays("assert (y := f(1)) == 1\nassert f(2) == 2\n"));
  EXPECT_TRUE(stays("assert f(1) == 1; f(3)\nassert f(2) == 2\n"));
  EXPECT_TRUE(stays("assert f(f'{1}') == 1\nassert f(2) == 2\n"));
  EXPECT_TRUE(stays("assert f(1) == 1\nassert f(2) == 2\nf = 5\n"));
  EXPECT_TRUE(stays("for f in fs:\n    assert f(1) == 1\n    assert f(2) == 2\n"));
  EXPECT_TRUE(stays("def f(x): return x\nassert f(1) == 1\nassert f(2) == 2\n"));
  EXPECT_TRUE(stays("def check(g):\n    g = h\n    assert g(1) == 1\n    assert g(2) == 2\n"));
}

TEST(TestOrder, NamesThatStandForNothingElseDoNotHinder) {
  EXPECT_EQ(orders("assert f(n=1, m = 2) == 'a' 'b'\nassert f(2).real == 0x1f\n").size(), 2u);
  EXPECT_EQ(orders("def check(g):\n  y = g(0)\n  assert g(1) == 1\n  assert g(2) == 2\n").size(),
            2u);
  EXPECT_EQ(orders("from m import (near,\n  far)\nassert near(f(1))\nassert far(f(2))\n").size(),
            2u);
}

TEST(TestOrder, TextThatCannotBeTakenApartStays) {
  for (const char* tests :
       {"assert f(1) == (1\nassert f(2) == 2\n", "assert f(1) == 'a\nassert f(2) == 2\n",
        "assert f(1) == 1)\nassert f(2) == 2\n", "assert f(1) == '''a\nassert f(2) == 2\n",
        "assert f(1) == \\\r\n 1\r\nassert f(2) == 2\r\n", "\\\n", "\n", "\xff\n"}) {
    EXPECT_TRUE(stays(tests)) << tests;
  }
  EXPECT_EQ(order_tests("", "f", 1).text, "\n");
}

TEST(TestOrder, AContinuedLineMovesAsAWhole) {
  const auto texts = orders("assert f(1) == \\\n  1\nassert f('\\'\\\n') == 2\n");
  EXPECT_EQ(texts, (std::set<std::string>{"assert f(1) == \\\n  1\nassert f('\\'\\\n') == 2\n",
                                          "assert f('\\'\\\n') == 2\nassert f(1) == \\\n  1\n"}));
}

}  // namespace
}  // namespace assay::verifiers
