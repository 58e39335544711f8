#include "runtime/core/strict_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace assay {
namespace {

using ::testing::HasSubstr;

std::string complaint(std::string_view text) {
  const auto checked = check_strict_json(text, 4);
  return checked ? "" : checked.error().message;
}

TEST(StrictJson, AcceptsOneValue) {
  EXPECT_EQ(complaint(R"({"a": [1, -2.5e3, "\u00e9", true, null], "b": {"a": 1}})"), "");
  EXPECT_EQ(complaint("7"), "");
}

TEST(StrictJson, RefusesARepeatedKeyOfOneObject) {
  EXPECT_THAT(complaint(R"({"a": 1, "a": 2})"), HasSubstr("\"a\" is repeated"));
  EXPECT_THAT(complaint(R"({"b": {"\u0061": 1, "a": 2}})"), HasSubstr("\"a\" is repeated"));
  EXPECT_EQ(complaint(R"([{"a": 1}, {"a": 2}])"), "");
}

TEST(StrictJson, RefusesWhatIsDeeperThanAllowed) {
  EXPECT_EQ(complaint("[[[[]]]]"), "");
  EXPECT_THAT(complaint("[[[[[]]]]]"), HasSubstr("deeper than 4"));
  EXPECT_THAT(complaint(std::string(1'000'000, '[')), HasSubstr("deeper than 4"));
}

TEST(StrictJson, RefusesWhatIsNotJson) {
  EXPECT_THAT(complaint("{\"a\": 1} {}"), HasSubstr("not valid JSON at byte 10"));
  for (const std::string_view text : {"", "{", "{\"a\": NaN}", "{'a': 1}", "[1,]", "01", "\"\xff\"",
                                      "\"\\ud800\"", "1e999", "// x\n1"}) {
    EXPECT_THAT(complaint(text), HasSubstr("not valid JSON")) << text;
  }
}

}  // namespace
}  // namespace assay
