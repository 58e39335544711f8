#include "runtime/core/figure.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(Series, ReportsTheRoundOfTheMedianRatio) {
  Series series({.name = "rate", .unit = "GB/s", .ceiling = "memcpy_gbps"});
  series.add(30, 100);  // 0.3, though the value is the median of the values
  series.add(10, 20);   // 0.5
  series.add(80, 100);  // 0.8

  const Figure figure = series.figure();

  EXPECT_EQ(figure.value, 10);
  EXPECT_EQ(figure.ceiling, 20);
  EXPECT_EQ(figure.ratio(), 0.5);
  EXPECT_EQ(figure.low, 0.3);
  EXPECT_EQ(figure.high, 0.8);
  EXPECT_EQ(figure.repeats, 3u);
}

TEST(Series, WithoutACeilingReportsTheMedianValue) {
  Series series({.name = "rate", .unit = "events/s"});
  for (const double value : {5.0, 1.0, 4.0, 2.0}) series.add(value);

  const Figure figure = series.figure();

  EXPECT_EQ(figure.value, 2);  // the lower one of 2 and 4
  EXPECT_FALSE(figure.ratio());
  EXPECT_EQ(figure.low, 1);
  EXPECT_EQ(figure.high, 5);
}

TEST(SeriesDeathTest, AReadingHasACeilingWhereItsKindHas) {
  Series bounded({.name = "rate", .unit = "GB/s", .ceiling = "memcpy_gbps"});
  Series free({.name = "rate", .unit = "GB/s"});

  EXPECT_DEATH(bounded.add(1), "ceiling");
  EXPECT_DEATH(free.add(1, 2), "ceiling");
}

Figure figure_with(Better better, Goal goal) {
  Series series({.name = "x", .unit = "us", .ceiling = "y", .better = better, .goal = goal});
  series.add(40, 100);
  return series.figure();
}

TEST(Goals, BoundTheRatioOrTheValueFromTheBetterSide) {
  using Of = Goal::Of;
  EXPECT_EQ(figure_with(Better::kHigher, {Of::kRatio, 0.4}).is_goal_met(), true);
  EXPECT_EQ(figure_with(Better::kHigher, {Of::kRatio, 0.41}).is_goal_met(), false);
  EXPECT_EQ(figure_with(Better::kLower, {Of::kRatio, 0.39}).is_goal_met(), false);
  EXPECT_EQ(figure_with(Better::kLower, {Of::kValue, 40}).is_goal_met(), true);
  EXPECT_EQ(figure_with(Better::kHigher, {Of::kValue, 41}).is_goal_met(), false);

  Series series({.name = "x", .unit = "us"});
  series.add(1);
  EXPECT_FALSE(series.figure().is_goal_met());
}

TEST(Percentile, IsTheNearestRank) {
  const std::vector<double> values{50, 10, 30, 20, 40};

  EXPECT_EQ(percentile(values, 0), 10);
  EXPECT_EQ(percentile(values, 0.5), 30);
  EXPECT_EQ(percentile(values, 0.6), 30);  // rank 2.4
  EXPECT_EQ(percentile(values, 0.65), 40);
  EXPECT_EQ(percentile(values, 1), 50);
  EXPECT_EQ(percentile({7}, 0.99), 7);
}

}  // namespace
}  // namespace assay
