#include "verifiers/case_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace assay::verifiers {
namespace {

using ::testing::HasSubstr;

const std::string kGood =
    R"({"id": "a", "verifier": {"type": "math"}, "reference": "42", "completion": "42", )"
    R"("expect": ["correct"], "why": "for people"})"
    "\n";

TEST(CaseFiles, ReadCasesInOrderWithTheirLines) {
  const auto set = parse_cases(
      kGood + "\n" +
          R"({"id": "b", "verifier": {"type": "exact", "trim": false}, "completion": "x", )"
          R"("expect": ["incorrect", "unscored"], "expect_code": ["wrong_answer"]})",
      "cases.jsonl");

  ASSERT_TRUE(set) << to_text(set.error());
  ASSERT_EQ(set->cases.size(), 2u);
  EXPECT_EQ(set->cases[0].prompt.reference, "42");
  EXPECT_EQ(set->cases[1].line, 3u);
  EXPECT_EQ(set->cases[1].expect.size(), 2u);
  EXPECT_EQ(set->cases[1].verifier->identity(), "exact/1");
}

TEST(CaseFiles, AVerdictMustBeAcceptableInOutcomeAndCode) {
  const auto set = parse_cases(
      R"({"id": "b", "verifier": {"type": "exact"}, "completion": "x", "reference": "y", )"
      R"("expect": ["incorrect"], "expect_code": ["wrong_answer"]})",
      "cases.jsonl");
  const Case& judged = set->cases[0];

  EXPECT_TRUE(agrees(judged, judged.verifier->verify(judged.prompt, "x")));  // wrong_answer
  EXPECT_FALSE(agrees(judged, judged.verifier->verify(judged.prompt, "")));  // no_answer
  EXPECT_FALSE(agrees(judged, judged.verifier->verify(judged.prompt, "y")));
}

TEST(CaseFiles, MalformedCasesAreNamedByLine) {
  const std::string broken[] = {
      "not json",
      "[]",
      R"({"id": "a"})",
      R"({"id": 1, "verifier": {"type": "math"}, "completion": "", "expect": ["correct"]})",
      R"({"id": "a", "verifier": {"type": "math"}, "expect": ["correct"]})",
      R"({"id": "a", "verifier": {"type": "math"}, "completion": "", "expect": []})",
      R"({"id": "a", "verifier": {"type": "math"}, "completion": "", "expect": ["right"]})",
      R"({"id": "a", "verifier": {"type": "math"}, "completion": "", "reference": 4, "expect": ["correct"]})",
      R"({"id": "a", "id": "b", "verifier": {"type": "math"}, "completion": "", "expect": ["correct"]})",
      R"({"id": "a", "verifier": {"type": "math"}, "completion": "", "expect": ["correct"], "expect_code": ["bad"]})",
  };
  for (const std::string& line : broken) {
    const auto set = parse_cases(kGood + line + "\n" + kGood, "cases.jsonl");
    ASSERT_FALSE(set) << line;
    EXPECT_EQ(set.error().id, "E410") << line;
    EXPECT_EQ(set.error().place, "cases.jsonl:2") << line;
  }
}

TEST(CaseFiles, UnknownVerifiersAndOptionsAreErrorsUnlessSkipped) {
  const std::string unknown =
      R"({"id": "s", "verifier": {"type": "sorcery"}, "completion": "", "expect": ["correct"]})"
      "\n";
  const std::string option =
      R"({"id": "o", "verifier": {"type": "math", "speed": 1}, "completion": "", )"
      R"("expect": ["correct"]})";

  EXPECT_EQ(parse_cases(kGood + unknown, "c").error().id, "E402");
  EXPECT_EQ(parse_cases(kGood + unknown, "c").error().place, "c:2");
  EXPECT_EQ(parse_cases(kGood + option, "c").error().id, "E403");
  EXPECT_EQ(parse_cases(kGood + unknown, "c", {{}, true})->skipped_count, 1u);
  EXPECT_EQ(parse_cases(kGood + unknown, "c", {{"math"}, false})->cases.size(), 1u);
  EXPECT_FALSE(parse_cases(unknown, "c", {{}, true}));
}

TEST(CaseFiles, RecordsHaveAFixedFormAndNoRewardWhereUnscored) {
  wire::Verdict verdict = wire::Verdict::correct("it \"is\" 2");
  verdict.latency_ms = 0.5;
  verdict.checks.push_back({"answer", true, 1.0, "right"});

  EXPECT_EQ(verdict_record("a", verdict),
            R"({"id":"a","verdict":"correct","reward":1.0,"code":"correct",)"
            R"("reason":"it \"is\" 2","latency_ms":0.5,"isolation":"none",)"
            R"("checks":[{"name":"answer","is_passed":true,"score":1.0,"reason":"right"}]})");
  EXPECT_THAT(verdict_record("b", wire::Verdict::unscored(wire::VerdictCode::kInternalError, "x")),
              HasSubstr("\"reward\":null"));
}

}  // namespace
}  // namespace assay::verifiers
