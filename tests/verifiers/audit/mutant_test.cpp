#include "verifiers/audit/mutant.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "verifiers/registry.h"

namespace assay::verifiers {
namespace {

using ::testing::Contains;
using ::testing::Key;
using ::testing::Not;
using ::testing::Pair;

std::map<std::string, std::string> by_operation(const MutationSeed& seed, bool is_breaking) {
  std::map<std::string, std::string> found;
  for (const Mutant& mutant : mutants_of(seed)) {
    if (mutant.is_breaking == is_breaking) found[mutant.operation] = mutant.completion;
  }
  return found;
}

TEST(Mutants, ChangeTheAnswerAndKeepTheRest) {
  const auto broken =
      by_operation({"12 * 6 = 72. The answer is 72.", "72", "12 * 6?", "It is 8."}, true);

  EXPECT_THAT(broken, Contains(Pair("off_by_one", "12 * 6 = 73. The answer is 73.")));
  EXPECT_THAT(broken, Contains(Pair("sign_flip", "12 * 6 = -72. The answer is -72.")));
  EXPECT_THAT(broken, Contains(Pair("digit_swap", "12 * 6 = 27. The answer is 27.")));
  EXPECT_THAT(broken, Contains(Pair("digit_drop", "12 * 6 = 7. The answer is 7.")));
  EXPECT_THAT(broken, Contains(Pair("just_beside", "12 * 6 = 72.1. The answer is 72.1.")));
  EXPECT_THAT(broken,
              Contains(Pair("several_answers", "12 * 6 = 72 or 73. The answer is 72 or 73.")));
  EXPECT_THAT(broken, Contains(Pair("other_answer", "It is 8.")));
  EXPECT_THAT(broken, Contains(Pair("prompt_echo", "12 * 6?")));
  EXPECT_THAT(broken, Contains(Pair("empty", "")));
}

TEST(Mutants, ChangeTheFormAndKeepTheAnswer) {
  const auto kept = by_operation({"So 1073 cups", "1073", "", ""}, false);

  EXPECT_THAT(kept, Contains(Pair("thousands_comma", "So 1,073 cups")));
  EXPECT_THAT(kept, Contains(Pair("trailing_zero", "So 1073.0 cups")));
  EXPECT_THAT(kept, Contains(Pair("space_around", " So 1073 cups\n")));
}

TEST(Mutants, ASeedThatWouldStayItselfGivesNone) {
  EXPECT_THAT(by_operation({"It is 11", "11", "", ""}, true), Not(Contains(Key("digit_swap"))));
  EXPECT_THAT(by_operation({"It is 0", "0", "", ""}, true), Not(Contains(Key("sign_flip"))));
  EXPECT_THAT(by_operation({"It is 0", "0", "", ""}, true), Not(Contains(Key("tenth_more"))));
  EXPECT_THAT(by_operation({"x = 3", "3", "3 - 0?", ""}, true), Not(Contains(Key("prompt_echo"))));
}

TEST(Mutants, LeaveOtherNumbersAlone) {
  // 7 is in 17, 7.5 and 3/7, none of which is the answer.
  const auto broken = by_operation({"17 and 7.5 and 3/7, so 7.", "7", "", ""}, true);
  EXPECT_THAT(broken, Contains(Pair("off_by_one", "17 and 7.5 and 3/7, so 8.")));
}

TEST(Mutants, AReferenceThatIsNoNumberHasTheGeneralOnes) {
  const auto broken = by_operation({"the capital is Paris", "Paris", "", "Rome"}, true);
  EXPECT_THAT(broken, Not(Contains(Key("off_by_one"))));
  EXPECT_THAT(broken, Contains(Key("refusal")));
  EXPECT_THAT(broken, Contains(Pair("other_answer", "Rome")));
  EXPECT_THAT(broken, Contains(Pair("truncated", "the capita")));
}

TEST(Mutants, AreToldApartByAnExactJudge) {
  const auto judge = *make_verifier("math");
  wire::Prompt prompt;
  for (const auto& [completion, reference] :
       {std::pair{"The answer is 1073.", "1073"}, {"\\boxed{-14}", "-14"}, {"#### 2.5", "2.5"}}) {
    prompt.reference = reference;
    for (const Mutant& mutant : mutants_of({completion, reference, "How many?", "It is 3."})) {
      EXPECT_EQ(judge->verify(prompt, mutant.completion).outcome == wire::Outcome::kCorrect,
                !mutant.is_breaking)
          << mutant.operation << ": " << mutant.completion;
    }
  }
}

}  // namespace
}  // namespace assay::verifiers
