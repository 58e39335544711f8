#include "actors/cli/text_layout.h"

#include <gtest/gtest.h>

namespace assay::cli {
namespace {

TEST(Printable, ControlCharactersBecomeBlanks) {
  EXPECT_EQ(printable("a\x1b[2Jb\x7f"), "a [2Jb ");
  EXPECT_EQ(printable("a\nb\r"), "a\nb ");
  EXPECT_EQ(printable("a\xc2\x9b"
                      "2Jb"),
            "a 2Jb");  // the one-byte CSI, as UTF-8
  EXPECT_EQ(printable("é→"), "é→");
  EXPECT_EQ(one_line("a\nb\tc"), "a b c");
}

TEST(Wrapped, BreaksAtBlanksAndIndents) {
  // 10 columns, the label takes 4: "four" fits beside nothing else.
  EXPECT_EQ(wrapped("one two three four", 10, 4), "one\n    two\n    three\n    four");
  EXPECT_EQ(wrapped("one two three four", 11, 4), "one two\n    three\n    four");
  EXPECT_EQ(wrapped("one two", 80, 4), "one two");
  EXPECT_EQ(wrapped("", 10, 4), "");
}

TEST(Wrapped, ALongWordStaysWhole) {
  EXPECT_EQ(wrapped("a 0123456789 b", 6, 2), "a\n  0123456789\n  b");
}

TEST(Cut, CountsCodePointsAndMarksTheCut) {
  EXPECT_EQ(cut("→→→→", 4), "→→→→");
  EXPECT_EQ(cut("→→→→", 3), "→→…");
  EXPECT_EQ(cut("abc", 0), "");
}

TEST(Grouped, ThreeDigitsAtATime) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(12345678), "12,345,678");
}

TEST(ShortMs, PicksAUnit) {
  EXPECT_EQ(short_ms(0), "-");
  EXPECT_EQ(short_ms(0.0123), "12.3us");
  EXPECT_EQ(short_ms(1.14), "1.1ms");
  EXPECT_EQ(short_ms(37.4), "37ms");
  EXPECT_EQ(short_ms(2100), "2.1s");
}

}  // namespace
}  // namespace assay::cli
