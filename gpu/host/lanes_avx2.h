// Sixteen floats in two AVX2 registers. Included once, by kernels_avx2.cpp, under its target.
#pragma once

namespace assay::gpu::host {
namespace {

struct Lanes {
  __m256 low, high;
};

// Products keep this many accumulators of 16 lanes in registers, in tiles of at most kTileRows.
constexpr int kAccumulators = 6;
constexpr int kTileRows = 6;
constexpr int kTilePanels = 6;

inline Lanes load(const float* p) {
  return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
inline void store(float* p, Lanes x) {
  _mm256_storeu_ps(p, x.low);
  _mm256_storeu_ps(p + 8, x.high);
}
inline Lanes splat(float x) {
  return {_mm256_set1_ps(x), _mm256_set1_ps(x)};
}
inline Lanes fma(Lanes a, Lanes b, Lanes c) {
  return {_mm256_fmadd_ps(a.low, b.low, c.low), _mm256_fmadd_ps(a.high, b.high, c.high)};
}
inline Lanes operator+(Lanes a, Lanes b) {
  return {_mm256_add_ps(a.low, b.low), _mm256_add_ps(a.high, b.high)};
}
inline Lanes operator-(Lanes a, Lanes b) {
  return {_mm256_sub_ps(a.low, b.low), _mm256_sub_ps(a.high, b.high)};
}
inline Lanes operator*(Lanes a, Lanes b) {
  return {_mm256_mul_ps(a.low, b.low), _mm256_mul_ps(a.high, b.high)};
}
inline Lanes operator/(Lanes a, Lanes b) {
  return {_mm256_div_ps(a.low, b.low), _mm256_div_ps(a.high, b.high)};
}
inline Lanes square_root(Lanes x) {
  return {_mm256_sqrt_ps(x.low), _mm256_sqrt_ps(x.high)};
}
// a < b ? a : b and a > b ? a : b, hence b where either is not a number.
inline Lanes smaller(Lanes a, Lanes b) {
  return {_mm256_min_ps(a.low, b.low), _mm256_min_ps(a.high, b.high)};
}
inline Lanes larger(Lanes a, Lanes b) {
  return {_mm256_max_ps(a.low, b.low), _mm256_max_ps(a.high, b.high)};
}
// x where not (test < limit), else 0.
inline Lanes zero_below(Lanes test, Lanes limit, Lanes x) {
  return {_mm256_andnot_ps(_mm256_cmp_ps(test.low, limit.low, _CMP_LT_OQ), x.low),
          _mm256_andnot_ps(_mm256_cmp_ps(test.high, limit.high, _CMP_LT_OQ), x.high)};
}
// x times 2^n, where the integer n is the low mantissa bits of `shifted`.
inline __m256 times_power_of_two(__m256 x, __m256 shifted) {
  const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(shifted), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), exponent));
}
inline Lanes times_power_of_two(Lanes x, Lanes shifted) {
  return {times_power_of_two(x.low, shifted.low), times_power_of_two(x.high, shifted.high)};
}
// x in lanes below count, `rest` in the others.
inline Lanes keep_first(Lanes x, std::size_t count, Lanes rest) {
  const __m256 index = _mm256_setr_ps(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256 limit = _mm256_set1_ps(static_cast<float>(count));
  const __m256 is_low = _mm256_cmp_ps(index, limit, _CMP_LT_OQ);
  const __m256 is_high = _mm256_cmp_ps(_mm256_add_ps(index, _mm256_set1_ps(8)), limit, _CMP_LT_OQ);
  return {_mm256_blendv_ps(rest.low, x.low, is_low), _mm256_blendv_ps(rest.high, x.high, is_high)};
}
// ((l0+l8)+(l4+l12)) + ... : lanes are joined at distance 8, 4, 2, 1.
inline float sum(Lanes x) {
  const __m256 eight = _mm256_add_ps(x.low, x.high);
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float largest(Lanes x) {
  const __m256 eight = _mm256_max_ps(x.low, x.high);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

}  // namespace
}  // namespace assay::gpu::host
