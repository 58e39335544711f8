#include "runtime/flow/dispatch_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "runtime/core/rng.h"

namespace assay::flow {
namespace {

std::vector<Ticket> take_all(DispatchPlan& plan) {
  std::vector<Ticket> tickets;
  while (auto ticket = plan.next()) tickets.push_back(*ticket);
  return tickets;
}

// (eta + v + 1) * B = (2 + 0 + 1) * 4 = 12 groups may be started at version 0.
TEST(DispatchPlan, CapacityIsTheStalenessBoundTimesTheBatch) {
  DispatchPlan plan(
      {.batch_groups = 4, .staleness_max = 2, .running_groups_max = 100, .step_count = 50});

  EXPECT_EQ(take_all(plan).size(), 12u);
}

TEST(DispatchPlan, BoundZeroIsTheSynchronousLoop) {
  DispatchPlan plan(
      {.batch_groups = 4, .staleness_max = 0, .running_groups_max = 100, .step_count = 50});
  for (const Ticket& ticket : take_all(plan)) plan.group_accepted(ticket);

  EXPECT_FALSE(plan.next());
  plan.version_reached(PolicyVersion{1});
  EXPECT_EQ(take_all(plan).size(), 4u);
}

TEST(DispatchPlan, ADroppedGroupFreesItsPlace) {
  DispatchPlan plan(
      {.batch_groups = 2, .staleness_max = 0, .running_groups_max = 100, .step_count = 50});
  const auto tickets = take_all(plan);

  plan.group_dropped(tickets[0]);

  const auto more = take_all(plan);
  ASSERT_EQ(more.size(), 1u);
  EXPECT_EQ(more[0].index, 2u);
}

TEST(DispatchPlan, NothingIsIssuedThatTheLastStepCannotUse) {
  DispatchPlan plan(
      {.batch_groups = 4, .staleness_max = 8, .running_groups_max = 100, .step_count = 2});

  EXPECT_EQ(take_all(plan).size(), 8u);
}

TEST(DispatchPlan, RunningGroupsAreBounded) {
  DispatchPlan plan(
      {.batch_groups = 8, .staleness_max = 2, .running_groups_max = 5, .step_count = 50});

  EXPECT_EQ(take_all(plan).size(), 5u);
}

// Groups in every state of their life, moved on at random: open ones stay within the bound, and
// reach it.
TEST(DispatchPlan, OpenGroupsStayWithinTheProvedBound) {
  Rng rng(7);
  std::uint64_t tight = 0;
  for (int round = 0; round < 400; ++round) {
    DispatchOptions options;
    options.batch_groups = 1 + static_cast<std::uint32_t>(rng.below(5));
    options.staleness_max = static_cast<std::uint32_t>(rng.below(4));
    options.running_groups_max = 1 + static_cast<std::uint32_t>(rng.below(30));
    options.step_count = 1 + rng.below(6);
    options.is_deterministic = rng.next_bool(0.5);
    const std::uint64_t bound = open_groups_max(options);
    DispatchPlan plan(options);
    std::vector<Ticket> running;
    std::uint64_t accepted = 0, version = 0, open_most = 0;
    for (int event = 0; event < 2000 && version < options.step_count; ++event) {
      for (const Ticket& ticket : take_all(plan)) running.push_back(ticket);
      const std::uint64_t open = running.size() + accepted;
      ASSERT_LE(open, bound);
      open_most = std::max(open_most, open);
      if (accepted >= options.batch_groups && rng.next_bool(0.1)) {
        accepted -= options.batch_groups;
        plan.version_reached(PolicyVersion{++version});
      } else if (accepted > 0 && !options.is_deterministic && rng.next_bool(0.05)) {
        --accepted;
        plan.accepted_group_dropped();
      } else if (!running.empty()) {
        const auto one = running.begin() + static_cast<std::ptrdiff_t>(rng.below(running.size()));
        const bool is_accepted = rng.next_bool(0.7);
        is_accepted ? plan.group_accepted(*one) : plan.group_dropped(*one);
        accepted += is_accepted;
        running.erase(one);
      }
    }
    ASSERT_EQ(version, options.step_count) << "the plan comes to its end";
    tight += open_most == bound;
  }
  EXPECT_GT(tight, 200u) << "a looser bound would not be noticed";
}

TEST(DispatchPlan, DeterministicBatchesArePinnedToOneVersion) {
  DispatchPlan plan({.batch_groups = 2,
                     .staleness_max = 1,
                     .running_groups_max = 100,
                     .step_count = 50,
                     .is_deterministic = true});

  const auto first = take_all(plan);  // batch 0 only: batch 1 waits until it is full
  ASSERT_EQ(first.size(), 2u);
  EXPECT_EQ(first[0].version->value, 0u);
  for (const Ticket& ticket : first) plan.group_accepted(ticket);
  const auto second = take_all(plan);  // batch 1, drawn by version max(0, 1 - 1) = 0

  ASSERT_EQ(second.size(), 2u);
  EXPECT_EQ(second[0].step, 1u);
  EXPECT_EQ(second[0].version->value, 0u);
  for (const Ticket& ticket : second) plan.group_accepted(ticket);
  EXPECT_FALSE(plan.next());  // batch 2 needs version 1
  plan.version_reached(PolicyVersion{1});
  EXPECT_EQ(plan.next()->version->value, 1u);
}

TEST(DispatchPlan, DeterministicRefillsWaitForTheWholeWave) {
  DispatchPlan plan({.batch_groups = 3,
                     .staleness_max = 0,
                     .running_groups_max = 100,
                     .step_count = 50,
                     .is_deterministic = true});
  const auto wave = take_all(plan);

  plan.group_dropped(wave[1]);
  EXPECT_FALSE(plan.next());
  plan.group_accepted(wave[2]);
  plan.group_dropped(wave[0]);
  const auto refill = take_all(plan);

  ASSERT_EQ(refill.size(), 2u);
  EXPECT_EQ(refill[0].index, 3u);
  EXPECT_EQ(refill[0].wave, 1u);
}

TEST(DispatchPlan, ARestoredPlanGoesOnWhereItStopped) {
  const DispatchOptions options{.batch_groups = 2,
                                .staleness_max = 0,
                                .running_groups_max = 100,
                                .step_count = 50,
                                .is_deterministic = true};
  DispatchPlan plan(options);
  plan.restore(3, 8);  // 3 batches committed; tickets 6 and 7 were taken for batch 3

  const Ticket dropped = plan.adopt(6);
  plan.group_dropped(dropped);
  const Ticket open = plan.adopt(7);
  EXPECT_FALSE(plan.next());
  plan.group_accepted(open);
  const auto refill = take_all(plan);

  ASSERT_EQ(refill.size(), 1u);
  EXPECT_EQ(refill[0].index, 8u);
  EXPECT_EQ(refill[0].step, 3u);
  EXPECT_EQ(refill[0].version->value, 3u);
}

}  // namespace
}  // namespace assay::flow
