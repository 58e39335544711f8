#include "verifiers/sql/result_compare.h"

#include <gtest/gtest.h>

#include <cmath>

#include "runtime/core/rng.h"

namespace assay::verifiers::sql {
namespace {

ResultTable table(std::size_t columns, std::vector<Value> cells) {
  return {columns, std::move(cells)};
}

Value whole(std::int64_t value) {
  return value;
}

Value text(std::string value) {
  return value;
}

Agreement compare(const ResultTable& given, const ResultTable& expected,
                  std::vector<std::size_t> groups = {}) {
  return compare_results(given, expected, groups, {}).agreement;
}

TEST(SameValue, KeepsTheKindsApart) {
  const CompareOptions options;

  EXPECT_TRUE(is_same_value(Value(), Value(), options));
  EXPECT_FALSE(is_same_value(Value(), whole(0), options));
  EXPECT_FALSE(is_same_value(text("1"), whole(1), options));
  EXPECT_FALSE(is_same_value(text("a"), Value(Blob{"a"}), options));
  EXPECT_TRUE(is_same_value(whole(3), Value(3.0), options));
  EXPECT_TRUE(is_same_value(Value(3.0000001), whole(3), options));
  EXPECT_FALSE(is_same_value(whole(3), whole(4), options));
}

TEST(SameValue, IntegersBeyondTheDoublesAreExact) {
  const CompareOptions options;
  const std::int64_t odd = (std::int64_t{1} << 53) + 1;

  EXPECT_FALSE(is_same_value(whole(odd), Value(static_cast<double>(odd)), options));
  EXPECT_TRUE(is_same_value(whole(odd - 1), Value(static_cast<double>(odd)), options));
  EXPECT_FALSE(is_same_value(whole(INT64_MAX), Value(9223372036854775808.0), options));
  EXPECT_TRUE(is_same_value(whole(INT64_MIN), Value(-9223372036854775808.0), options));
}

TEST(SameValue, InfinitiesAndNanAreThemselvesOnly) {
  const CompareOptions options;
  const double infinity = HUGE_VAL;

  EXPECT_TRUE(is_same_value(Value(infinity), Value(infinity), options));
  EXPECT_FALSE(is_same_value(Value(infinity), Value(-infinity), options));
  EXPECT_FALSE(is_same_value(Value(infinity), Value(1e308), options));
  EXPECT_TRUE(is_same_value(Value(NAN), Value(NAN), options));
  EXPECT_FALSE(is_same_value(Value(NAN), Value(1.0), options));
}

TEST(CompareResults, CountsDuplicates) {
  const ResultTable twice = table(1, {whole(1), whole(1), whole(2)});

  EXPECT_EQ(compare(table(1, {whole(2), whole(1), whole(1)}), twice), Agreement::kSame);
  EXPECT_EQ(compare(table(1, {whole(2), whole(2), whole(1)}), twice), Agreement::kDifferent);
  EXPECT_EQ(compare(table(1, {whole(1), whole(2)}), twice), Agreement::kDifferent);
  EXPECT_EQ(compare(table(2, {}), table(1, {})), Agreement::kDifferent);
}

TEST(CompareResults, TextsThatRunTogetherStayApart) {
  EXPECT_EQ(compare(table(2, {text("a"), text("bc")}), table(2, {text("ab"), text("c")})),
            Agreement::kDifferent);
  EXPECT_EQ(compare(table(2, {text("1:t"), text("")}), table(2, {text(""), text("1:t")})),
            Agreement::kDifferent);
}

TEST(CompareResults, RunsOfEqualKeysAreComparedAsMultisets) {
  const ResultTable expected = table(1, {whole(1), whole(2), whole(3)});

  EXPECT_EQ(compare(table(1, {whole(2), whole(1), whole(3)}), expected, {2, 1}), Agreement::kSame);
  EXPECT_EQ(compare(table(1, {whole(3), whole(1), whole(2)}), expected, {2, 1}),
            Agreement::kDifferent);
  EXPECT_EQ(compare(table(1, {whole(3), whole(1), whole(2)}), expected), Agreement::kSame);
}

TEST(CompareResults, FindsAPairingWhereSortingMissesIt) {
  // By the first column the rows sort one way in one result and the other way in the other.
  const ResultTable given = table(2, {Value(1.0000001), Value(5.0), Value(1.0), Value(4.0)});
  const ResultTable expected = table(2, {Value(1.0), Value(5.0), Value(1.0000001), Value(4.0)});
  const ResultTable neither = table(2, {Value(1.0), Value(5.0), Value(1.0000001), Value(5.0)});

  EXPECT_EQ(compare(given, expected), Agreement::kSame);
  EXPECT_EQ(compare(given, neither), Agreement::kDifferent);
}

TEST(CompareResults, APairingThatNeedsALongChainIsFound) {
  // Each given row fits two expected ones but for the last, which fits the first only.
  std::vector<Value> given, expected;
  for (int i = 0; i < 20; ++i) {
    given.insert(given.end(), {Value(1 + i * 0.9e-6), Value(i % 2 * 0.5e-6 + 1)});
    expected.insert(expected.end(), {Value(1 + (19 - i) * 0.9e-6), Value(1 - i % 2 * 0.4e-6)});
  }

  EXPECT_EQ(compare(table(2, given), table(2, expected)), Agreement::kSame);
}

TEST(CompareResults, AShuffledResultIsTheSameAndOneChangedCellIsNot) {
  Rng rng(7);
  for (int round = 0; round < 200; ++round) {
    const std::size_t rows = 1 + rng.below(12);
    std::vector<std::vector<Value>> list;
    for (std::size_t i = 0; i < rows; ++i) {
      list.push_back({whole(static_cast<std::int64_t>(rng.below(3))),
                      Value(static_cast<double>(rng.below(4)) / 3),
                      text(std::string(rng.below(2), 'x'))});
    }
    const auto flat = [](const auto& all) {
      std::vector<Value> cells;
      for (const auto& row : all) cells.insert(cells.end(), row.begin(), row.end());
      return cells;
    };
    const ResultTable expected = table(3, flat(list));
    for (std::size_t i = rows; i > 1; --i) std::swap(list[i - 1], list[rng.below(i)]);
    EXPECT_EQ(compare(table(3, flat(list)), expected), Agreement::kSame);

    list[rng.below(rows)][rng.below(2)] = Value(9.0);
    EXPECT_EQ(compare(table(3, flat(list)), expected), Agreement::kDifferent);
  }
}

TEST(CompareResults, GivesUpOnlyWhereTooManyPairsWouldBeTried) {
  std::vector<Value> given, expected;
  for (int i = 0; i < 40; ++i) {
    given.insert(given.end(), {Value(1 + i * 1e-9), Value(2 + i * 0.5e-6)});
    expected.insert(expected.end(), {Value(1 + (39 - i) * 1e-9), Value(2 + i * 0.5e-6)});
  }
  CompareOptions few;
  few.pairs_max = 45;

  EXPECT_EQ(compare(table(2, given), table(2, expected)), Agreement::kSame);
  EXPECT_EQ(compare_results(table(2, given), table(2, expected), {}, few).agreement,
            Agreement::kUndecided);
}

}  // namespace
}  // namespace assay::verifiers::sql
