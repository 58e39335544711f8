#include "runtime/dataset/permutation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace assay::dataset {
namespace {

TEST(Permutation, VisitsEveryPlaceOnce) {
  for (const std::uint64_t size : {1, 2, 3, 4, 5, 16, 17, 100, 1023, 1024, 1025}) {
    std::vector<bool> is_seen(size, false);
    for (std::uint64_t index = 0; index < size; ++index) {
      const std::uint64_t place = permuted(index, size, 17, 3);
      ASSERT_LT(place, size);
      EXPECT_FALSE(is_seen[place]) << "size " << size << " index " << index;
      is_seen[place] = true;
    }
  }
}

TEST(Permutation, SeedsAndStreamsGiveOtherOrders) {
  int equal_to_seed = 0;
  int equal_to_stream = 0;
  for (std::uint64_t index = 0; index < 1000; ++index) {
    equal_to_seed += permuted(index, 1000, 1, 0) == permuted(index, 1000, 2, 0);
    equal_to_stream += permuted(index, 1000, 1, 0) == permuted(index, 1000, 1, 1);
  }

  EXPECT_LT(equal_to_seed, 10);  // one expected, deviation one
  EXPECT_LT(equal_to_stream, 10);
}

TEST(Permutation, FirstPlacesAreSpreadEvenly) {
  // The first place of 4000 streams over ten values: 400 each, deviation sqrt(4000 * 9/100) = 19.
  std::vector<int> count(10, 0);
  for (std::uint64_t stream = 0; stream < 4000; ++stream) ++count[permuted(0, 10, 17, stream)];

  EXPECT_GT(*std::min_element(count.begin(), count.end()), 305);
  EXPECT_LT(*std::max_element(count.begin(), count.end()), 495);
}

TEST(Permutation, HoldsForTheLargestSizes) {
  const std::uint64_t size = ~std::uint64_t{0};

  EXPECT_LT(permuted(size - 1, size, 1, 1), size);
  EXPECT_NE(permuted(0, size, 1, 1), permuted(1, size, 1, 1));
}

}  // namespace
}  // namespace assay::dataset
