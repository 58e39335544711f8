#include "runtime/core/ids.h"

#include <gtest/gtest.h>

namespace assay {
namespace {

TEST(Ids, AreDerivedFromContentAndSurviveARestart) {
  const PromptId prompt = derive_prompt_id("gsm8k", "How many?", "42");
  const GroupPlace place{.run_seed = 17, .arm = "true", .epoch = 0, .index = 3, .repeat = 0};

  EXPECT_EQ(prompt, derive_prompt_id("gsm8k", "How many?", "42"));
  EXPECT_NE(prompt, derive_prompt_id("gsm8kH", "ow many?", "42"));
  EXPECT_EQ(derive_group_id(place, prompt), derive_group_id(place, prompt));
}

TEST(Ids, EveryPartOfThePlaceMatters) {
  const PromptId prompt{1};
  const GroupPlace base{.run_seed = 1, .arm = "true", .epoch = 1, .index = 1, .repeat = 1};
  GroupPlace other = base;

  other.repeat = 2;
  EXPECT_NE(derive_group_id(base, prompt), derive_group_id(other, prompt));
  other = base;
  other.arm = "random_permute";
  EXPECT_NE(derive_group_id(base, prompt), derive_group_id(other, prompt));
}

TEST(Ids, RolloutTextRoundTrips) {
  const RolloutId id{GroupId{0x7f3a0c1d2e4b5a69ULL}, 5};

  EXPECT_EQ(to_string(id), "7f3a0c1d2e4b5a69:5");
  EXPECT_EQ(*parse_rollout_id(to_string(id)), id);
}

TEST(Ids, MalformedTextIsRefused) {
  for (const char* text :
       {"", ":", "7f", "7f:", "xyz:1", "7f3a0c1d2e4b5a690:1", "7f:1x", "7f:-1"}) {
    EXPECT_FALSE(parse_rollout_id(text).has_value()) << text;
  }
}

TEST(Ids, SamplingSeedsDifferBetweenRollouts) {
  const GroupId group{9};
  EXPECT_NE(derive_sampling_seed(1, {group, 0}), derive_sampling_seed(1, {group, 1}));
  EXPECT_NE(derive_sampling_seed(1, {group, 0}), derive_sampling_seed(2, {group, 0}));
}

}  // namespace
}  // namespace assay
