#include "runtime/flow/scale_plan.h"

#include <gtest/gtest.h>

namespace assay::flow {
namespace {

using namespace std::chrono_literals;

SteadyTime at(std::chrono::microseconds time) {
  return SteadyTime(time);
}

ScalePlan between(std::uint32_t least, std::uint32_t most) {
  return ScalePlan({.workers_min = least, .workers_max = most});
}

TEST(ScalePlan, DoublesWhileItemsWaitTooLong) {
  ScalePlan plan = between(1, 6);
  EXPECT_EQ(plan.follow(1, 50, 1.5, at(10s)), 2u);
  EXPECT_EQ(plan.follow(2, 50, 9.0, at(13s)), 4u);
  EXPECT_EQ(plan.follow(4, 50, 9.0, at(16s)), 6u) << "never above the most";
  EXPECT_EQ(plan.follow(6, 50, 9.0, at(19s)), 6u);
}

TEST(ScalePlan, AChangeGetsTimeToShow) {
  ScalePlan plan = between(1, 8);
  EXPECT_EQ(plan.follow(1, 50, 5.0, at(10s)), 2u);
  EXPECT_EQ(plan.follow(2, 50, 5.0, at(11s)), 2u);
  EXPECT_EQ(plan.follow(2, 50, 5.0, at(12s)), 4u);
}

TEST(ScalePlan, ALongQueueThatMovesIsLeftAlone) {
  ScalePlan plan = between(1, 8);
  EXPECT_EQ(plan.follow(1, 4000, 0.9, at(10s)), 1u);
}

TEST(ScalePlan, ShrinksOneByOneOnceTheQueueStaysEmpty) {
  ScalePlan plan = between(2, 8);
  EXPECT_EQ(plan.follow(4, 0, 0, at(0s)), 4u);
  EXPECT_EQ(plan.follow(4, 0, 0, at(9s)), 4u);
  EXPECT_EQ(plan.follow(4, 0, 0, at(10s)), 3u);
  EXPECT_EQ(plan.follow(3, 0, 0, at(12s)), 3u) << "every step waits its time";
  EXPECT_EQ(plan.follow(3, 0, 0, at(20s)), 2u);
  EXPECT_EQ(plan.follow(2, 0, 0, at(40s)), 2u) << "never below the least";
}

TEST(ScalePlan, OneWaitingItemStartsTheWaitAnew) {
  ScalePlan plan = between(1, 8);
  EXPECT_EQ(plan.follow(4, 0, 0, at(0s)), 4u);
  EXPECT_EQ(plan.follow(4, 1, 0.1, at(9s)), 4u);
  EXPECT_EQ(plan.follow(4, 0, 0, at(10s)), 4u);
  EXPECT_EQ(plan.follow(4, 0, 0, at(19s)), 4u);
  EXPECT_EQ(plan.follow(4, 0, 0, at(20s)), 3u);
}

TEST(ScalePlan, WhateverThereIsComesWithinTheBounds) {
  EXPECT_EQ(between(2, 4).follow(1, 0, 0, at(0s)), 2u);
  EXPECT_EQ(between(2, 4).follow(9, 0, 0, at(0s)), 4u);
}

}  // namespace
}  // namespace assay::flow
