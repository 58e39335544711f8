#include "runtime/dataset/permutation.h"

#include <array>
#include <bit>

#include "runtime/core/check.h"
#include "runtime/core/rng.h"

namespace assay::dataset {

namespace {

constexpr std::uint32_t kRounds = 4;

std::uint64_t round_value(std::uint64_t half, std::uint32_t round, std::uint64_t seed,
                          std::uint64_t stream) {
  // The counter is 128 bits: the half, the round and the stream fill it without overlap as long as
  // a half has at most 32 bits, which holds for every 64-bit size.
  const std::array<std::uint32_t, 4> block =
      philox(seed, {static_cast<std::uint32_t>(half), round, static_cast<std::uint32_t>(stream),
                    static_cast<std::uint32_t>(stream >> 32)});
  return std::uint64_t{block[0]} | std::uint64_t{block[1]} << 32;
}

}  // namespace

std::uint64_t permuted(std::uint64_t index, std::uint64_t size, std::uint64_t seed,
                       std::uint64_t stream) {
  ASSAY_CHECK(index < size, "a permuted index lies inside the domain");
  if (size == 1) return 0;
  const int half_bits = (std::bit_width(size - 1) + 1) / 2;
  const std::uint64_t half_mask = (std::uint64_t{1} << half_bits) - 1;
  std::uint64_t value = index;
  do {
    std::uint64_t left = value >> half_bits;
    std::uint64_t right = value & half_mask;
    for (std::uint32_t round = 0; round < kRounds; ++round) {
      const std::uint64_t mixed = (left ^ round_value(right, round, seed, stream)) & half_mask;
      left = right;
      right = mixed;
    }
    value = left << half_bits | right;
  } while (value >= size);
  return value;
}

}  // namespace assay::dataset
