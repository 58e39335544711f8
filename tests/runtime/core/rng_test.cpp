#include "runtime/core/rng.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace assay {
namespace {

// Known-answer vectors of the Random123 distribution for philox4x32-10.
TEST(Philox, MatchesThePublishedVectors) {
  const std::array<std::uint32_t, 4> zeros{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
  const std::array<std::uint32_t, 4> ones{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd};

  EXPECT_EQ(philox(0, {0, 0, 0, 0}), zeros);
  EXPECT_EQ(philox(~0ULL, {~0u, ~0u, ~0u, ~0u}), ones);
}

TEST(Rng, SameSeedSameStream) {
  Rng first(7, 3);
  Rng second(7, 3);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(first.next_u64(), second.next_u64());
}

TEST(Rng, BelowCoversTheRangeEvenly) {
  Rng rng(1);
  std::vector<int> counts(6, 0);
  for (int i = 0; i < 60000; ++i) ++counts[rng.below(6)];

  // Standard deviation of a count is sqrt(60000 * 1/6 * 5/6) = 91; six of them is 548.
  for (const int count : counts) EXPECT_NEAR(count, 10000, 548);
}

TEST(Rng, NormalHasMeanZeroAndUnitVariance) {
  Rng rng(5);
  double sum = 0, square = 0;
  for (int i = 0; i < 40000; ++i) {
    const double draw = rng.next_normal();
    sum += draw;
    square += draw * draw;
  }
  EXPECT_NEAR(sum / 40000, 0, 0.03);
  EXPECT_NEAR(square / 40000, 1, 0.05);
}

TEST(Rng, ShuffleKeepsEveryItem) {
  std::vector<int> items(50);
  std::iota(items.begin(), items.end(), 0);
  Rng rng(2);
  rng.shuffle(std::span(items));

  EXPECT_FALSE(std::is_sorted(items.begin(), items.end()));
  std::sort(items.begin(), items.end());
  for (int i = 0; i < 50; ++i) EXPECT_EQ(items[static_cast<std::size_t>(i)], i);
}

}  // namespace
}  // namespace assay
