#include "verifiers/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "verifiers/arithmetic/chain_check.h"
#include "verifiers/verdict_text.h"

namespace assay::verifiers {
namespace {

using ::testing::HasSubstr;
using wire::Outcome;
using wire::VerdictCode;

wire::Verdict judge(std::string_view verifier, const wire::Prompt& prompt,
                    std::string_view completion, std::string_view options = "{}") {
  return (*make_verifier(verifier, options))->verify(prompt, completion);
}

wire::Prompt chain_prompt() {
  wire::Prompt prompt;
  prompt.text = "47+8-5*2=";  // 55, 50, 100 mod 100
  prompt.reference = "00";
  return prompt;
}

// What a kind cannot do without.
std::string options_of(std::string_view kind) {
  if (kind == "compose") return R"({"parts": [{"type": "exact"}, {"type": "math"}]})";
  if (kind == "http") return R"({"url": "http://127.0.0.1:1/", "attempts": 1})";
  if (kind != "python") return "{}";
  return R"({"path": ")" ASSAY_SOURCE_DIR R"(/tests/verifiers/python/functions.py"})";
}

// A prompt that the verifier can judge with its default options.
wire::Prompt prompt_for(std::string_view verifier) {
  if (verifier == "chain") return chain_prompt();
  wire::Prompt prompt;
  prompt.reference = "1";
  if (verifier == "choice") prompt.reference = "B";
  if (verifier == "rubric") prompt.reference = R"({"says_why": "'because'"})";
  return prompt;
}

TEST(Registry, MakesEveryKindItShows) {
  for (const VerifierKind& kind : verifier_kinds()) {
    const auto made = make_verifier(kind.name, options_of(kind.name));
    ASSERT_TRUE(made) << kind.name;
    EXPECT_TRUE((*made)->identity().starts_with(std::string(kind.name) + "/"));
  }
}

TEST(Registry, AnUnknownNameListsTheKnownAndTheNearest) {
  const auto made = make_verifier("mth");

  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().id, "E402");
  EXPECT_THAT(made.error().message, HasSubstr("math, chain, exact"));
  EXPECT_THAT(made.error().remedy, HasSubstr("\"math\""));
}

TEST(CheckChain, TellsAnswerAndChainApart) {
  const auto whole = check_chain("47+8-5*2=", "55;50;00.");
  const auto direct = check_chain("47+8-5*2=", "00");
  const auto lucky = check_chain("47+8-5*2=", "55;51;00");
  const auto shorter = check_chain("47+8-5*2=", "50;00");
  const auto wrong = check_chain("47+8-5*2=", "55;50;01");

  EXPECT_TRUE(whole->is_chain_correct && whole->is_answer_correct && whole->is_chain);
  EXPECT_TRUE(direct->is_answer_correct);
  EXPECT_FALSE(direct->is_chain || direct->is_chain_correct);
  EXPECT_TRUE(lucky->is_answer_correct && lucky->is_chain);
  EXPECT_FALSE(lucky->is_chain_correct);
  EXPECT_FALSE(shorter->is_chain_correct);
  EXPECT_FALSE(wrong->is_answer_correct);
}

TEST(CheckChain, StatesWrapAroundBothEnds) {
  EXPECT_TRUE(check_chain("03-5+9*3=", "98;07;21")->is_chain_correct);  // 3-5 = -2 = 98 mod 100
}

TEST(CheckChain, AnythingButStatesIsNoAnswer) {
  for (const char* completion : {"", ".", "0", "000", "55;50;0", "55;50;00;", ";00", "55,50,00",
                                 "55;50;00..", " 00", "00\n", "5550;00", "a0"}) {
    const auto check = check_chain("47+8-5*2=", completion);
    ASSERT_TRUE(check);
    EXPECT_FALSE(check->is_answer_correct) << completion;
    EXPECT_FALSE(check->is_well_formed) << completion;
  }
}

TEST(CheckChain, RefusesWhatIsNoProblem) {
  for (const char* prompt : {"", "47=", "47+8", "47/8=", "4+8=", "47+=", "47+88=", "x7+8="}) {
    EXPECT_FALSE(check_chain(prompt, "00")) << prompt;
  }
}

TEST(ChainVerifier, RewardsTheAnswerAndChecksTheChain) {
  const wire::Verdict direct = judge("chain", chain_prompt(), "00");
  const wire::Verdict whole = judge("chain", chain_prompt(), "55;50;00");

  EXPECT_EQ(direct.outcome, Outcome::kCorrect);
  EXPECT_EQ(direct.reward, 1.0);
  ASSERT_EQ(direct.checks.size(), 2u);
  EXPECT_TRUE(direct.checks[0].is_passed);
  EXPECT_FALSE(direct.checks[1].is_passed);
  EXPECT_TRUE(whole.checks[1].is_passed);
  EXPECT_EQ(judge("chain", chain_prompt(), "55;50;01").code, VerdictCode::kWrongAnswer);
  EXPECT_EQ(judge("chain", chain_prompt(), "hello").code, VerdictCode::kNoAnswer);
}

TEST(ChainVerifier, ATaskThatContradictsItselfIsUnscored) {
  wire::Prompt wrong_reference = chain_prompt();
  wrong_reference.reference = "01";
  wire::Prompt no_problem = chain_prompt();
  no_problem.text = "How many?";

  EXPECT_EQ(judge("chain", wrong_reference, "00").outcome, Outcome::kUnscored);
  EXPECT_EQ(judge("chain", no_problem, "00").outcome, Outcome::kUnscored);
}

TEST(Verifiers, ForeignBytesOfAnySizeGetATypedVerdict) {
  // What a policy may emit: nothing, no UTF-8, control characters, and far too much.
  std::string noise;
  for (int i = 0; i < 3000; ++i) noise += static_cast<char>(i * 37 % 256);
  const std::string huge(100'000'000, '0');
  for (const VerifierKind& kind : verifier_kinds()) {
    if (kind.name == "http") continue;  // a judge that is away scores nothing
    const auto verifier = *make_verifier(kind.name, options_of(kind.name));
    const wire::Prompt prompt = prompt_for(kind.name);
    for (const std::string* completion : {&std::as_const(noise), &huge}) {
      const wire::Verdict verdict = verifier->verify(prompt, *completion);
      EXPECT_EQ(verdict.outcome, Outcome::kIncorrect) << kind.name;
      EXPECT_EQ(verdict.reward, 0.0);
      EXPECT_LT(verdict.reason.size(), 400u) << kind.name;
      EXPECT_TRUE(is_valid_utf8(verdict.reason)) << kind.name;
    }
    if (kind.name != "python") {  // its function may make of it what it likes
      const auto no_answer = kind.name == "sql" ? VerdictCode::kRejected : VerdictCode::kNoAnswer;
      EXPECT_EQ(verifier->verify(prompt, "").code, no_answer) << kind.name;
    }
    EXPECT_EQ(verifier->verify(prompt, std::string("\0", 1)).outcome, Outcome::kIncorrect);
  }
}

TEST(ExactMatch, ComparesByteForByteButForWhiteSpaceAround) {
  wire::Prompt prompt;
  prompt.reference = "Paris";

  EXPECT_EQ(judge("exact", prompt, " Paris\n").outcome, Outcome::kCorrect);
  EXPECT_EQ(judge("exact", prompt, "paris").code, VerdictCode::kWrongAnswer);
  EXPECT_EQ(judge("exact", prompt, "Paris.").code, VerdictCode::kWrongAnswer);
  EXPECT_EQ(judge("exact", prompt, " ").code, VerdictCode::kNoAnswer);
  EXPECT_EQ(judge("exact", prompt, "pARIS", R"({"ignore_case": true})").outcome, Outcome::kCorrect);
  EXPECT_EQ(judge("exact", prompt, "Paris ", R"({"trim": false})").outcome, Outcome::kIncorrect);
}

}  // namespace
}  // namespace assay::verifiers
