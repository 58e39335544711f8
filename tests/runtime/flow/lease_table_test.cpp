#include "runtime/flow/lease_table.h"

#include <gtest/gtest.h>

#include "runtime/core/ids.h"

namespace assay::flow {
namespace {

using namespace std::chrono_literals;

SteadyTime at(std::chrono::microseconds time) {
  return SteadyTime(time);
}

TEST(LeaseTable, ALeaseEndsAtItsDeadlineAndNotBefore) {
  LeaseTable<GroupId> leases(10s);
  leases.grant(GroupId{1}, "generator/0", at(0s));

  EXPECT_TRUE(leases.expire(at(9s)).empty());
  const auto expired = leases.expire(at(10s));

  ASSERT_EQ(expired.size(), 1u);
  EXPECT_EQ(expired[0].holder, "generator/0");
  EXPECT_EQ(leases.held_by("generator/0"), 0u);
}

TEST(LeaseTable, EveryGrantCountsAsAnAttemptUntilForgotten) {
  LeaseTable<GroupId> leases(1s);
  EXPECT_EQ(leases.grant(GroupId{1}, "a", at(0s)).attempt, 1u);
  leases.expire(at(2s));
  EXPECT_EQ(leases.grant(GroupId{1}, "b", at(2s)).attempt, 2u);

  leases.forget(GroupId{1});

  EXPECT_EQ(leases.grant(GroupId{1}, "c", at(3s)).attempt, 1u);
}

TEST(LeaseTable, HearingOfAHolderExtendsOnlyItsLeases) {
  LeaseTable<GroupId> leases(10s);
  leases.grant(GroupId{1}, "alive", at(0s));
  leases.grant(GroupId{2}, "silent", at(0s));

  leases.renew("alive", at(8s));
  const auto expired = leases.expire(at(12s));

  ASSERT_EQ(expired.size(), 1u);
  EXPECT_EQ(expired[0].item, GroupId{2});
}

TEST(LeaseTable, RevokingTakesEverythingAHolderHas) {
  LeaseTable<GroupId> leases(10s);
  leases.grant(GroupId{1}, "dead", at(0s));
  leases.grant(GroupId{2}, "dead", at(0s));
  leases.grant(GroupId{3}, "other", at(0s));

  EXPECT_EQ(leases.revoke("dead").size(), 2u);
  EXPECT_EQ(leases.size(), 1u);
}

TEST(LeaseTableDeathTest, AnItemCannotBeLeasedTwice) {
  LeaseTable<GroupId> leases(10s);
  leases.grant(GroupId{1}, "a", at(0s));
  EXPECT_DEATH(leases.grant(GroupId{1}, "b", at(0s)), "one worker at a time");
}

}  // namespace
}  // namespace assay::flow
