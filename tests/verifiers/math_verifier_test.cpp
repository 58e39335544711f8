#include "verifiers/math/math_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "runtime/core/clock.h"
#include "verifiers/case_file.h"
#include "verifiers/registry.h"

namespace assay::verifiers {
namespace {

using ::testing::HasSubstr;
using wire::Outcome;
using wire::VerdictCode;

wire::Verdict judge(std::string_view reference, std::string_view completion,
                    std::string_view options = "{}", std::string_view prompt_text = "") {
  wire::Prompt prompt;
  prompt.text = prompt_text;
  prompt.reference = reference;
  return (*make_verifier("math", options))->verify(prompt, completion);
}

struct Expectation {
  std::string reference;
  std::string completion;
};

void expect_all(const std::vector<Expectation>& table, Outcome outcome,
                std::string_view options = "{}") {
  for (const auto& [reference, completion] : table) {
    const wire::Verdict verdict = judge(reference, completion, options);
    EXPECT_EQ(verdict.outcome, outcome)
        << "reference " << reference << ", completion " << completion << ": " << verdict.reason;
  }
}

TEST(MathVerifier, AgreesWithTheArticlesThreeCases) {
  EXPECT_EQ(judge("1073", "The answer is 42").code, VerdictCode::kWrongAnswer);
  EXPECT_EQ(judge("1073", "I cannot solve this").code, VerdictCode::kNoAnswer);
  EXPECT_EQ(judge("1073", "37 \u00D7 29 = 1,073").code, VerdictCode::kCorrect);
}

TEST(MathVerifier, AvoidsTheTrapsOfTheArticlesLastNumber) {
  expect_all({{"1073", "The answer is 1073, checked in 3 steps"},
              {"2", "5-3"},
              {"1000", "1e3"},
              {"0.001", "0.001"},
              {"9007199254740993", "9007199254740993"}},
             Outcome::kCorrect);
  expect_all({{"3", "The answer is 1073, checked in 3 steps"},
              {"-3", "5-3"},
              {"3", "1e3"},
              {"0.001", "0.002"},
              {"1073", "1073.009"},
              {"9007199254740993", "9007199254740992"}},  // 2^53 + 1 against 2^53
             Outcome::kIncorrect);
}

TEST(MathVerifier, ReadsOneValueInItsManySpellings) {
  expect_all({{"1234567", "\\boxed{1,234,567}"},
              {"1234567", "$1{,}234{,}567$"},
              {"42", "\\boxed{042.0}"},
              {"42", "**42**."},
              {"42", "+42"},
              {"0", "\\boxed{-0}"},
              {"1/2", "\\boxed{\\dfrac{2}{4}}"},
              {"1/2", "\u00BD"},
              {"3/2", "\\boxed{1 1/2}"},
              {"3/2", "1\\frac12"},
              {"-10/9", "-\\frac{10}{9}"},
              {"0.05", "5%"},
              {"5%", "5"},
              {"18", "$18"},
              {"18", "The answer is 18 dollars."},
              {"90", "90^\\circ"},
              {"15 cm^2", "15\\mbox{ cm}^2"},
              {"3500", "3.5 \\times 10^3"},
              {"12000023", "2,\\!000,\\!023 + 10^7"},
              {"5", "x = 5"},
              {"x = 5", "5"},
              {"120", "5!"},
              {"3", "\\sqrt{9}"}},
             Outcome::kCorrect);
}

TEST(MathVerifier, NumbersAreEqualAsRationalsWhateverTheirNotation) {
  expect_all({{"-5", "\u22125"},                 // minus sign
              {"-5", "The answer is \u20135."},  // en dash
              {"-1/2", "\u22120.5"},
              {"1/2", "50%"},
              {"0.5", "\\frac{1}{2}"},
              {"0.0015", "1.5e-3"},
              {"0.0015", "1.5 \u00D7 10^{-3}"},
              {"1000", "1E+3"},
              {"1234.5", "$1,234.50"},
              {"1234.50", "1,234.5 dollars"},
              {"1,234,567", "1234567"},
              {"7", "7.000"},
              {"-3", "-3.0"},
              {"0", "0.00"},
              {"2", "4/2"},
              {"0.1", "1/10"},
              {"100000000000000000001", "100,000,000,000,000,000,001"}},
             Outcome::kCorrect);
  expect_all({{"-5", "5"},
              {"5", "\u22125"},
              {"1/3", "0.3333333333333333"},  // the nearest double
              {"0.1", "0.1000000000000000055511151231257827"},
              {"0.5", "0.50001"},
              {"1000", "1e4"},
              {"1000", "1.000001e3"},
              {"1234", "1.234"},
              {"100000000000000000000", "100000000000000000001"},
              {"12", "1 2"}},
             Outcome::kIncorrect);
}

TEST(MathVerifier, VerdictsAreTheSameEveryTime) {
  const auto verifier = *make_verifier("math");
  wire::Prompt prompt;
  prompt.reference = "\\frac{1}{2}";
  for (const char* completion : {"0.5", "\\boxed{x+1}", "\\boxed{2^{9999}}", "", "I think 7"}) {
    const std::string first = verdict_record("a", verifier->verify(prompt, completion));
    for (int i = 0; i < 20; ++i) {
      EXPECT_EQ(verdict_record("a", verifier->verify(prompt, completion)), first);
    }
  }
}

TEST(MathVerifier, ComparesStructuresByTheirParts) {
  expect_all({{"(1, 2)", "\\left(1, \\frac{4}{2}\\right)"},
              {"1,2,3", "\\boxed{3}, \\boxed{1} and \\boxed{2}"},
              {"\\{1,2\\}", "\\{2,1\\}"},
              {"\\pm 5", "-5, 5"},
              {"[0,1)", "[0, 1)"},
              {"x<5", "5>x"},
              {"\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{bmatrix}1\\\\2\\end{bmatrix}"}},
             Outcome::kCorrect);
  expect_all({{"(1,2)", "(2,1)"},
              {"(1,2)", "[1,2]"},
              {"[0,1)", "(0,1)"},
              {"1234", "1,23,4"},
              {"\\pm 5", "5"},
              {"x<5", "x<6"},
              {"1,2", "1,2,3"}},
             Outcome::kIncorrect);
}

TEST(MathVerifier, TheLastStatementCounts) {
  expect_all({{"42", "First \\boxed{41}. No: \\boxed{42}"},
              {"42", "<think>\\boxed{41}</think> \\boxed{42}"},
              {"10455", "interest \\boxed{255}. Final Answer: The final answer is $10,455$."},
              {"3", "Final Answer: Jane began 3 hours ago. I hope it is correct."},
              {"41", "The answer is not 42, it is 41."},
              {"41", "It is not 42. We get 41."},
              {"41", "The answer is 41, not 42."},
              {"72", "48+24 = 72 clips.\n#### 72"}},
             Outcome::kCorrect);
  expect_all({{"42", "<think>\\boxed{42}</think> The final answer is 41."},
              {"42", "<think> so \\boxed{42}"},
              {"42", "\\def\\boxed#1{42}\\boxed{41}"}},
             Outcome::kIncorrect);
}

TEST(MathVerifier, RefusesHedgesAndSeveralAnswers) {
  expect_all({{"42", "The answer is 41 or 42"},
              {"42", "The answer is 42, or maybe 41"},
              {"42", "\\boxed{41 \\text{ or } 42}"},
              {"42", "\\boxed{41} or \\boxed{42}"},
              {"42", "\\boxed{41}, \\boxed{42}"},
              {"42", "The answer is not 42"},
              {"42", "The answer is not $42$."},
              {"42", "The answer is clearly not 42."},
              {"42", "The answer isn't 42."},
              {"42", "The answer cannot be 42"},
              {"42", "It is definitely not 42."},
              {"42", "\\boxed{\\text{the answer}}"}},
             Outcome::kIncorrect);
}

TEST(MathVerifier, WhatHasNoValueEqualsNothing) {
  expect_all({{"NaN", "NaN"},
              {"5", "\\boxed{1/0}"},
              {"1/0", "1/0"},
              {"0", "\\frac{0}{0}"},
              {"5", "\\boxed{}"}},
             Outcome::kIncorrect);
}

TEST(MathVerifier, RepeatingThePromptIsNoAnswer) {
  EXPECT_EQ(judge("1073", "\\boxed{37*29}", "{}", "What is 37 * 29?").outcome, Outcome::kIncorrect);
  EXPECT_EQ(judge("1073", "37*29 = 1073", "{}", "What is 37 * 29?").outcome, Outcome::kCorrect);
}

TEST(MathVerifier, RoundedDecimalsNeedTheOption) {
  EXPECT_EQ(judge("1/3", "0.333333").outcome, Outcome::kIncorrect);
  const std::string options = R"({"float_digits": 6})";
  expect_all({{"1/3", "0.333333"}, {"8/3", "2.6667"}}, Outcome::kCorrect, options);
  expect_all({{"1/3", "0.33"}, {"8/3", "2.6666"}, {"1.5", "1.500001"}}, Outcome::kIncorrect,
             options);
}

TEST(MathVerifier, ANumberInPassingIsReadOnlyAsAnExpression) {
  const char* latex = R"({"extract": ["latex", "boxed"]})";
  EXPECT_EQ(judge("7", "There were 7 of them in all").outcome, Outcome::kCorrect);
  EXPECT_EQ(judge("7", "There were 7 of them in all", latex).outcome, Outcome::kIncorrect);
  EXPECT_EQ(judge("7", "There were $7$ of them in all", latex).outcome, Outcome::kCorrect);
}

TEST(MathVerifier, StrictnessKeepsTuplesAndSetsApart) {
  EXPECT_EQ(judge("(1,2)", "\\boxed{\\{2,1\\}}").outcome, Outcome::kIncorrect);
  EXPECT_EQ(judge("(1,2)", "\\boxed{\\{2,1\\}}", R"({"strict": false})").outcome,
            Outcome::kCorrect);
}

TEST(MathVerifier, EvidenceIsToldFromProof) {
  EXPECT_THAT(judge("1", "\\boxed{\\sin^2 x+\\cos^2 x}").reason, HasSubstr("numerically"));
  EXPECT_THAT(judge("x^2-1", "\\boxed{(x-1)(x+1)}").reason, HasSubstr("equals"));
}

TEST(MathVerifier, BombsEndQuicklyWithAVerdict) {
  const std::vector<std::string> bombs = {
      "\\boxed{9^{9^{9}}}",
      "\\boxed{100000!}",
      "\\boxed{((((5!)!)!)!)!}",
      "\\boxed{10^{1000000000}}",
      "\\boxed{1e999999999999999999999}",
      "\\boxed{(x+y+z+w)^{5000}}",
      "\\boxed{" + std::string(60'000, '9') + "}",
      std::string(60'000, '9'),
      std::string(60'000, '('),
      "\\boxed{" + std::string(4'000, '(') + "1" + std::string(4'000, ')') + "}",
      "\\boxed{" + std::string(30'000, '{'),
      std::string(1'000'000, '7'),
      std::string(60'000, '$'),
      "\\boxed{" + std::string(4'000, '-') + "1}",
      "\\boxed{1" + std::string(2'000, '!') + "}",
  };
  std::string boxes;
  std::string answers;
  std::string products = "\\boxed{3^{9000}";
  for (int i = 0; i < 6'000; ++i) boxes += "\\boxed{";
  for (int i = 0; i < 5'000; ++i) answers += "the answer ";
  for (int i = 0; i < 300; ++i) products += "+3^{9000}/7^{9000}";
  std::string equations = "\\boxed{x=9^{9000}";
  for (int i = 0; i < 90; ++i) equations += ",x=" + std::to_string(i) + "^{9000}";
  for (const std::string& bomb : {boxes, answers, products + "}", equations + "}"}) {
    const auto start = thread_cpu_time();
    EXPECT_FALSE(judge("1", bomb).reason.empty());
    EXPECT_LT((thread_cpu_time() - start).count(), 100'000) << bomb.substr(0, 40);
  }
  for (const std::string& bomb : bombs) {
    const auto start = thread_cpu_time();
    const wire::Verdict verdict = judge("1", bomb);
    EXPECT_LT((thread_cpu_time() - start).count(), 100'000) << bomb.substr(0, 40);  // us
    // 1!!!... is 1, and an even number of signs changes nothing: both may be right.
    EXPECT_TRUE(verdict.is_scored()) << bomb.substr(0, 40);
  }
}

TEST(MathVerifier, BrokenInputIsATypedVerdict) {
  EXPECT_EQ(judge("1", "\\boxed{1}\xff").code, VerdictCode::kMalformed);
  EXPECT_EQ(judge("1", std::string(100'000'000, '1')).code, VerdictCode::kOutputLimit);
  EXPECT_EQ(judge("1", "").code, VerdictCode::kNoAnswer);
  const wire::Verdict unscored = judge("\xff", "1");
  EXPECT_EQ(unscored.outcome, Outcome::kUnscored);
  EXPECT_FALSE(unscored.reward.has_value());
}

TEST(MathVerifier, VerdictsCarryReasonIdentityAndHash) {
  const wire::Verdict verdict = judge("5", "\\boxed{6}");

  EXPECT_EQ(verdict.reason, "the answer \"6\" is wrong, expected \"5\"");
  EXPECT_EQ(verdict.verifier, "math/2");
  EXPECT_EQ(verdict.judged, sha256("\\boxed{6}"));
  EXPECT_EQ(verdict.reward, 0.0);
}

TEST(MathVerifier, RefusesUnknownAndWrongOptions) {
  for (const std::string_view options :
       {R"({"float_digit": 6})", R"({"float_digits": "6"})", R"({"float_digits": 99})",
        R"({"strict": 1})", R"({"extract": ["regex"]})", "[]", "{"}) {
    const auto made = make_math_verifier(options);
    ASSERT_FALSE(made) << options;
    EXPECT_EQ(made.error().id, "E403");
  }
  EXPECT_THAT(make_math_verifier(R"({"float_digit": 6})").error().remedy,
              HasSubstr("float_digits"));
}

}  // namespace
}  // namespace assay::verifiers
