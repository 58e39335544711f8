#include "runtime/config/value_text.h"

#include <gtest/gtest.h>

namespace assay::config {
namespace {

using std::chrono::milliseconds;

TEST(NumberText, IsShortestAndAlwaysAFloat) {
  EXPECT_EQ(number_text(1.0), "1.0");
  EXPECT_EQ(number_text(0.1), "0.1");
  EXPECT_EQ(number_text(0.1f), "0.1");  // not 0.10000000149
  EXPECT_EQ(number_text(1e-06), "1e-06");
}

TEST(Duration, ReadsEachUnitAndNothingElse) {
  EXPECT_EQ(parse_duration("500ms"), milliseconds(500));
  EXPECT_EQ(parse_duration("2s"), milliseconds(2000));
  EXPECT_EQ(parse_duration("1.5s"), milliseconds(1500));
  EXPECT_EQ(parse_duration("5m"), milliseconds(300'000));
  EXPECT_EQ(parse_duration("1h"), milliseconds(3'600'000));
  for (const char* wrong : {"", "2", "s", "2 sec", "-2s", "1e99h", "nans", "0.5ms"}) {
    EXPECT_EQ(parse_duration(wrong), std::nullopt) << wrong;
  }
}

TEST(Duration, TextReadsBack) {
  for (const int ms : {0, 1, 999, 1000, 1500, 60'000, 3'600'000, 3'600'001}) {
    EXPECT_EQ(parse_duration(duration_text(milliseconds(ms))), milliseconds(ms)) << ms;
  }
}

TEST(Size, ReadsBinaryAndDecimalUnits) {
  EXPECT_EQ(parse_size("64MiB"), Size{67'108'864});  // 64 * 1024 * 1024
  EXPECT_EQ(parse_size("1 GB"), Size{1'000'000'000});
  EXPECT_EQ(parse_size("12B"), Size{12});
  for (const char* wrong : {"", "12", "MiB", "-1MiB", "1.5MiB", "99999999999GiB", "1mib"}) {
    EXPECT_EQ(parse_size(wrong), std::nullopt) << wrong;
  }
}

TEST(Size, TextReadsBack) {
  for (const std::uint64_t bytes : {0ull, 1ull, 1000ull, 1024ull, 1'000'000ull, 1ull << 31}) {
    EXPECT_EQ(parse_size(size_text(Size{bytes})), Size{bytes}) << bytes;
  }
}

TEST(Quoted, EscapesWhatTomlForbids) {
  EXPECT_EQ(quoted("a\"b\\c\n\x01"), "\"a\\\"b\\\\c\\n\\u0001\"");
}

TEST(Integer, TakesTheWholeTextOrNothing) {
  EXPECT_EQ(parse_integer("+12"), 12);
  EXPECT_EQ(parse_integer("12x"), std::nullopt);
  EXPECT_EQ(parse_integer("99999999999999999999"), std::nullopt);
}

}  // namespace
}  // namespace assay::config
