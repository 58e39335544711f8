#include "runtime/telemetry/progress.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>
#include <vector>

namespace assay::telemetry {
namespace {

class FakeClock final : public Clock {
 public:
  SteadyTime now() const override { return now_; }
  std::int64_t wall_ms() const override { return 0; }
  void pass(std::chrono::milliseconds time) { now_ += time; }

 private:
  SteadyTime now_{};
};

TEST(Sparkline, SpansLowestToHighest) {
  const std::vector<double> values = {0, 1, 2, 3, 4, 5, 6, 7};

  EXPECT_EQ(sparkline(values, 8), "▁▂▃▄▅▆▇█");
}

TEST(Sparkline, ShowsTheLastValues) {
  const std::vector<double> values = {100, 0, 1};

  EXPECT_EQ(sparkline(values, 2), "▁█");
}

TEST(Sparkline, EqualValuesAreFlatAndGapsStayBlank) {
  const double nan = std::numeric_limits<double>::quiet_NaN();

  EXPECT_EQ(sparkline(std::vector<double>{3, 3}, 4), "▁▁");
  EXPECT_EQ(sparkline(std::vector<double>{0, nan, 1}, 4), "▁ █");
  EXPECT_EQ(sparkline(std::vector<double>{nan}, 4), " ");
  EXPECT_EQ(sparkline({}, 4), "");
}

TEST(Fit, PadsAndCutsByCodePoint) {
  EXPECT_EQ(fit("ab", 4), "ab  ");
  EXPECT_EQ(fit("▁▂▃▄", 4), "▁▂▃▄");
  EXPECT_EQ(fit("▁▂▃▄▅", 4), "▁▂▃…");
  EXPECT_EQ(fit("abc", 0), "");
}

TEST(Fit, ControlCharactersCannotMoveTheCursor) {
  EXPECT_EQ(fit("a\x1b[2K\nb", 8), "a [2K b ");
}

TEST(Fit, BrokenUtf8StaysInBounds) {
  EXPECT_EQ(fit("\xf0\x9f", 3).size(), 4u);  // one broken code point of two bytes, two blanks
}

TEST(Progress, PipeShowsOneLineInTenSeconds) {
  std::ostringstream stream;
  FakeClock clock;
  Progress progress(stream, clock, {});

  for (int second = 0; second < 25; ++second) {
    progress.tick("step " + std::to_string(second));
    clock.pass(std::chrono::seconds(1));
  }

  EXPECT_EQ(stream.str(), "[   0.0s] step 0\n[  10.0s] step 10\n[  20.0s] step 20\n");
}

TEST(Progress, MilestonesAreAlwaysShown) {
  std::ostringstream stream;
  FakeClock clock;
  Progress progress(stream, clock, {});

  progress.say("one");
  progress.say("two");

  EXPECT_EQ(stream.str(), "[   0.0s] one\n[   0.0s] two\n");
}

TEST(Progress, TerminalLineIsRewrittenAndClearedForAMilestone) {
  std::ostringstream stream;
  FakeClock clock;
  {
    Progress progress(stream, clock, {.is_terminal = true, .columns = 24});
    progress.tick("step 1");
    progress.say("saved");
  }

  EXPECT_EQ(stream.str(), "\r[   0.0s] step 1       \r\x1b[2K[   0.0s] saved\n");
}

TEST(Progress, TerminalLineIsRewrittenAtMostTenTimesASecond) {
  std::ostringstream stream;
  FakeClock clock;
  Progress progress(stream, clock, {.is_terminal = true});

  for (int tick = 0; tick < 100; ++tick) {
    progress.tick("step");
    clock.pass(std::chrono::milliseconds(10));
  }

  const std::string text = stream.str();
  EXPECT_EQ(std::count(text.begin(), text.end(), '\r'), 10);  // at 0, 100, ... 900 ms
}

TEST(Progress, QuietSaysNothing) {
  std::ostringstream stream;
  FakeClock clock;
  Progress progress(stream, clock, {.is_quiet = true});

  progress.say("one");
  progress.tick("two");

  EXPECT_EQ(stream.str(), "");
}

}  // namespace
}  // namespace assay::telemetry
