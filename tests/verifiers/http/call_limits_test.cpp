#include "verifiers/http/call_limits.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "verifiers/http/single_flight.h"

namespace assay::verifiers::http {
namespace {

using namespace std::chrono_literals;

SteadyTime at(std::chrono::milliseconds time) {
  return SteadyTime(1h + time);
}

TEST(TokenBucket, LetsABurstThroughAndSpacesTheRest) {
  TokenBucket bucket(10, 2);  // 10 a second: one each 100 ms

  EXPECT_EQ(bucket.take(at(0ms), 1s), 0us);
  EXPECT_EQ(bucket.take(at(0ms), 1s), 0us);
  EXPECT_EQ(bucket.take(at(0ms), 1s), 100ms);
  EXPECT_EQ(bucket.take(at(0ms), 1s), 200ms) << "turns are given in order";
  EXPECT_EQ(bucket.take(at(400ms), 1s), 0us) << "two of those 400 ms were spoken for";
}

TEST(TokenBucket, WhoIsTooImpatientTakesNoTurn) {
  TokenBucket bucket(1, 1);

  EXPECT_EQ(bucket.take(at(0ms), 0us), 0us);
  EXPECT_FALSE(bucket.take(at(0ms), 500ms));
  EXPECT_EQ(bucket.take(at(0ms), 1s), 1s) << "the refused call took nothing";
}

TEST(TokenBucket, AnIdleBucketHoldsNoMoreThanItsBurst) {
  TokenBucket bucket(1000, 3);

  for (int i = 0; i < 3; ++i) EXPECT_EQ(bucket.take(at(60s), 1s), 0us);
  EXPECT_EQ(bucket.take(at(60s), 1s), 1ms);
}

TEST(TokenBucket, WithoutARateNobodyWaits) {
  TokenBucket bucket(0, 1);

  for (int i = 0; i < 100; ++i) EXPECT_EQ(bucket.take(at(0ms), 0us), 0us);
}

TEST(CostBudget, SetsAsideBeforeTheCallAndNeverGoesOver) {
  CostBudget budget(10);

  EXPECT_TRUE(budget.reserve(6));
  EXPECT_FALSE(budget.reserve(5));
  EXPECT_EQ(budget.spent(), 6);
  EXPECT_TRUE(budget.reserve(4));
  EXPECT_FALSE(budget.reserve(1));
  budget.refund(4);
  EXPECT_TRUE(budget.reserve(4));
  EXPECT_TRUE(CostBudget(0).reserve(INT64_MAX)) << "0 is no limit";
}

TEST(CircuitBreaker, OpensAfterFailuresInARowAndTriesWithOneCall) {
  CircuitBreaker breaker(3, 10s);
  for (int i = 0; i < 2; ++i) breaker.fail(at(0ms));
  breaker.succeed();
  for (int i = 0; i < 2; ++i) breaker.fail(at(0ms));
  EXPECT_TRUE(breaker.admit(at(0ms))) << "a success in between starts the count anew";

  breaker.fail(at(0ms));

  EXPECT_TRUE(breaker.is_open());
  EXPECT_FALSE(breaker.admit(at(9s)));
  EXPECT_TRUE(breaker.admit(at(10s)));
  EXPECT_FALSE(breaker.admit(at(10s))) << "one probe alone";
  breaker.fail(at(11s));
  EXPECT_FALSE(breaker.admit(at(20s))) << "a failed probe starts the rest anew";
  EXPECT_TRUE(breaker.admit(at(21s)));
  breaker.succeed();
  EXPECT_TRUE(breaker.admit(at(21s)));
  EXPECT_TRUE(breaker.admit(at(21s)));
}

TEST(CircuitBreaker, AProbeThatIsNotMadeLeavesTheTurnToTheNext) {
  CircuitBreaker breaker(1, 1s);
  breaker.fail(at(0ms));

  EXPECT_TRUE(breaker.admit(at(1s)));
  breaker.abandon();

  EXPECT_TRUE(breaker.admit(at(1s)));
}

TEST(CircuitBreaker, DistrustOpensAtOnceAndOutlastsASuccess) {
  CircuitBreaker breaker(5, 1s);

  breaker.distrust(at(0ms));

  EXPECT_FALSE(breaker.admit(at(500ms)));
  EXPECT_TRUE(breaker.admit(at(1s)));
  breaker.succeed();
  EXPECT_TRUE(breaker.is_distrusted());
  breaker.trust();
  EXPECT_FALSE(breaker.is_distrusted());
}

TEST(RetryDelays, DoubleUpToABoundAndDifferByCallAlone) {
  const RetryDelays delays;
  const Digest one = sha256("one"), other = sha256("other");

  for (std::uint32_t attempt = 1; attempt < 12; ++attempt) {
    const auto whole = std::min<double>(250e3 * (1 << (attempt - 1)), 8e6);
    const auto delay = static_cast<double>(delays.after(attempt, one, {}).count());
    EXPECT_LE(delay, whole);
    EXPECT_GE(delay, whole / 2);
    EXPECT_EQ(delays.after(attempt, one, {}), delays.after(attempt, one, {}));
    EXPECT_NE(delays.after(attempt, one, {}), delays.after(attempt, other, {}));
  }
}

TEST(RetryDelays, WhatTheServerAsksForIsKeptWithinBounds) {
  const RetryDelays delays;
  const Digest call = sha256("x");

  EXPECT_EQ(delays.after(1, call, 3s), 3s);
  EXPECT_EQ(delays.after(1, call, 3600s), 8s);
  EXPECT_GE(delays.after(1, call, 0s), 125ms);
}

TEST(CanaryWindow, MoreThanOneInAHundredIsTooMany) {
  CanaryWindow window;
  EXPECT_FALSE(window.is_too_gullible());
  for (int i = 0; i < 99; ++i) window.record(false);
  window.record(true);
  EXPECT_FALSE(window.is_too_gullible()) << "1 of 100";
  window.record(true);
  EXPECT_TRUE(window.is_too_gullible()) << "2 of 101";
  for (int i = 0; i < 200; ++i) window.record(false);
  EXPECT_FALSE(window.is_too_gullible()) << "the old ones are forgotten";

  CanaryWindow fresh;
  fresh.record(true);
  EXPECT_TRUE(fresh.is_too_gullible());
}

TEST(CanaryDue, IsAShareOfTheCallsAndTheSameForTheSameCall) {
  int due = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Digest call = sha256(std::to_string(i));
    EXPECT_FALSE(is_canary_due(call, 0));
    EXPECT_TRUE(is_canary_due(call, 1));
    EXPECT_EQ(is_canary_due(call, 0.02), is_canary_due(call, 0.02));
    due += is_canary_due(call, 0.02);
  }
  EXPECT_NEAR(due, 400, 100);  // five standard deviations of 20
}

using Cache = SingleFlight<int>;

TEST(SingleFlight, ComputesOnceForAllWhoAskAtATime) {
  Cache cache(10);
  std::atomic<int> computed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      const int value = cache.get(sha256("k"), [&] {
        std::this_thread::sleep_for(50ms);
        return Cache::Computed{++computed, true};
      });
      EXPECT_EQ(value, 1);
    });
  }
  for (std::thread& thread : threads) thread.join();

  EXPECT_EQ(computed, 1);
}

TEST(SingleFlight, WhatIsNotKeptIsComputedAnew) {
  Cache cache(10);
  int computed = 0;
  const auto fail = [&] { return Cache::Computed{++computed, false}; };

  EXPECT_EQ(cache.get(sha256("k"), fail), 1);
  EXPECT_EQ(cache.get(sha256("k"), fail), 2);
}

TEST(SingleFlight, ForgetsTheOldest) {
  Cache cache(2);
  int computed = 0;
  const auto next = [&] { return Cache::Computed{++computed, true}; };

  cache.get(sha256("a"), next);
  cache.get(sha256("b"), next);
  EXPECT_EQ(cache.get(sha256("a"), next), 1);
  cache.get(sha256("c"), next);
  EXPECT_EQ(cache.get(sha256("b"), next), 2);
  EXPECT_EQ(cache.get(sha256("a"), next), 4) << "the oldest was dropped";
}

}  // namespace
}  // namespace assay::verifiers::http
