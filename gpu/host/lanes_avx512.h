// Sixteen floats in one AVX-512 register. Included once, by kernels_avx512.cpp, under its target.
#pragma once

namespace assay::gpu::host {
namespace {

struct Lanes {
  __m512 all;
};

// Products keep this many accumulators of 16 lanes in registers, in tiles of at most kTileRows.
constexpr int kAccumulators = 24;
constexpr int kTileRows = 8;
constexpr int kTilePanels = 6;

inline Lanes load(const float* p) {
  return {_mm512_loadu_ps(p)};
}
inline void store(float* p, Lanes x) {
  _mm512_storeu_ps(p, x.all);
}
inline Lanes splat(float x) {
  return {_mm512_set1_ps(x)};
}
inline Lanes fma(Lanes a, Lanes b, Lanes c) {
  return {_mm512_fmadd_ps(a.all, b.all, c.all)};
}
inline Lanes operator+(Lanes a, Lanes b) {
  return {_mm512_add_ps(a.all, b.all)};
}
inline Lanes operator-(Lanes a, Lanes b) {
  return {_mm512_sub_ps(a.all, b.all)};
}
inline Lanes operator*(Lanes a, Lanes b) {
  return {_mm512_mul_ps(a.all, b.all)};
}
inline Lanes operator/(Lanes a, Lanes b) {
  return {_mm512_div_ps(a.all, b.all)};
}
inline Lanes square_root(Lanes x) {
  return {_mm512_sqrt_ps(x.all)};
}
// a < b ? a : b and a > b ? a : b, hence b where either is not a number.
inline Lanes smaller(Lanes a, Lanes b) {
  return {_mm512_min_ps(a.all, b.all)};
}
inline Lanes larger(Lanes a, Lanes b) {
  return {_mm512_max_ps(a.all, b.all)};
}
// x where not (test < limit), else 0.
inline Lanes zero_below(Lanes test, Lanes limit, Lanes x) {
  const __mmask16 is_kept = _mm512_cmp_ps_mask(test.all, limit.all, _CMP_NLT_UQ);
  return {_mm512_maskz_mov_ps(is_kept, x.all)};
}
// x times 2^n, where the integer n is the low mantissa bits of `shifted`.
inline Lanes times_power_of_two(Lanes x, Lanes shifted) {
  const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(shifted.all), 23);
  return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(x.all), exponent))};
}
// x in lanes below count, `rest` in the others.
inline Lanes keep_first(Lanes x, std::size_t count, Lanes rest) {
  const unsigned mask = count >= 16 ? 0xFFFFu : (1u << count) - 1u;
  return {_mm512_mask_mov_ps(rest.all, static_cast<__mmask16>(mask), x.all)};
}
inline __m256 upper_half(__m512 x) {
  return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1));
}
// Lanes are joined at distance 8, 4, 2, 1.
inline float sum(Lanes x) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x.all), upper_half(x.all));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
inline float largest(Lanes x) {
  const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(x.all), upper_half(x.all));
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}

}  // namespace
}  // namespace assay::gpu::host
