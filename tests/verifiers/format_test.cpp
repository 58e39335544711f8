#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "runtime/core/clock.h"
#include "verifiers/registry.h"
#include "verifiers/text/json_schema.h"
#include "verifiers/text/pattern.h"

namespace assay::verifiers {
namespace {

using ::testing::HasSubstr;
using wire::Outcome;
using wire::VerdictCode;

wire::Verdict judge(std::string_view completion, std::string_view options) {
  return (*make_verifier("format", options))->verify({}, completion);
}

TEST(Format, NamesWhatIsWrong) {
  const auto reason = [](std::string_view completion) {
    return judge(completion, R"({"format": "think_answer"})").reason;
  };
  EXPECT_THAT(reason("<answer>1</answer>"), HasSubstr("<think> occurs 0 times"));
  EXPECT_THAT(reason("<think>a</think><answer> </answer>"), HasSubstr("nothing between"));
  EXPECT_THAT(reason("<think>a</think><answer>1</answer>."), HasSubstr("follows the last tag"));
}

TEST(Format, RefusesOptionsThatDoNotFitTogether) {
  for (const char* options :
       {R"({"format": "xml"})", R"({"format": "boxed", "schema": {}})", R"({"format": "tags"})",
        R"({"format": "tags", "tags": ["a b"]})", R"({"formt": "json"})",
        R"({"format": "json", "schema": {"$ref": "#/a"}})",
        R"({"format": "json", "schema": {"type": "text"}})",
        R"({"format": "json", "schema": {"pattern": "("}})"}) {
    const auto made = make_verifier("format", options);
    ASSERT_FALSE(made) << options;
    EXPECT_EQ(made.error().id, "E403") << options;
  }
}

TEST(JsonSchema, NamesThePlaceOfTheFirstComplaint) {
  const auto schema = JsonSchema::compile(
      R"({"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}})");
  ASSERT_TRUE(schema);
  EXPECT_FALSE(schema->complaint_about(R"({"a": [1, 2.0]})"));
  EXPECT_THAT(*schema->complaint_about(R"({"a": [1, 2.5]})"), HasSubstr("$.a[1]"));
  EXPECT_THAT(*schema->complaint_about(R"({"a": 1, "a": []})"), HasSubstr("repeated"));
}

struct SchemaCase {
  const char* schema;
  const char* allowed;
  const char* refused;
};

TEST(JsonSchema, AppliesEachKeyword) {
  const SchemaCase cases[] = {
      {R"({"type": ["string", "null"]})", "null", "1"},
      {R"({"enum": [1, "a"]})", R"("a")", "2"},
      {R"({"const": {"a": 1}})", R"({"a": 1})", R"({"a": 2})"},
      {R"({"required": ["a"]})", R"({"a": null})", "{}"},
      {R"({"properties": {"a": {}}, "additionalProperties": false})", R"({"a": 1})", R"({"b": 1})"},
      {R"({"additionalProperties": {"type": "string"}})", R"({"b": "x"})", R"({"b": 1})"},
      {R"({"minProperties": 1, "maxProperties": 1})", R"({"b": 1})", R"({"a": 1, "b": 2})"},
      {R"({"items": {"type": "boolean"}})", "[true]", "[0]"},
      {R"({"minItems": 1})", "[0]", "[]"},
      {R"({"maxItems": 1})", "[0]", "[0, 1]"},
      {R"({"uniqueItems": true})", "[0, 1]", "[0, 0]"},
      {R"({"minLength": 2})", R"("éé")", R"("é")"},  // characters, not bytes
      {R"({"maxLength": 1})", R"("é")", R"("ab")"},
      {R"({"pattern": "^a+$"})", R"("aa")", R"("ab")"},
      {R"({"minimum": 1})", "1", "0.9"},
      {R"({"maximum": 1})", "1", "1.1"},
      {R"({"exclusiveMinimum": 1})", "1.1", "1"},
      {R"({"exclusiveMaximum": 1})", "0", "1"},
      {R"({"multipleOf": 0.1})", "0.3", "0.35"},
      {R"({"allOf": [{"minimum": 1}, {"maximum": 2}]})", "2", "3"},
      {R"({"anyOf": [{"type": "string"}, {"minimum": 2}]})", "2", "1"},
      {R"({"oneOf": [{"minimum": 2}, {"minimum": 3}]})", "2", "3"},
      {R"({"not": {"type": "null"}})", "1", "null"},
      {"true", "1", "nonsense"},
  };
  for (const SchemaCase& one : cases) {
    const auto schema = JsonSchema::compile(one.schema);
    ASSERT_TRUE(schema) << one.schema << schema.error().message;
    EXPECT_FALSE(schema->complaint_about(one.allowed)) << one.schema << one.allowed;
    EXPECT_TRUE(schema->complaint_about(one.refused)) << one.schema << one.refused;
  }
}

TEST(JsonSchema, ASchemaMadeToTakeForEverIsCutOff) {
  std::string schema = R"({"type": "integer"})";
  for (int i = 0; i < 5; ++i) {  // 12^5 ways to fail
    std::string list;
    for (int j = 0; j < 12; ++j) list += (j == 0 ? "" : ",") + schema;
    schema = R"({"anyOf": [)" + list + "]}";
  }
  const auto compiled = JsonSchema::compile(schema);
  ASSERT_TRUE(compiled) << compiled.error().message;
  const auto start = thread_cpu_time();
  EXPECT_TRUE(compiled->complaint_about(R"("text")"));
  EXPECT_LT((thread_cpu_time() - start).count(), 1'000'000);  // us
}

TEST(Pattern, TakesLinearTimeOnAMillionBytes) {
  const std::string text = std::string(1'000'000, 'a') + "!";
  for (const char* expression : {"^(a+)+$", "^(a|aa)+$", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$",
                                 "(.*)(.*)(.*)(.*)(.*)[a-z]{1,200}X", "a{1,500}b"}) {
    const auto pattern = Pattern::compile(expression);
    ASSERT_TRUE(pattern) << expression;
    const auto start = thread_cpu_time();
    EXPECT_FALSE(pattern->is_found_in(text)) << expression;
    EXPECT_LT((thread_cpu_time() - start).count(), 1'000'000) << expression;  // us
  }
}

TEST(Pattern, RefusesWhatCouldBacktrackOrGrow) {
  for (const char* expression : {"(a)\\1", "(?=a)", "(", "((a{1,100}){1,100}){1,100}"}) {
    const auto pattern = Pattern::compile(expression);
    ASSERT_FALSE(pattern) << expression;
    EXPECT_THAT(pattern.error().remedy, HasSubstr("RE2"));
  }
  EXPECT_FALSE(Pattern::compile(std::string(5000, 'a')));
}

TEST(Pattern, CountsMatchesOneAfterTheOther) {
  const auto pattern = Pattern::compile("ab");
  EXPECT_EQ(pattern->count_in("ababab", 10), 3u);
  EXPECT_EQ(pattern->count_in("ababab", 2), 2u);
  EXPECT_EQ(Pattern::compile("x*")->count_in("abc", 10), 4u);  // empty matches end
}

}  // namespace
}  // namespace assay::verifiers
