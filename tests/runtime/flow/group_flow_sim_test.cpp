// The whole loop in simulation: a world of seeded chaos, thousands of times over.
#include <gtest/gtest.h>

#include "tests/runtime/flow/chaos_world.h"

namespace assay::flow {
namespace {

using testing::ChaosCounts;
using testing::ChaosOptions;
using testing::ChaosWorld;

TEST(GroupFlowSim, EveryScheduleEndsWithTheInvariantsIntact) {
  const std::uint64_t first = testing::first_seed();
  ChaosCounts seen;
  for (std::uint64_t seed = first; seed < first + testing::seed_count(2000); ++seed) {
    SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
    ChaosOptions options;
    options.seed = seed;
    options.staleness = static_cast<std::uint32_t>(seed % 4);
    options.stop_chance = seed % 3 == 0 ? 0.002 : 0;
    ChaosWorld world(options);
    ASSERT_TRUE(world.run()) << "the run must come to an end";
    seen.add(world.counts());
    if (HasFailure()) return;
  }
  // A world in which nothing goes wrong proves nothing.
  EXPECT_GT(seen.late, 0u);
  EXPECT_GT(seen.expired, 0u);
  EXPECT_GT(seen.retried_verdicts, 0u);
  EXPECT_GT(seen.unscored, 0u);
  EXPECT_GT(seen.retired, 0u);
  for (const DropReason reason : {DropReason::kStale, DropReason::kZeroVariance,
                                  DropReason::kGeneratorGaveUp, DropReason::kDrained}) {
    EXPECT_GT(seen.dropped[reason], 0u) << to_string(reason);
  }
  // Bound 3: (3 + 1) batches of 4 groups, reached and never passed.
  EXPECT_EQ(seen.open_most, 16u);
}

// When work is done and by whom depends on luck; what is trained on must not.
TEST(GroupFlowSim, DeterministicBatchesDoNotDependOnTheSchedule) {
  const std::uint64_t first = testing::first_seed();
  for (std::uint32_t staleness : {0u, 1u, 2u}) {
    std::map<std::uint64_t, std::vector<GroupId>> expected;
    for (std::uint64_t seed = first; seed < first + testing::seed_count(200); ++seed) {
      SCOPED_TRACE("ASSAY_SEED=" + std::to_string(seed));
      ChaosOptions options;
      options.seed = seed;
      options.staleness = staleness;
      options.is_deterministic = true;
      options.attempts_max = 1000;
      ChaosWorld world(options);
      ASSERT_TRUE(world.run());
      if (expected.empty()) expected = world.batches();
      EXPECT_EQ(world.batches(), expected);
      if (HasFailure()) return;
    }
  }
}

}  // namespace
}  // namespace assay::flow
