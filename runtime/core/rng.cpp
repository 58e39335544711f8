#include "runtime/core/rng.h"

#include <cmath>
#include <numbers>

#include "runtime/core/check.h"

namespace assay {

std::uint64_t Rng::next_u64() {
  if (used_words_ == 4) {
    buffer_ = philox(
        seed_, {static_cast<std::uint32_t>(block_), static_cast<std::uint32_t>(block_ >> 32),
                static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)});
    ++block_;
    used_words_ = 0;
  }
  const auto word = static_cast<std::size_t>(used_words_);
  used_words_ += 2;
  return std::uint64_t{buffer_[word]} | std::uint64_t{buffer_[word + 1]} << 32;
}

double Rng::next_unit() {
  return static_cast<double>(next_u64() >> 11) * 0x1.0p-53;
}

double Rng::next_normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - next_unit()));
  return radius * std::cos(2.0 * std::numbers::pi * next_unit());
}

std::uint64_t Rng::below(std::uint64_t bound) {
  ASSAY_CHECK(bound > 0, "a draw needs at least one choice");
  // Rejecting the incomplete last block keeps every value equally likely.
  const std::uint64_t limit = bound * (~std::uint64_t{0} / bound);
  std::uint64_t draw = next_u64();
  while (draw >= limit) draw = next_u64();
  return draw % bound;
}

}  // namespace assay
