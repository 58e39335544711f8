#include "runtime/flow/batch_builder.h"

#include <gtest/gtest.h>

namespace assay::flow {
namespace {

std::shared_ptr<const wire::Rollout> rollout(std::uint32_t index, std::uint32_t version,
                                             std::size_t length = 2) {
  auto made = std::make_shared<wire::Rollout>();
  made->id = {GroupId{1}, index};
  made->prompt_tokens = {5, 6, 7};
  made->completion_tokens.assign(length, 8);
  made->logprobs.assign(length, -0.5f);
  made->versions.assign(length, version);
  return made;
}

TEST(BatchBuilder, OnlyCompletionTokensAreTrained) {
  const std::vector<TrainGroup> groups = {{GroupId{1}, {rollout(0, 4), rollout(1, 4)}, {1.0, 0.0}}};

  const auto built = build_train_batch(groups, {}, PolicyVersion{4});

  ASSERT_TRUE(built);
  EXPECT_EQ(built->batch.offsets, (std::vector<std::uint32_t>{0, 5, 10}));
  EXPECT_EQ(built->batch.mask, (std::vector<std::uint8_t>{0, 0, 0, 1, 1, 0, 0, 0, 1, 1}));
  EXPECT_FLOAT_EQ(built->batch.advantages[3], 0.5f);  // 1 - mean of (1, 0)
  EXPECT_FLOAT_EQ(built->batch.advantages[9], -0.5f);
}

TEST(BatchBuilder, AnUnscoredRolloutIsInNeitherTheBaselineNorThePack) {
  const std::vector<TrainGroup> groups = {
      {GroupId{1}, {rollout(0, 1), rollout(1, 1), rollout(2, 1)}, {1.0, std::nullopt, 0.0}}};

  const auto built = build_train_batch(groups, {}, PolicyVersion{1});

  EXPECT_EQ(built->batch.sequence_count(), 2u);
  EXPECT_EQ(built->batch.rollouts[1].index, 2u);
  EXPECT_FLOAT_EQ(built->batch.advantages[3], 0.5f);  // not 1 - 1/3
  EXPECT_EQ(built->summary.unscored_count, 1u);
  EXPECT_DOUBLE_EQ(built->summary.reward_mean, 0.5);
}

TEST(BatchBuilder, StalenessIsCountedFromTheOldestToken) {
  auto mixed = std::make_shared<wire::Rollout>(*rollout(0, 7));
  mixed->versions = {5, 7};
  const std::vector<TrainGroup> groups = {{GroupId{1}, {mixed, rollout(1, 7)}, {1.0, 0.0}}};

  const auto built = build_train_batch(groups, {}, PolicyVersion{7});

  EXPECT_EQ(built->summary.staleness_histogram, (std::vector<std::uint64_t>{1, 0, 1}));
  EXPECT_EQ(built->summary.staleness_max, 2u);
}

TEST(BatchBuilder, ZeroSignalGroupsAreCountedAndExactlyZero) {
  const std::vector<TrainGroup> groups = {{GroupId{1}, {rollout(0, 0), rollout(1, 0)}, {1.0, 1.0}},
                                          {GroupId{2}, {rollout(0, 0), rollout(1, 0)}, {0.0, 0.0}}};

  const auto built = build_train_batch(groups, {}, PolicyVersion{0});

  EXPECT_EQ(built->summary.zero_signal_groups, 2u);
  EXPECT_EQ(built->summary.all_correct_groups, 1u);
  EXPECT_EQ(built->summary.all_wrong_groups, 1u);
  for (const float advantage : built->batch.advantages) EXPECT_EQ(advantage, 0.0f);
}

}  // namespace
}  // namespace assay::flow
