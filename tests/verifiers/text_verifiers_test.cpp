#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "verifiers/registry.h"

namespace assay::verifiers {
namespace {

using ::testing::HasSubstr;
using wire::Outcome;
using wire::VerdictCode;

wire::Verdict judge(std::string_view verifier, std::string_view reference,
                    std::string_view completion, std::string_view options = "{}") {
  wire::Prompt prompt;
  prompt.reference = reference;
  return (*make_verifier(verifier, options))->verify(prompt, completion);
}

TEST(Choice, TakesTheLastStatement) {
  for (const char* completion : {"B",
                                 "(B)",
                                 "b",
                                 "**B**",
                                 "B. Paris",
                                 "The answer is B.",
                                 "Answer: B",
                                 "answer: (b)",
                                 "\\boxed{B}",
                                 "\\boxed{\\text{(B)}}",
                                 "First I thought the answer is A. The answer is B.",
                                 "<think>The answer is A.</think>B",
                                 "The answer is B, not A.",
                                 "The answer is B because A is",
                                 "Let me think.\n\nB",
                                 "#### B",
                                 "<answer>B</answer>",
                                 "Option B is correct.",
                                 "I'd go with B.",
                                 "It must be (B)."}) {
    const wire::Verdict verdict = judge("choice", "B", completion);
    EXPECT_EQ(verdict.outcome, Outcome::kCorrect) << completion << ": " << verdict.reason;
  }
}

TEST(Choice, RefusesHedgesDenialsAndWordsThatOnlyBeginLikeOne) {
  for (const char* completion :
       {"A", "A or B", "The answer is A or B.", "A, B, C, D", "The answer is not B.",
        "The answer isn't B", "Bananas", "The answer is a banana.", "B is wrong",
        "I like B best, or A", "<think>B", "The answer is B.\nThe answer is C.",
        "\\boxed{A}, although the B looks good"}) {
    EXPECT_EQ(judge("choice", "B", completion).outcome, Outcome::kIncorrect) << completion;
  }
}

TEST(Choice, KnowsTheTextsOfTheChoices) {
  const char* options = R"({"texts": ["London", "Paris"]})";
  EXPECT_EQ(judge("choice", "B", "Paris", options).outcome, Outcome::kCorrect);
  EXPECT_EQ(judge("choice", "Paris", "The answer is B.", options).outcome, Outcome::kCorrect);
  EXPECT_EQ(judge("choice", "B", "London", options).outcome, Outcome::kIncorrect);
  EXPECT_EQ(judge("choice", "C", "B", options).outcome, Outcome::kUnscored);  // there is no C
}

TEST(Choice, AReferenceThatNamesNoChoiceIsUnscored) {
  const wire::Verdict verdict = judge("choice", "42", "B");
  EXPECT_EQ(verdict.outcome, Outcome::kUnscored);
  EXPECT_FALSE(verdict.reward.has_value());
  wire::Prompt prompt;
  prompt.reference = "42";
  EXPECT_EQ((*make_verifier("choice"))->check_reference(prompt).error().id, "E404");
}

TEST(Choice, RefusesWrongOptions) {
  for (const char* options :
       {R"({"letters": "abc"})", R"({"letters": "AAB"})", R"({"letters": ""})",
        R"({"letters": "A", "texts": ["x", "y"]})", R"({"leters": "AB"})"}) {
    EXPECT_EQ(make_verifier("choice", options).error().id, "E403") << options;
  }
}

TEST(RegexMatch, SearchesUnlessToldOtherwise) {
  EXPECT_EQ(judge("regex", "", "id 42", R"({"pattern": "[0-9]+"})").outcome, Outcome::kCorrect);
  EXPECT_EQ(judge("regex", "", "id 42", R"({"pattern": "[0-9]+", "whole": true})").code,
            VerdictCode::kWrongAnswer);
  EXPECT_EQ(judge("regex", "", "sorry", R"({"pattern": "sorry", "negate": true})").outcome,
            Outcome::kIncorrect);
  EXPECT_EQ(judge("regex", "^4", "42").outcome, Outcome::kCorrect);  // the reference
}

TEST(RegexMatch, ABrokenPatternIsAnErrorOrUnscored) {
  EXPECT_EQ(make_verifier("regex", R"({"pattern": "("})").error().id, "E403");
  EXPECT_EQ(judge("regex", "(", "x").outcome, Outcome::kUnscored);
  wire::Prompt prompt;
  prompt.reference = "(";
  EXPECT_EQ((*make_verifier("regex"))->check_reference(prompt).error().id, "E404");
  prompt.reference = "a";
  EXPECT_TRUE((*make_verifier("regex"))->check_reference(prompt));
}

TEST(References, AreCheckedAsTheirVerifierReadsThem) {
  wire::Prompt prompt;
  prompt.reference = "ok";
  EXPECT_TRUE((*make_verifier("format"))->check_reference(prompt));  // not read
  EXPECT_FALSE((*make_verifier("rubric"))->check_reference(prompt));
  prompt.reference = "1/0";
  const auto checked = (*make_verifier("math"))->check_reference(prompt);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().id, "E404");
  EXPECT_THAT(checked.error().message, HasSubstr("no value"));
}

}  // namespace
}  // namespace assay::verifiers
