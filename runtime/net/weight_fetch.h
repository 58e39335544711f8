// Weight fetch: pulls the image of one policy version in chunks, a few at a time.
//
// Pure: says what to ask for and takes what came, in any order and as often as it comes. Every
// chunk carries its own hash; the whole is checked by who makes weights of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "runtime/core/result.h"
#include "runtime/wire/cluster.h"

namespace assay::net {

inline constexpr std::size_t kWeightsChunkBytes = std::size_t{4} << 20;
inline constexpr std::size_t kWeightsImageBytesMax = std::size_t{64} << 30;

class WeightFetch {
 public:
  // Errors: kExhausted when the announced image is larger than kWeightsImageBytesMax or than
  // `bytes_max`, what the policy can have.
  static Result<WeightFetch> begin(const wire::WeightsNotice& notice, std::uint64_t bytes_max);

  // What to ask for now, so that `credit` requests are under way.
  std::vector<wire::WeightsRequest> next_requests(std::size_t credit = 4);
  // Errors: kCorrupt for a chunk whose hash is wrong or that was not asked for; kNotFound when the
  // head no longer has this version.
  Result<void> take(const wire::WeightsChunk& chunk);

  bool is_complete() const { return missing_ == 0; }
  const wire::WeightsNotice& notice() const { return notice_; }
  std::span<const std::byte> image() const { return image_; }

 private:
  explicit WeightFetch(const wire::WeightsNotice& notice);
  std::uint32_t bytes_at(std::uint64_t offset) const;

  wire::WeightsNotice notice_;
  std::vector<std::byte> image_;
  std::uint64_t next_offset_ = 0;
  std::set<std::uint64_t> asked_;  // offsets under way
  std::uint64_t missing_ = 0;      // bytes
};

}  // namespace assay::net
