#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "verifiers/registry.h"
#include "verifiers/text/prose.h"

namespace assay::verifiers {
namespace {

using ::testing::HasSubstr;
using wire::Outcome;

const std::string kText =
    "# Introduction\n\nA heap keeps the smallest element at its root, which is why queues are "
    "built "
    "on it. For example, a clinic serves the most urgent patient first.\n\n"
    "Removing the root leaves a gap. The last leaf moves there and sinks while a child is smaller, "
    "so the order holds again after a few steps. A second example is the scheduler of a kernel.\n\n"
    "In conclusion, heaps trade perfect order for cheap updates.";

wire::Verdict judge(std::string_view completion, std::string_view options) {
  return (*make_verifier("rubric", options))->verify({}, completion);
}

const wire::Check* find_check(const wire::Verdict& verdict, std::string_view name) {
  const auto found = std::find_if(verdict.checks.begin(), verdict.checks.end(),
                                  [&](const wire::Check& check) { return check.name == name; });
  return found == verdict.checks.end() ? nullptr : &*found;
}

TEST(Rubric, GivesACheckForEveryCriterion) {
  const wire::Verdict verdict =
      judge(kText, R"({"rubric": {"a": "'introduction' in first 40 chars", "b": ">=2 'example'",
                            "c": "'quantum'", "d": "40..90 words"}})");

  EXPECT_EQ(verdict.outcome, Outcome::kIncorrect);
  EXPECT_DOUBLE_EQ(*verdict.reward, 0.75);
  EXPECT_TRUE(find_check(verdict, "a")->is_passed);
  EXPECT_TRUE(find_check(verdict, "b")->is_passed);
  EXPECT_FALSE(find_check(verdict, "c")->is_passed);
  EXPECT_TRUE(find_check(verdict, "d")->is_passed) << find_check(verdict, "d")->reason;
}

TEST(Rubric, WeightsThresholdAndHardCriteriaDecide) {
  const std::string weighted =
      R"("rubric": {"a": {"type": "contains", "text": "heap", "weight": 3}, "b": "'quantum'"})";
  EXPECT_EQ(judge(kText, R"({"threshold": 0.75, )" + weighted + "}").outcome, Outcome::kCorrect);
  EXPECT_EQ(judge(kText, R"({"threshold": 0.76, )" + weighted + "}").outcome, Outcome::kIncorrect);
  EXPECT_EQ(*judge(kText, R"({"partial_credit": false, )" + weighted + "}").reward, 0.0);
  const wire::Verdict hard = judge(kText, R"({"threshold": 0, "rubric": {"a": "'heap'",
                 "b": {"type": "contains", "text": "quantum", "hard": true}}})");
  EXPECT_EQ(hard.outcome, Outcome::kIncorrect);
  EXPECT_EQ(*hard.reward, 0.0);
}

TEST(Rubric, WarnsWhereKeywordsAloneDecide) {
  const wire::Verdict keywords = judge(kText, R"({"rubric": {"a": "'heap'", "b": ">=10 words"}})");
  ASSERT_NE(find_check(keywords, "warning"), nullptr);
  EXPECT_THAT(find_check(keywords, "warning")->reason, HasSubstr("say nothing"));
  const wire::Verdict structure =
      judge(kText, R"({"rubric": {"a": "'heap'", "b": "'introduction' before 'conclusion'"}})");
  EXPECT_EQ(find_check(structure, "warning"), nullptr);
}

TEST(Rubric, StuffingMeetsNothing) {
  const std::string options =
      R"({"threshold": 0, "rubric": {"a": "'introduction'", "b": ">=2 'example'"}})";
  std::string repeated, filler, runs;
  for (int i = 0; i < 40; ++i) {
    repeated += "This introduction gives one example after another example here. ";
    filler += "example introduction ";
    runs += "very ";
  }
  for (const std::string& text :
       {repeated, filler, "The introduction is " + runs + "good. " + kText}) {
    const wire::Verdict verdict = judge(text, options);
    EXPECT_EQ(verdict.outcome, Outcome::kIncorrect) << text.substr(0, 60);
    EXPECT_EQ(*verdict.reward, 0.0);
    ASSERT_NE(find_check(verdict, "stuffing"), nullptr) << text.substr(0, 60);
  }
  EXPECT_EQ(judge(kText, options).outcome, Outcome::kCorrect);
}

TEST(Rubric, AKeywordCountsWhereItIsUsedInEarnest) {
  const std::string options = R"({"rubric": {"a": ">=2 'example'"}})";
  EXPECT_EQ(judge("Example. Example. Example.", options).outcome, Outcome::kIncorrect);
  EXPECT_EQ(judge("An example, an example, an example of it.", options).outcome,
            Outcome::kIncorrect);  // one sentence
  EXPECT_EQ(judge("Here is an example of one. Examples of the other are rare.", options).outcome,
            Outcome::kCorrect);
  EXPECT_EQ(
      judge("```\nhere is an example of code\nand a second example of it\n```", options).outcome,
      Outcome::kIncorrect);  // code is not prose
}

TEST(Rubric, ReadsEveryKindOfLine) {
  const struct {
    const char* line;
    bool is_met;
  } lines[] = {
      {"'heap'", true},
      {"'introduction' in first 5 chars", false},
      {"no 'banana'", true},
      {"no 'heap'", false},
      {">=3 sentences", true},
      {"<=2 sentences", false},
      {"2..9 paragraphs", true},
      {">=10000 chars", false},
      {"/[Ss]econd ex/", true},
      {"/^banana/", false},
      {"'smallest' near 'root'", true},
      {"'smallest' within 1 words of 'root'", false},
      {"'introduction' before 'conclusion'", true},
      {"'conclusion' before 'introduction'", false},
      {"```", false},
  };
  for (const auto& [line, is_met] : lines) {
    const std::string options = R"({"rubric": {"it": ")" + std::string(line) + R"("}})";
    EXPECT_EQ(judge(kText, options).outcome == Outcome::kCorrect, is_met) << line;
  }
}

TEST(Rubric, ReadsCriteriaAsObjects) {
  const std::string options = R"({"rubric": {
    "order": {"type": "order", "texts": ["introduction", "second", "conclusion"]},
    "near": {"type": "near", "first": "leaf", "second": "moves", "words": 3},
    "json": {"type": "format", "format": "json", "weight": 0},
    "regex": {"type": "regex", "pattern": "HEAP", "ignore_case": true, "at_least": 2},
    "count": {"type": "count", "of": "sentences", "min": 3, "max": 12}}})";
  const wire::Verdict verdict = judge(kText, options);
  EXPECT_EQ(verdict.outcome, Outcome::kCorrect) << verdict.reason;
  EXPECT_FALSE(find_check(verdict, "json")->is_passed);
}

TEST(Rubric, RefusesWhatIsNoRubric) {
  for (const char* options :
       {R"({"rubric": {}})", R"({"rubric": []})", R"({"rubric": {"a": "heap"}})",
        R"({"rubric": {"a": "'heap"}})", R"({"rubric": {"a": {"type": "magic"}}})",
        R"({"rubric": {"a": {"type": "contains"}}})", R"({"rubric": {"a": {"txt": "x"}}})",
        R"({"rubric": {"a": {"type": "contains", "text": "x", "weight": 0}}})",
        R"({"rubric": {"a": {"type": "count", "min": 5, "max": 1}}})",
        R"({"rubric": {"a": "/(/"}})", R"({"threshold": 2, "rubric": {"a": "'x'"}})"}) {
    const auto made = make_verifier("rubric", options);
    ASSERT_FALSE(made) << options;
    EXPECT_EQ(made.error().id, "E403") << options;
  }
}

TEST(Rubric, MayStandInTheReference) {
  const auto verifier = *make_verifier("rubric");
  wire::Prompt prompt;
  prompt.reference = R"({"a": "'heap'"})";
  EXPECT_EQ(verifier->verify(prompt, kText).outcome, Outcome::kCorrect);
  EXPECT_TRUE(verifier->check_reference(prompt));
  prompt.reference = "a good text";
  EXPECT_EQ(verifier->verify(prompt, kText).outcome, Outcome::kUnscored);
}

TEST(Prose, IsTakenApart) {
  const Prose prose(kText);
  EXPECT_EQ(prose.paragraph_count(), 3u);
  EXPECT_EQ(prose.sentence_count(), 6u);
  EXPECT_EQ(prose.uses_of("example", kText.size()), 2u);
  EXPECT_FALSE(prose.stuffing_sign());
  EXPECT_EQ(Prose("").word_count(), 0u);
}

}  // namespace
}  // namespace assay::verifiers
