#include "actors/rate_window.h"

#include <gtest/gtest.h>

#include "actors/duration_window.h"

namespace assay::actors {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const SteadyTime kStart{seconds(1000)};

TEST(RateWindow, BeginsAtTheStartWhileTheWindowIsNotFull) {
  RateWindow rate(kStart, seconds(10));

  rate.add(kStart + seconds(2), 30);

  EXPECT_DOUBLE_EQ(rate.per_s(kStart + seconds(4), 40), 10);  // 40 in 4 s
}

TEST(RateWindow, ForgetsWhatIsOlderThanTheWindow) {
  RateWindow rate(kStart, seconds(10));
  // 100 a second for 60 s, then nothing.
  for (int second = 1; second <= 60; ++second) rate.add(kStart + seconds(second), 100.0 * second);
  EXPECT_DOUBLE_EQ(rate.per_s(kStart + seconds(60), 6000), 100);

  EXPECT_DOUBLE_EQ(rate.per_s(kStart + seconds(65), 6000), 50);  // 5 of the last 10 s
  EXPECT_DOUBLE_EQ(rate.per_s(kStart + seconds(75), 6000), 0);
}

TEST(RateWindow, IsNotFinerThanNeededHoweverOftenItIsFed) {
  RateWindow rate(kStart, seconds(10));
  for (int ms = 1; ms <= 20'000; ++ms) rate.add(kStart + milliseconds(ms), ms);

  // 1000 a second, measured from a sample at most a 64th of the window off.
  EXPECT_NEAR(rate.per_s(kStart + seconds(20), 20'000), 1000, 1e-6);
}

TEST(RateWindow, NoTimePassedIsNoRate) {
  EXPECT_DOUBLE_EQ(RateWindow(kStart).per_s(kStart, 5), 0);
}

TEST(DurationWindow, QuantilesAreMeasuredNotGuessed) {
  DurationWindow durations;
  EXPECT_DOUBLE_EQ(durations.quantile_ms(0.5), 0);
  for (int ms = 20; ms >= 1; --ms) durations.add(milliseconds(ms));

  EXPECT_DOUBLE_EQ(durations.quantile_ms(0.5), 10);   // 10 of 20 are at most 10 ms
  EXPECT_DOUBLE_EQ(durations.quantile_ms(0.95), 19);  // 19 of 20
  EXPECT_DOUBLE_EQ(durations.quantile_ms(1), 20);
}

TEST(DurationWindow, KeepsOnlyTheLast) {
  DurationWindow durations(3);
  for (const int ms : {100, 100, 100, 1, 2, 3}) durations.add(milliseconds(ms));

  EXPECT_DOUBLE_EQ(durations.quantile_ms(1), 3);
}

}  // namespace
}  // namespace assay::actors
