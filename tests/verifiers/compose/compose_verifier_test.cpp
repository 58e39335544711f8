#include "verifiers/compose/compose_verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/temporary_folder.h"

namespace assay::verifiers {
namespace {

using ::testing::HasSubstr;
using wire::Outcome;

wire::Verdict judge(const std::string& options, const std::string& completion,
                    const std::string& reference = "72") {
  const auto verifier = make_compose_verifier({}, options);
  EXPECT_TRUE(verifier) << verifier.error().message;
  wire::Prompt prompt;
  prompt.reference = reference;
  return verifier ? (*verifier)->verify(prompt, completion) : wire::Verdict();
}

TEST(ComposeVerifier, AsksRealVerifiersAndNamesTheirChecks) {
  const std::string options =
      R"({"rule": "weighted", "threshold": 0.75, "parts": [
          {"name": "answer", "type": "math", "weight": 3},
          {"name": "alone", "type": "exact", "weight": 1}]})";
  const wire::Verdict both = judge(options, "72");
  EXPECT_EQ(both.reward, 1.0);
  const wire::Verdict wordy = judge(options, "It is 72.");
  EXPECT_EQ(wordy.outcome, Outcome::kCorrect);
  EXPECT_EQ(wordy.reward, 0.75);
  ASSERT_EQ(wordy.checks.size(), 2u);
  EXPECT_EQ(wordy.checks[1].name, "alone");
  EXPECT_FALSE(wordy.checks[1].is_passed);
  EXPECT_EQ(judge(options, "It is 71.").reward, 0.0);
}

TEST(ComposeVerifier, AClosedGateKeepsTheOthersFromBeingAsked) {
  const std::string options =
      R"({"parts": [{"type": "math"}, {"name": "shape", "type": "exact", "role": "gate"}]})";
  const wire::Verdict verdict = judge(options, "It is 72.");
  EXPECT_EQ(verdict.outcome, Outcome::kIncorrect);
  ASSERT_EQ(verdict.checks.size(), 1u) << "math was not asked";
  EXPECT_EQ(verdict.checks[0].name, "shape");
}

TEST(ComposeVerifier, MayBePartOfAnother) {
  const std::string inner = R"({"rule": "min", "parts": [{"type": "math"}, {"type": "exact"}]})";
  EXPECT_EQ(judge(R"({"parts": [{"type": "compose", "options": )" + inner + "}]}", "72").outcome,
            Outcome::kCorrect);
}

TEST(ComposeVerifier, SideEffectsNameTheirPart) {
  VerifierContext context;
  context.folder = ASSAY_SOURCE_DIR "/tests/verifiers/python";
  context.watches_effects = true;
  const auto verifier = *make_compose_verifier(
      context, R"({"parts": [{"type": "exact"}, {"name": "mine", "type": "python",
                   "options": {"path": "functions.py:leaves_traces"}}]})");
  verifier->verify({}, "/nowhere/at/all");
  EXPECT_THAT(verifier->side_effects(), ::testing::Contains(HasSubstr("mine: writes a file")));
}

TEST(ComposeVerifier, ItsVersionIsThatOfItsOptionsAndParts) {
  const auto identity = [](const std::string& options) {
    return (*make_compose_verifier({}, options))->identity();
  };
  EXPECT_NE(identity(R"({"parts": [{"type": "math"}]})"),
            identity(R"({"parts": [{"type": "exact"}]})"));
  EXPECT_EQ(identity(R"({"parts": [{"type": "math"}]})"),
            identity(R"({"parts": [{"type": "math"}]})"));
}

// The options name a file; what stands in it is the judge.
TEST(ComposeVerifier, AnotherTextOfAPartsFileIsAnotherJudge) {
  const testing::TemporaryFolder folder;
  const auto identity_of = [&](const char* text) {
    std::ofstream(folder.path("mine.py")) << text;
    VerifierContext context;
    context.folder = folder.root();
    const auto made = make_compose_verifier(
        context, R"({"parts": [{"type": "python", "options": {"path": "mine.py"}}]})");
    EXPECT_TRUE(made) << made.error().message;
    return made ? (*made)->identity() : "";
  };
  EXPECT_NE(identity_of("def verify(completion):\n    return True\n"),
            identity_of("def verify(completion):\n    return False\n"));
}

TEST(ComposeVerifier, RefusesPartsThatMakeNoSense) {
  const auto error = [](const std::string& options) {
    const auto made = make_compose_verifier({}, options);
    return made ? Error{} : made.error();
  };
  EXPECT_EQ(error("{}").id, "E403");
  EXPECT_EQ(error(R"({"parts": []})").id, "E403");
  EXPECT_EQ(error(R"({"parts": [3]})").id, "E403");
  EXPECT_EQ(error(R"({"parts": [{"type": "math", "weight": -1}]})").id, "E403");
  EXPECT_EQ(error(R"({"parts": [{"type": "math"}, {"type": "math"}]})").id, "E403");
  EXPECT_EQ(error(R"({"rule": "most", "parts": [{"type": "math"}]})").id, "E403");
  EXPECT_EQ(error(R"({"parts": [{"type": "mth"}]})").id, "E402");
  const Error inner = error(R"({"parts": [{"name": "a", "type": "exact", "options": {"x": 1}}]})");
  EXPECT_EQ(inner.id, "E403");
  EXPECT_THAT(inner.message, HasSubstr("part \"a\""));
}

}  // namespace
}  // namespace assay::verifiers
