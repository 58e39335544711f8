#include "runtime/flow/restart_plan.h"

#include <gtest/gtest.h>

namespace assay::flow {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr RestartOptions kOptions{3, seconds(60), milliseconds(100), milliseconds(250)};

SteadyTime at(std::chrono::microseconds since_start) {
  return SteadyTime(since_start);
}

TEST(RestartPlan, DelayDoublesUpToItsLimit) {
  RestartPlan plan(kOptions);

  EXPECT_EQ(plan.worker_died("generator/0", at(seconds(1))), milliseconds(100));
  EXPECT_EQ(plan.worker_died("generator/0", at(seconds(2))), milliseconds(200));
  EXPECT_EQ(plan.worker_died("generator/0", at(seconds(3))), milliseconds(250));
}

TEST(RestartPlan, WorkerIsGivenUpWhenItsWindowIsUsedUp) {
  RestartPlan plan(kOptions);
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(plan.worker_died("verifier/0", at(seconds(i))));

  EXPECT_FALSE(plan.worker_died("verifier/0", at(seconds(4))));
  EXPECT_EQ(plan.restarts("verifier/0"), 3u);
}

TEST(RestartPlan, OldRestartsAreForgivenButCounted) {
  RestartPlan plan(kOptions);
  for (int i = 1; i <= 3; ++i) ASSERT_TRUE(plan.worker_died("verifier/0", at(seconds(i))));

  // At 61 s the restart of 1 s is 60 s old and no longer counts; those of 2 s and 3 s do.
  EXPECT_EQ(plan.worker_died("verifier/0", at(seconds(61))), milliseconds(250));
  EXPECT_EQ(plan.restarts("verifier/0"), 4u);
}

TEST(RestartPlan, WorkersDoNotShareTheirLimits) {
  RestartPlan plan(kOptions);
  for (int i = 1; i <= 4; ++i) plan.worker_died("verifier/0", at(seconds(i)));

  EXPECT_EQ(plan.worker_died("verifier/1", at(seconds(5))), milliseconds(100));
  EXPECT_EQ(plan.restarts("verifier/2"), 0u);
}

}  // namespace
}  // namespace assay::flow
