#include "runtime/flow/placement.h"

#include <gtest/gtest.h>

namespace assay::flow {
namespace {

using Names = std::vector<std::string>;

TEST(Placement, AWorkerGoesWhereThereIsMostRoom) {
  Placement placement;
  placement.node_joined("n1", {{"math", 2}});
  placement.node_joined("n2", {{"math", 3}});
  EXPECT_EQ(placement.place("math/0"), "n2");
  EXPECT_EQ(placement.place("math/1"), "n1") << "the first by name among equals";
  EXPECT_EQ(placement.place("math/2"), "n2");
  EXPECT_EQ(placement.node_of("math/2"), "n2");
}

TEST(Placement, NobodyIsPutWhereThereIsNoRoom) {
  Placement placement;
  placement.node_joined("n1", {{"math", 1}, {"generator", 0}});
  EXPECT_EQ(placement.place("math/0"), "n1");
  EXPECT_EQ(placement.place("math/1"), std::nullopt);
  EXPECT_EQ(placement.place("generator/0"), std::nullopt);
  EXPECT_EQ(placement.place("sql/0"), std::nullopt);
  placement.remove("math/0");
  EXPECT_EQ(placement.place("math/1"), "n1");
}

TEST(Placement, AStarHostsEveryPoolThatIsNotNamed) {
  Placement placement;
  placement.node_joined("n1", {{kEveryPool, 1}, {"generator", 0}});
  EXPECT_EQ(placement.place("sql/0"), "n1");
  EXPECT_EQ(placement.place("math/0"), "n1") << "one of each pool";
  EXPECT_FALSE(placement.is_hosted("generator"));
  EXPECT_TRUE(placement.is_hosted("math"));
}

TEST(Placement, LosingANodeMakesItsWorkersHomeless) {
  Placement placement;
  placement.node_joined("n1", {{"math", 2}});
  placement.place("math/0");
  placement.place("math/1");
  placement.node_joined("n2", {{"math", 1}});

  EXPECT_EQ(placement.node_lost("n1"), (Names{"math/0", "math/1"}));

  EXPECT_EQ(placement.node_of("math/0"), "");
  EXPECT_EQ(placement.place("math/0"), "n2");
  EXPECT_EQ(placement.place("math/1"), std::nullopt);
  EXPECT_TRUE(placement.node_lost("stranger").empty());
}

}  // namespace
}  // namespace assay::flow
