#include "runtime/config/nearest.h"

#include <gtest/gtest.h>

#include <vector>

namespace assay::config {
namespace {

TEST(EditDistance, CountsSwapsOfNeighboursOnce) {
  EXPECT_EQ(edit_distance("scale", "sclae"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);  // k>s, e>i, +g
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("abc", "abc"), 0u);
}

TEST(NearestName, TakesTheClosestCandidate) {
  const std::vector<std::string> names = {"batch_size", "group_size", "queue_size"};

  EXPECT_EQ(nearest_name("grup_size", names), "group_size");
}

TEST(NearestName, SaysNothingWhenNothingIsMeant) {
  const std::vector<std::string> names = {"lr", "ks", "seed"};

  EXPECT_EQ(nearest_name("temperature", names), std::nullopt);
  EXPECT_EQ(nearest_name("", names), std::nullopt);
  EXPECT_EQ(nearest_name(std::string(100'000, 'a'), names), std::nullopt);
}

}  // namespace
}  // namespace assay::config
