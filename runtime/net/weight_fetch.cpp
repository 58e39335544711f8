#include "runtime/net/weight_fetch.h"

#include <algorithm>
#include <cstring>

namespace assay::net {

Result<WeightFetch> WeightFetch::begin(const wire::WeightsNotice& notice, std::uint64_t bytes_max) {
  if (notice.image_bytes <= std::min<std::uint64_t>(bytes_max, kWeightsImageBytesMax)) {
    return WeightFetch(notice);
  }
  return Error{ErrorCode::kExhausted,
               "weights of " + std::to_string(notice.image_bytes) +
                   " bytes were announced, and this policy has " + std::to_string(bytes_max),
               "both processes must run the same configuration and version",
               {},
               {}};
}

WeightFetch::WeightFetch(const wire::WeightsNotice& notice)
    : notice_(notice), image_(notice.image_bytes), missing_(notice.image_bytes) {}

std::uint32_t WeightFetch::bytes_at(std::uint64_t offset) const {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(kWeightsChunkBytes, image_.size() - offset));
}

std::vector<wire::WeightsRequest> WeightFetch::next_requests(std::size_t credit) {
  std::vector<wire::WeightsRequest> requests;
  while (asked_.size() < credit && next_offset_ < image_.size()) {
    requests.push_back({notice_.version, next_offset_, bytes_at(next_offset_)});
    asked_.insert(next_offset_);
    next_offset_ += requests.back().bytes;
  }
  return requests;
}

Result<void> WeightFetch::take(const wire::WeightsChunk& chunk) {
  const std::string what = "the chunk at " + std::to_string(chunk.offset) + " of version " +
                           std::to_string(chunk.version.value);
  if (chunk.version != notice_.version || !asked_.contains(chunk.offset)) {
    return Error{ErrorCode::kCorrupt, what + " was not asked for", {}, {}, {}};
  }
  if (chunk.bytes.empty()) {
    return Error{ErrorCode::kNotFound,
                 "the head no longer has version " + std::to_string(chunk.version.value),
                 {},
                 {},
                 {}};
  }
  const auto bytes = std::as_bytes(std::span(chunk.bytes));
  if (bytes.size() != bytes_at(chunk.offset) || sha256(bytes) != chunk.sha256) {
    return Error{ErrorCode::kCorrupt, what + " is damaged", {}, {}, {}};
  }
  std::memcpy(image_.data() + chunk.offset, bytes.data(), bytes.size());
  asked_.erase(chunk.offset);
  missing_ -= bytes.size();
  return {};
}

}  // namespace assay::net
