// Sixteen floats in an array: the meaning that the vector versions must match bit by bit.
#pragma once

namespace assay::gpu::host {
namespace {

struct Lanes {
  float at[16];
};

constexpr int kAccumulators = 6;
constexpr int kTileRows = 6;
constexpr int kTilePanels = 6;

template <class Function>
inline Lanes lane_by_lane(Function&& function) {
  Lanes out;
  for (int i = 0; i < 16; ++i) out.at[i] = function(i);
  return out;
}

inline Lanes load(const float* p) {
  return lane_by_lane([&](int i) { return p[i]; });
}
inline void store(float* p, Lanes x) {
  std::copy(x.at, x.at + 16, p);
}
inline Lanes splat(float x) {
  return lane_by_lane([&](int) { return x; });
}
inline Lanes fma(const Lanes& a, const Lanes& b, const Lanes& c) {
  return lane_by_lane([&](int i) { return std::fma(a.at[i], b.at[i], c.at[i]); });
}
inline Lanes operator+(const Lanes& a, const Lanes& b) {
  return lane_by_lane([&](int i) { return a.at[i] + b.at[i]; });
}
inline Lanes operator-(const Lanes& a, const Lanes& b) {
  return lane_by_lane([&](int i) { return a.at[i] - b.at[i]; });
}
inline Lanes operator*(const Lanes& a, const Lanes& b) {
  return lane_by_lane([&](int i) { return a.at[i] * b.at[i]; });
}
inline Lanes operator/(const Lanes& a, const Lanes& b) {
  return lane_by_lane([&](int i) { return a.at[i] / b.at[i]; });
}
inline Lanes square_root(const Lanes& x) {
  return lane_by_lane([&](int i) { return std::sqrt(x.at[i]); });
}
// b where either is not a number.
inline Lanes smaller(const Lanes& a, const Lanes& b) {
  return lane_by_lane([&](int i) { return a.at[i] < b.at[i] ? a.at[i] : b.at[i]; });
}
inline Lanes larger(const Lanes& a, const Lanes& b) {
  return lane_by_lane([&](int i) { return a.at[i] > b.at[i] ? a.at[i] : b.at[i]; });
}
// x where not (test < limit), else 0.
inline Lanes zero_below(const Lanes& test, const Lanes& limit, const Lanes& x) {
  return lane_by_lane([&](int i) { return test.at[i] < limit.at[i] ? 0.0f : x.at[i]; });
}
// x times 2^n, where the integer n is the low mantissa bits of `shifted`.
inline Lanes times_power_of_two(const Lanes& x, const Lanes& shifted) {
  return lane_by_lane([&](int i) {
    const std::uint32_t exponent = std::bit_cast<std::uint32_t>(shifted.at[i]) << 23;
    return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x.at[i]) + exponent);
  });
}
// x in lanes below count, `rest` in the others.
inline Lanes keep_first(const Lanes& x, std::size_t count, const Lanes& rest) {
  return lane_by_lane(
      [&](int i) { return static_cast<std::size_t>(i) < count ? x.at[i] : rest.at[i]; });
}
// Lanes are joined at distance 8, 4, 2, 1.
inline float sum(Lanes x) {
  for (int distance = 8; distance > 0; distance /= 2) {
    for (int i = 0; i < distance; ++i) x.at[i] = x.at[i] + x.at[i + distance];
  }
  return x.at[0];
}
inline float largest(Lanes x) {
  for (int distance = 8; distance > 0; distance /= 2) {
    for (int i = 0; i < distance; ++i) {
      x.at[i] = x.at[i] > x.at[i + distance] ? x.at[i] : x.at[i + distance];
    }
  }
  return x.at[0];
}

}  // namespace
}  // namespace assay::gpu::host
