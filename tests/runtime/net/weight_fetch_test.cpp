#include "runtime/net/weight_fetch.h"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>

#include "runtime/core/rng.h"

namespace assay::net {
namespace {

class Fetching : public ::testing::Test {
 protected:
  Fetching() : image_(2 * kWeightsChunkBytes + 100) {
    Rng rng(17, 0);
    for (std::uint8_t& byte : image_) byte = static_cast<std::uint8_t>(rng.below(256));
    notice_.version = PolicyVersion{7};
    notice_.image_bytes = image_.size();
  }

  wire::WeightsChunk answer(const wire::WeightsRequest& request) const {
    wire::WeightsChunk chunk;
    chunk.version = request.version;
    chunk.offset = request.offset;
    const auto begin = image_.begin() + static_cast<std::ptrdiff_t>(request.offset);
    chunk.bytes.assign(begin, begin + request.bytes);
    chunk.sha256 = sha256(std::as_bytes(std::span(chunk.bytes)));
    return chunk;
  }
  WeightFetch begin() const { return *WeightFetch::begin(notice_, image_.size()); }

  std::vector<std::uint8_t> image_;
  wire::WeightsNotice notice_;
};

TEST_F(Fetching, TheImageIsWholeInWhateverOrderItComes) {
  WeightFetch fetch = begin();
  std::deque<wire::WeightsRequest> waiting;
  while (!fetch.is_complete()) {
    const auto asked = fetch.next_requests(2);
    waiting.insert(waiting.end(), asked.begin(), asked.end());
    ASSERT_LE(waiting.size(), 2u) << "no more under way than the credit";
    ASSERT_TRUE(fetch.take(answer(waiting.back())));
    waiting.pop_back();
  }
  const auto image = fetch.image();
  ASSERT_EQ(image.size(), image_.size());
  EXPECT_EQ(std::memcmp(image.data(), image_.data(), image.size()), 0);
}

TEST_F(Fetching, ADamagedChunkIsRefusedAndMayComeAgain) {
  WeightFetch fetch = begin();
  const wire::WeightsRequest first = fetch.next_requests(1).at(0);
  wire::WeightsChunk damaged = answer(first);
  damaged.bytes[5] ^= 1;
  EXPECT_EQ(fetch.take(damaged).error().code, ErrorCode::kCorrupt);
  wire::WeightsChunk short_one = answer(first);
  short_one.bytes.pop_back();
  short_one.sha256 = sha256(std::as_bytes(std::span(short_one.bytes)));
  EXPECT_FALSE(fetch.take(short_one));
  EXPECT_TRUE(fetch.take(answer(first)));
}

TEST_F(Fetching, WhatWasNotAskedForIsRefused) {
  WeightFetch fetch = begin();
  const wire::WeightsRequest first = fetch.next_requests(1).at(0);
  EXPECT_FALSE(fetch.take(answer({PolicyVersion{7}, kWeightsChunkBytes, 100})));
  wire::WeightsChunk other = answer(first);
  other.version = PolicyVersion{6};
  EXPECT_FALSE(fetch.take(other));
  EXPECT_TRUE(fetch.take(answer(first)));
  EXPECT_FALSE(fetch.take(answer(first))) << "twice";
}

TEST_F(Fetching, AVersionThatIsGoneIsSaidToBeGone) {
  WeightFetch fetch = begin();
  const wire::WeightsRequest first = fetch.next_requests(1).at(0);
  EXPECT_EQ(fetch.take({first.version, first.offset, {}, {}}).error().code, ErrorCode::kNotFound);
}

// Before any memory is taken for it.
TEST_F(Fetching, AnImageLargerThanThePolicyIsRefused) {
  notice_.image_bytes = std::uint64_t{1} << 62;
  EXPECT_EQ(WeightFetch::begin(notice_, image_.size()).error().code, ErrorCode::kExhausted);
}

}  // namespace
}  // namespace assay::net
