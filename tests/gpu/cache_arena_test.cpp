#include "gpu/host/cache_arena.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace assay::gpu::host {
namespace {

constexpr std::size_t kPiece = 1024;  // floats

TEST(CacheArena, PiecesLieOnCacheLinesAndDoNotOverlap) {
  CacheArena arena(4 * kPiece * sizeof(float));
  float* const first = arena.take(kPiece - 3);
  float* const second = arena.take(kPiece);

  ASSERT_NE(first, nullptr);
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(second) % 64, 0u);
  EXPECT_GE(second - first, static_cast<std::ptrdiff_t>(kPiece - 3));
}

TEST(CacheArena, HoldsWhatItIsMadeForAndNoMore) {
  CacheArena arena(2 * kPiece * sizeof(float));
  EXPECT_NE(arena.take(kPiece), nullptr);
  EXPECT_NE(arena.take(kPiece), nullptr);

  EXPECT_EQ(arena.take(kPiece), nullptr);
}

TEST(CacheArena, NeighboursThatAreGivenBackBecomeOnePiece) {
  CacheArena arena(3 * kPiece * sizeof(float));
  float* pieces[3] = {};
  for (float*& piece : pieces) piece = arena.take(kPiece);
  // The ends first: the middle then joins both sides.
  for (const int i : {0, 2, 1}) arena.give_back(pieces[i], kPiece);

  EXPECT_EQ(arena.take(3 * kPiece), pieces[0]);
}

TEST(CacheArena, TheLowestAddressIsUsedAgainFirst) {
  CacheArena arena(3 * kPiece * sizeof(float));
  float* const first = arena.take(kPiece);
  arena.take(kPiece);
  arena.give_back(first, kPiece);

  EXPECT_EQ(arena.take(kPiece / 2), first);
}

}  // namespace
}  // namespace assay::gpu::host
