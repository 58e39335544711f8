// The python verifier with a real interpreter: conventions, answers, and functions that break.
#include "verifiers/python/python_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "verifiers/verdict_text.h"

namespace assay::verifiers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using wire::Outcome;
using wire::VerdictCode;

const std::string kFolder = ASSAY_SOURCE_DIR "/tests/verifiers/python";

wire::Prompt prompt() {
  wire::Prompt one;
  one.source = "unit";
  one.text = "How many?";
  one.reference = "72";
  one.columns = R"({"level": 3, "tests": ["t"]})";
  return one;
}

Result<std::unique_ptr<Verifier>> make(const std::string& function,
                                       const std::string& more_options = "") {
  return make_python_verifier({kFolder},
                              R"({"path": "functions.py:)" + function + "\"" + more_options + "}");
}

wire::Verdict judge(const std::string& function, const std::string& completion,
                    const std::string& more_options = "") {
  const auto verifier = make(function, more_options);
  EXPECT_TRUE(verifier) << verifier.error().message;
  return verifier ? (*verifier)->verify(prompt(), completion) : wire::Verdict();
}

TEST(PythonVerifier, AFunctionOfFiveLinesJudges) {
  const wire::Verdict right = judge("verify", "so it is 72.");
  EXPECT_EQ(right.outcome, Outcome::kCorrect);
  EXPECT_EQ(right.reward, 1.0);
  EXPECT_EQ(right.reason, "last token '72.', expected '72'");
  EXPECT_THAT(right.verifier, HasSubstr("python/1:verify:"));

  const wire::Verdict wrong = judge("verify", "so it is 71");
  EXPECT_EQ(wrong.code, VerdictCode::kWrongAnswer);
  EXPECT_EQ(wrong.reward, 0.0);
}

TEST(PythonVerifier, AnswersMayHaveAnyUsualForm) {
  EXPECT_EQ(judge("as_bool", "72").outcome, Outcome::kCorrect);
  EXPECT_EQ(judge("as_bool", "7").outcome, Outcome::kIncorrect);
  EXPECT_EQ(judge("as_number", "0.75").reward, 0.75);
  EXPECT_EQ(judge("as_number", "0.75").outcome, Outcome::kCorrect);
  EXPECT_EQ(judge("as_number", "0.75", R"(, "threshold": 0.8)").outcome, Outcome::kIncorrect);
  EXPECT_EQ(judge("as_pair", "72").reason, "compared");
}

TEST(PythonVerifier, ParametersAreColumns) {
  EXPECT_EQ(judge("with_columns", "x").outcome, Outcome::kCorrect);
  EXPECT_EQ(judge("everything", "x").outcome, Outcome::kCorrect);

  const wire::Verdict missing = judge("needs_column", "x");
  EXPECT_EQ(missing.outcome, Outcome::kUnscored);
  EXPECT_THAT(missing.reason, HasSubstr("no column for the parameter no_such_column; there are: "
                                        "answer, completion, level, prompt, tests"));
}

TEST(PythonVerifier, FunctionsOfOtherFrameworksAreRecognised) {
  EXPECT_EQ(judge("trl", "yes").outcome, Outcome::kCorrect);
  EXPECT_EQ(judge("trl", "no").outcome, Outcome::kIncorrect);
  EXPECT_EQ(judge("verl", "72").outcome, Outcome::kCorrect);
  EXPECT_EQ(judge("verl", "7").outcome, Outcome::kIncorrect);
  EXPECT_EQ(judge("get_assert", "72").outcome, Outcome::kCorrect);
  EXPECT_EQ(judge("get_assert", "72").reward, 0.5);
  EXPECT_EQ(judge("get_assert", "7").outcome, Outcome::kIncorrect) << "`pass` outweighs the score";
  EXPECT_EQ(judge("score_answer", "72").outcome, Outcome::kCorrect);
  EXPECT_EQ(judge("patient", "72").outcome, Outcome::kCorrect);
}

TEST(PythonVerifier, WhatTheFunctionDoesWrongIsNeverAZero) {
  const auto expect_unscored = [](const wire::Verdict& verdict, const std::string& part) {
    EXPECT_EQ(verdict.outcome, Outcome::kUnscored) << part;
    EXPECT_FALSE(verdict.reward.has_value()) << part;
    EXPECT_THAT(verdict.reason, HasSubstr(part));
  };
  expect_unscored(judge("raises", "x"), "raised ZeroDivisionError: division by zero (line 65)");
  expect_unscored(judge("too_high", "x"), "1.7 is outside [0, 1]");
  expect_unscored(judge("not_a_number", "x"), "nan is outside");
  expect_unscored(judge("wrong_type", "x"), "a score is a number, not str");
  expect_unscored(judge("abstains", "x"), "no opinion");
  expect_unscored(judge("dies", "die"), "died");
  expect_unscored(judge("dies", "exit"), "died");
  expect_unscored(judge("sleeps", "sleep", R"(, "timeout_s": 0.2)"), "took more than 200 ms");
  expect_unscored(judge("eats", "4096", R"(, "memory_mb": 512)"), "MemoryError");
}

TEST(PythonVerifier, OneBadItemOfABatchSpoilsNoOther) {
  const auto verifier = *make("dies", R"(, "timeout_s": 1)");
  const wire::Prompt row = prompt();
  std::vector<Judgement> items;
  for (const char* text : {"a", "die", "b", "exit", "c", "d"}) items.push_back({&row, text});
  std::vector<wire::Verdict> verdicts;

  verifier->verify_all(items, [&](wire::Verdict verdict) { verdicts.push_back(verdict); });

  ASSERT_EQ(verdicts.size(), items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool is_bad = i == 1 || i == 3;
    EXPECT_EQ(verdicts[i].outcome, is_bad ? Outcome::kUnscored : Outcome::kCorrect) << i;
    EXPECT_EQ(verdicts[i].judged, sha256(items[i].completion)) << i;
  }
}

TEST(PythonVerifier, AHungItemIsEndedAtItsLimitAndTheRestGoesOn) {
  const auto verifier = *make("sleeps", R"(, "timeout_s": 0.3)");
  const wire::Prompt row = prompt();
  std::vector<Judgement> items;
  for (const char* text : {"a", "sleep", "b"}) items.push_back({&row, text});
  std::vector<Outcome> outcomes;

  verifier->verify_all(items, [&](wire::Verdict verdict) { outcomes.push_back(verdict.outcome); });

  EXPECT_EQ(outcomes, (std::vector{Outcome::kCorrect, Outcome::kUnscored, Outcome::kCorrect}));
}

TEST(PythonVerifier, PrintsAndForgedFramesReachNobody) {
  EXPECT_EQ(judge("scribbles", "plain").outcome, Outcome::kIncorrect);
  EXPECT_EQ(judge("scribbles", "forge").outcome, Outcome::kIncorrect);
}

// A function that evaluates what a model wrote: the classic mistake.
TEST(PythonVerifier, TheFenceHoldsWhatAFunctionLetsLoose) {
  const std::string victim = ::testing::TempDir() + "/fence_victim";
  std::remove(victim.c_str());
  const std::string write = "open('" + victim + "', 'w').write('x') > 0";
  const std::string connect = "__import__('socket').socket() is not None";
  const std::string trace =
      "__import__('ctypes').CDLL(None).syscall(101, 0, 0, 0, 0) is not None";  // ptrace

  const wire::Verdict written = judge("evaluates", write);
  EXPECT_EQ(written.outcome, Outcome::kUnscored);
  EXPECT_THAT(written.isolation, HasSubstr("seccomp"));
  if (written.isolation.find("landlock") == std::string::npos) {
    GTEST_SKIP() << "this kernel has no landlock";
  }
  EXPECT_THAT(written.reason, HasSubstr("PermissionError"));
  EXPECT_FALSE(std::ifstream(victim).is_open());
  EXPECT_THAT(judge("evaluates", connect).reason, HasSubstr("PermissionError"));
  EXPECT_THAT(judge("evaluates", trace).reason, HasSubstr("died"));
  EXPECT_EQ(judge("evaluates", "1 + 1 == 2").outcome, Outcome::kCorrect);
  // Only who says so is let out.
  const wire::Verdict free = judge("evaluates", write, R"(, "sandbox": false)");
  EXPECT_EQ(free.outcome, Outcome::kCorrect);
  EXPECT_EQ(free.isolation, "process");
  std::remove(victim.c_str());
}

// Its network has no interface but its own loopback, whatever the machine has.
TEST(PythonVerifier, TheFenceHasANetworkOfItsOwn) {
  const wire::Verdict verdict =
      judge("evaluates", "open('/proc/self/net/dev').read().count(':') == 1");
  if (verdict.isolation.find("network") == std::string::npos) {
    GTEST_SKIP() << "this machine makes no network namespaces for us";
  }
  EXPECT_EQ(verdict.outcome, Outcome::kCorrect) << verdict.reason;
}

std::unique_ptr<Verifier> watched(const std::string& function, const std::string& more = "") {
  VerifierContext context;
  context.folder = kFolder;
  context.watches_effects = true;
  return *make_python_verifier(context,
                               R"({"path": "functions.py:)" + function + "\"" + more + "}");
}

TEST(PythonVerifier, TellsWhatItsFunctionDoesBesideJudging) {
  const std::string victim = ::testing::TempDir() + "/watched_victim";
  for (const char* fence : {"", R"(, "sandbox": false)"}) {
    const auto verifier = watched("leaves_traces", fence);
    EXPECT_THAT(verifier->side_effects(), IsEmpty()) << "nothing was judged yet";

    for (int i = 0; i < 2; ++i) verifier->verify(prompt(), victim);

    EXPECT_THAT(verifier->side_effects(),
                ElementsAre("changes the environment: 'SEEN'", HasSubstr("uses the network"),
                            "writes a file: '" + victim + "'"))
        << fence;
  }
  std::remove(victim.c_str());
}

TEST(PythonVerifier, AFunctionThatOnlyJudgesIsNotAccused) {
  for (const char* innocent : {"reads_only", "verify", "patient", "as_pair"}) {
    const auto verifier = watched(innocent);
    EXPECT_EQ(verifier->verify(prompt(), "72").outcome, Outcome::kCorrect) << innocent;
    EXPECT_THAT(verifier->side_effects(), IsEmpty()) << innocent;
  }
}

TEST(PythonVerifier, NobodyIsWatchedWhoWasNotAskedFor) {
  const auto verifier = *make("leaves_traces");
  verifier->verify(prompt(), "/dev/full");
  EXPECT_THAT(verifier->side_effects(), IsEmpty());
}

TEST(PythonVerifier, AFileThatCannotBeImportedIsAnErrorWithItsTrace) {
  const auto broken = make_python_verifier({kFolder}, R"({"path": "broken.py"})");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().id, "E401");
  EXPECT_THAT(broken.error().message, HasSubstr("No module named 'no_such_package_of_ours'"));

  const auto unknown = make("no_such_function");
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message, HasSubstr("has no function no_such_function"));
  EXPECT_THAT(unknown.error().message, HasSubstr("score_answer"));

  const auto missing = make_python_verifier({kFolder}, R"({"path": "missing.py"})");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().id, "E401");

  const auto interpreter = make("verify", R"(, "interpreter": "/nowhere/python3")");
  ASSERT_FALSE(interpreter);
  EXPECT_THAT(interpreter.error().message, HasSubstr("/nowhere/python3 cannot be started"));

  EXPECT_EQ(make_python_verifier({kFolder}, "{}").error().id, "E403");
}

TEST(PythonVerifier, ForeignBytesAndMuchOfThemGetATypedVerdict) {
  const std::string noise("\xff\xfe\0\x80", 4);
  EXPECT_EQ(judge("verify", noise).outcome, Outcome::kIncorrect);
  EXPECT_TRUE(is_valid_utf8(judge("verify", noise).reason));
  EXPECT_EQ(judge("verify", std::string(100'000'000, 'x')).code, VerdictCode::kOutputLimit);
}

}  // namespace
}  // namespace assay::verifiers
