#include "runtime/flow/roster.h"

#include <gtest/gtest.h>

namespace assay::flow {
namespace {

using Names = std::vector<std::string>;

TEST(Roster, GrowsFromTheLowestIndexAndShrinksFromTheHighest) {
  Roster roster;
  EXPECT_EQ(roster.resize("math", 3).starts, (Names{"math/0", "math/1", "math/2"}));
  const Roster::Changes fewer = roster.resize("math", 1);
  EXPECT_TRUE(fewer.starts.empty());
  EXPECT_EQ(fewer.retires, (Names{"math/2", "math/1"}));
  EXPECT_TRUE(roster.is_retiring("math/2"));
  EXPECT_FALSE(roster.is_retiring("math/0"));
  EXPECT_EQ(roster.wanted("math"), 1u);
}

// Two workers of one name would take each other's leases.
TEST(Roster, ANameIsFreeOnlyOnceItsWorkerHasLeft) {
  Roster roster;
  roster.resize("math", 2);
  roster.resize("math", 1);
  EXPECT_EQ(roster.resize("math", 2).starts, (Names{"math/2"}));
  roster.left("math/1");
  EXPECT_EQ(roster.resize("math", 3).starts, (Names{"math/1"}));
}

TEST(Roster, AWorkerThatWasGivenUpIsReplacedByTheNextResize) {
  Roster roster;
  roster.resize("math", 2);
  roster.left("math/0");
  EXPECT_EQ(roster.resize("math", 2).starts, (Names{"math/0"}));
}

TEST(Roster, PoolsDoNotMeet) {
  Roster roster;
  roster.resize("math", 1);
  EXPECT_EQ(roster.resize("a/b", 1).starts, (Names{"a/b/0"}));
  EXPECT_EQ(pool_of("a/b/0"), "a/b");
  EXPECT_EQ(roster.resize("math", 0).retires, (Names{"math/0"}));
  EXPECT_FALSE(roster.is_retiring("a/b/0"));
  EXPECT_EQ(roster.wanted("other"), 0u);
}

TEST(Roster, TheSameSizeChangesNothing) {
  Roster roster;
  roster.resize("math", 2);
  const Roster::Changes none = roster.resize("math", 2);
  EXPECT_TRUE(none.starts.empty() && none.retires.empty());
}

}  // namespace
}  // namespace assay::flow
