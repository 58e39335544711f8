// The rules that make one verdict of several, with numbers worked by hand.
#include "verifiers/compose/composition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::verifiers {
namespace {

using ::testing::HasSubstr;
using wire::Outcome;
using wire::Verdict;
using wire::VerdictCode;

JudgedPart right(const std::string& name, double reward = 1, double weight = 1) {
  return {name, PartRole::kScore, weight, Verdict::correct("fine", reward)};
}
JudgedPart wrong(const std::string& name, double reward = 0, double weight = 1) {
  return {name, PartRole::kScore, weight,
          Verdict::incorrect(VerdictCode::kWrongAnswer, "7, expected 8", reward)};
}
JudgedPart away(const std::string& name) {
  return {name, PartRole::kScore, 1, Verdict::unscored(VerdictCode::kJudgeUnavailable, "away")};
}
JudgedPart as(PartRole role, JudgedPart part) {
  part.role = role;
  return part;
}

Verdict of(CompositionRule rule, const std::vector<JudgedPart>& parts,
           Abstention abstention = Abstention::kUnscored, double threshold = 1) {
  return compose({rule, abstention, threshold}, parts);
}

TEST(Composition, AllIsAProduct) {
  const Verdict both = of(CompositionRule::kAll, {right("a", 0.5), right("b", 0.5)});
  EXPECT_EQ(both.outcome, Outcome::kCorrect);
  EXPECT_DOUBLE_EQ(*both.reward, 0.25);

  const Verdict one = of(CompositionRule::kAll, {right("a"), wrong("b")});
  EXPECT_EQ(one.outcome, Outcome::kIncorrect);
  EXPECT_EQ(one.reward, 0.0);
  EXPECT_EQ(one.code, VerdictCode::kWrongAnswer);
  EXPECT_EQ(one.reason, "b: 7, expected 8");
}

TEST(Composition, WeightedIsAMeanWithAThreshold) {
  // (3 * 1 + 1 * 0) / 4
  const std::vector<JudgedPart> parts = {right("a", 1, 3), wrong("b", 0, 1)};
  const Verdict strict = of(CompositionRule::kWeighted, parts);
  EXPECT_EQ(strict.outcome, Outcome::kIncorrect);
  EXPECT_DOUBLE_EQ(*strict.reward, 0.75);
  EXPECT_EQ(of(CompositionRule::kWeighted, parts, Abstention::kUnscored, 0.75).outcome,
            Outcome::kCorrect);
  // Three of four are 0.7499999999999999 where each weighs 0.7.
  const std::vector<JudgedPart> four = {right("a", 1, 0.7), right("b", 1, 0.7), right("c", 1, 0.7),
                                        wrong("d", 0, 0.7)};
  EXPECT_EQ(of(CompositionRule::kWeighted, four, Abstention::kUnscored, 0.75).outcome,
            Outcome::kCorrect);
}

TEST(Composition, MinIsTheLeast) {
  const Verdict verdict = of(CompositionRule::kMin, {right("a", 0.9), right("b", 0.4)});
  EXPECT_DOUBLE_EQ(*verdict.reward, 0.4);
  EXPECT_EQ(verdict.outcome, Outcome::kIncorrect);
  EXPECT_THAT(verdict.reason, HasSubstr("too low a score"));
}

TEST(Composition, AnAbstentionDoesWhatIsDeclared) {
  const std::vector<JudgedPart> parts = {right("a"), away("b")};
  for (const auto rule :
       {CompositionRule::kAll, CompositionRule::kWeighted, CompositionRule::kMin}) {
    const Verdict unscored = of(rule, parts);
    EXPECT_EQ(unscored.outcome, Outcome::kUnscored);
    EXPECT_FALSE(unscored.reward.has_value());
    EXPECT_EQ(unscored.code, VerdictCode::kJudgeUnavailable);
    EXPECT_EQ(of(rule, parts, Abstention::kSkip).outcome, Outcome::kCorrect);
    EXPECT_EQ(of(rule, parts, Abstention::kFail).outcome, Outcome::kIncorrect);
  }
  EXPECT_DOUBLE_EQ(*of(CompositionRule::kWeighted, parts, Abstention::kFail).reward, 0.5);
  EXPECT_EQ(of(CompositionRule::kAll, {away("a"), away("b")}, Abstention::kSkip).outcome,
            Outcome::kUnscored)
      << "nobody judged";
}

TEST(Composition, AWrongPartDoesNotOutweighAJudgeThatIsAway) {
  // The product would be 0 whatever b said, but only a cascade says that the order decides.
  EXPECT_EQ(of(CompositionRule::kAll, {wrong("a"), away("b")}).outcome, Outcome::kUnscored);
  EXPECT_EQ(of(CompositionRule::kCascade, {wrong("a"), away("b")}).outcome, Outcome::kIncorrect);
  EXPECT_EQ(of(CompositionRule::kCascade, {right("a"), away("b")}).outcome, Outcome::kUnscored);
}

TEST(Composition, AClosedGateIsAZeroAndAnOpenOneAddsNothing) {
  const JudgedPart open = as(PartRole::kGate, right("format", 0.3));
  EXPECT_DOUBLE_EQ(*of(CompositionRule::kWeighted, {open, right("a")}).reward, 1.0);

  const Verdict closed =
      of(CompositionRule::kWeighted, {as(PartRole::kGate, wrong("format", 0.3)), right("a")});
  EXPECT_EQ(closed.outcome, Outcome::kIncorrect);
  EXPECT_EQ(closed.reward, 0.0);
  EXPECT_EQ(closed.code, VerdictCode::kWrongAnswer);

  const Verdict unsure = of(CompositionRule::kAll,
                            {as(PartRole::kGate, away("format")), right("a")}, Abstention::kSkip);
  EXPECT_EQ(unsure.outcome, Outcome::kUnscored) << "a gate is never skipped";
  EXPECT_EQ(of(CompositionRule::kAll, {open}).outcome, Outcome::kCorrect);
}

TEST(Composition, ATripwireRejectsAndCanBeTold) {
  const Verdict verdict =
      of(CompositionRule::kAll, {as(PartRole::kTripwire, wrong("reads tests")), right("a")});
  EXPECT_EQ(verdict.code, VerdictCode::kRejected);
  EXPECT_EQ(verdict.reward, 0.0);
  ASSERT_EQ(verdict.checks.size(), 2u);
  EXPECT_EQ(verdict.checks[0].name, "tripwire:reads tests");
  EXPECT_FALSE(verdict.checks[0].is_passed);
}

// Nothing of a completion that cheats is worth anything, however much else of it is right.
TEST(Composition, ATripwireInsideAPartRejectsTheWhole) {
  const JudgedPart inner{
      "inner", PartRole::kScore, 1,
      of(CompositionRule::kAll, {as(PartRole::kTripwire, wrong("reads tests")), right("a")})};
  const CompositionOptions mean{CompositionRule::kWeighted, Abstention::kUnscored, 0.5};
  for (const JudgedPart& part : {inner, as(PartRole::kGate, inner)}) {
    const Verdict whole = compose(mean, {right("answer", 1, 9), part});
    EXPECT_EQ(whole.code, VerdictCode::kRejected);
    EXPECT_EQ(whole.reward, 0.0);
    EXPECT_EQ(wire::tripped_wires(whole), std::vector<std::string>{"reads tests"});
    EXPECT_TRUE(is_decided(mean, {part}));
  }
}

TEST(Composition, NothingToLookAtIsNoSolutionAndNoCheating) {
  for (const auto code :
       {VerdictCode::kNoAnswer, VerdictCode::kMalformed, VerdictCode::kOutputLimit}) {
    JudgedPart part = as(PartRole::kTripwire, wrong("t"));
    part.verdict->code = code;
    const Verdict verdict = of(CompositionRule::kWeighted, {part, right("a", 1, 9)});
    EXPECT_EQ(verdict.code, code);
    EXPECT_EQ(verdict.reward, 0.0);
    EXPECT_TRUE(wire::tripped_wires(verdict).empty());
  }
}

TEST(Composition, ATripwireThatIsAwayTripsNothing) {
  const Verdict verdict = of(CompositionRule::kAll, {as(PartRole::kTripwire, away("t"))});
  EXPECT_EQ(verdict.outcome, Outcome::kUnscored);
  EXPECT_TRUE(wire::tripped_wires(verdict).empty());
  const Verdict open = of(CompositionRule::kAll, {as(PartRole::kTripwire, right("t")), wrong("a")});
  EXPECT_TRUE(wire::tripped_wires(open).empty()) << "wrong is not cheating";
}

TEST(Composition, ChecksOfPartsKeepTheirNames) {
  JudgedPart part = right("rubric");
  part.verdict->checks = {{"greeting", true, 1, "hello"}};
  part.verdict->isolation = "L4";
  const Verdict verdict = of(CompositionRule::kAll, {right("a"), part});
  ASSERT_EQ(verdict.checks.size(), 3u);
  EXPECT_EQ(verdict.checks[2].name, "rubric/greeting");
  EXPECT_EQ(verdict.isolation, "L4");
}

TEST(Composition, WhatIsDecidedNeedsNoMoreJudges) {
  const CompositionOptions all{CompositionRule::kAll, Abstention::kUnscored, 1};
  const CompositionOptions cascade{CompositionRule::kCascade, Abstention::kUnscored, 1};
  EXPECT_FALSE(is_decided(all, {wrong("a")}));
  EXPECT_TRUE(is_decided(cascade, {wrong("a")}));
  EXPECT_FALSE(is_decided(cascade, {right("a"), away("b")}));
  EXPECT_TRUE(is_decided(all, {as(PartRole::kGate, wrong("g"))}));
  EXPECT_TRUE(is_decided(all, {as(PartRole::kTripwire, away("t"))}));
  EXPECT_FALSE(is_decided(all, {as(PartRole::kGate, right("g"))}));
}

}  // namespace
}  // namespace assay::verifiers
