// Sixteen floats at a time: AVX-512 F and DQ, in the words the kernel bodies use.
#ifndef ZOO_SIMD_AVX512_H
#define ZOO_SIMD_AVX512_H
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define VL 16
typedef __m512 vf;
typedef __mmask16 vmask;

#define INLINE static inline __attribute__((always_inline))

INLINE vf v_load(const float *p) { return _mm512_loadu_ps(p); }
INLINE void v_store(float *p, vf x) { _mm512_storeu_ps(p, x); }
INLINE vf v_set(float x) { return _mm512_set1_ps(x); }
INLINE vf v_broadcast(const float *p) { return v_set(*p); }
INLINE vf v_add(vf a, vf b) { return _mm512_add_ps(a, b); }
INLINE vf v_sub(vf a, vf b) { return _mm512_sub_ps(a, b); }
INLINE vf v_mul(vf a, vf b) { return _mm512_mul_ps(a, b); }
INLINE vf v_div(vf a, vf b) { return _mm512_div_ps(a, b); }
INLINE vf v_fma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
INLINE vf v_min(vf a, vf b) { return _mm512_min_ps(a, b); }
INLINE vf v_max(vf a, vf b) { return _mm512_max_ps(a, b); }
// min(max(x, lower), upper); a NaN stays one: of unordered operands these instructions return the second.
INLINE vf v_clamp(vf x, vf lower, vf upper) { return _mm512_min_ps(upper, _mm512_max_ps(lower, x)); }
INLINE vf v_round(vf a) { return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
// x < 0 ? a : b, lane by lane; NaN takes b.
INLINE vf v_select_negative(vf x, vf a, vf b) {
  return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_LT_OQ), b, a);
}
// x where it is NaN, else y.
INLINE vf v_keep_nan(vf x, vf y) { return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q), y, x); }
// 2^k for integral k in -126...127.
INLINE vf v_exp2i(vf k) {
  __m512i i = _mm512_add_epi32(_mm512_cvtps_epi32(k), _mm512_set1_epi32(127));
  return _mm512_castsi512_ps(_mm512_slli_epi32(i, 23));
}
INLINE vf v_sqrt(vf a) { return _mm512_sqrt_ps(a); }
// lower < x < upper ? a : 0, lane by lane; NaN gives 0.
INLINE vf v_inside(vf x, vf lower, vf upper, vf a) {
  vmask above = _mm512_cmp_ps_mask(x, lower, _CMP_GT_OQ);
  return _mm512_maskz_mov_ps(_mm512_mask_cmp_ps_mask(above, x, upper, _CMP_LT_OQ), a);
}
// The first n lanes, n in 0...16.
INLINE vmask v_mask(size_t n) { return (vmask)((1u << n) - 1u); }
// Lanes outside the mask read as 0 and touch no memory.
INLINE vf v_load_part(const float *p, vmask m) { return _mm512_maskz_loadu_ps(m, p); }
INLINE void v_store_part(float *p, vmask m, vf x) { _mm512_mask_storeu_ps(p, m, x); }

// Sixteen numbers of bf16, exactly; of the part only the first n are read.
INLINE vf widened(__m256i x) { return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16)); }
INLINE vf v_load_bf16(const uint16_t *p) { return widened(_mm256_loadu_si256((const __m256i *)p)); }
INLINE vf v_load_bf16_part(const uint16_t *p, vmask m, size_t n) {
  (void)n;
  return widened(_mm256_maskz_loadu_epi16(m, p));
}

// Sixteen 32-bit integers: what bytes and 16-bit integers are widened to.
typedef __m512i vi;

INLINE vi i_set(int32_t x) { return _mm512_set1_epi32(x); }
INLINE vi i_load(const int32_t *p) { return _mm512_loadu_si512(p); }
INLINE vi i_load_part(const int32_t *p, vmask m) { return _mm512_maskz_loadu_epi32(m, p); }
// Of pairs of bf16, the first numbers or the second ones.
INLINE vf v_half(vi pairs, int second) {
  return _mm512_castsi512_ps(second ? _mm512_and_si512(pairs, _mm512_set1_epi32((int32_t)0xffff0000))
                                    : _mm512_slli_epi32(pairs, 16));
}
INLINE vi i_add(vi a, vi b) { return _mm512_add_epi32(a, b); }
INLINE vi i_sub(vi a, vi b) { return _mm512_sub_epi32(a, b); }
INLINE vi i_mul(vi a, vi b) { return _mm512_mullo_epi32(a, b); }
INLINE vi i_min(vi a, vi b) { return _mm512_min_epi32(a, b); }
INLINE vi i_max(vi a, vi b) { return _mm512_max_epi32(a, b); }
INLINE vf i_float(vi a) { return _mm512_cvtepi32_ps(a); }
// Rounded to the nearest, ties to even.
INLINE vi v_int(vf a) { return _mm512_cvtps_epi32(a); }
INLINE vi i_load8(const int8_t *p) { return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)); }
// The first n bytes, n in 1...16; the others read as 0.
INLINE vi i_load8_part(const int8_t *p, size_t n) {
  return _mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8((__mmask16)((1u << n) - 1u), p));
}
// Lanes in -128...127 as bytes.
INLINE void i_store8(int8_t *p, vi x) { _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(x)); }
INLINE void i_store8_part(int8_t *p, size_t n, vi x) {
  _mm512_mask_cvtepi32_storeu_epi8(p, (__mmask16)((1u << n) - 1u), x);
}
INLINE vi i_load16(const int16_t *p) { return _mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)p)); }
// The first n, n in 1...16; the others read as 0.
INLINE vi i_load16_part(const int16_t *p, size_t n) {
  return _mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16((__mmask16)((1u << n) - 1u), p));
}
// Lanes in -32768...32767 as 16-bit integers.
INLINE void i_store16(int16_t *p, vi x) { _mm256_storeu_si256((__m256i *)p, _mm512_cvtepi32_epi16(x)); }
INLINE void i_store16_part(int16_t *p, size_t n, vi x) {
  _mm512_mask_cvtepi32_storeu_epi16(p, (__mmask16)((1u << n) - 1u), x);
}
// The upper 16 bits of each lane with their sign, and the lower 16 without one.
INLINE vi i_upper16(vi a) { return _mm512_srai_epi32(a, 16); }
INLINE vi i_lower16(vi a) { return _mm512_and_si512(a, _mm512_set1_epi32(0xffff)); }
// 65536 upper + lower, rounded once: exact as a double.
INLINE vf i_wide_float(vi upper, vi lower) {
  const __m512d unit = _mm512_set1_pd(65536);
  const __m512d a = _mm512_add_pd(_mm512_mul_pd(_mm512_cvtepi32_pd(_mm512_castsi512_si256(upper)), unit),
                                  _mm512_cvtepi32_pd(_mm512_castsi512_si256(lower)));
  const __m512d b = _mm512_add_pd(_mm512_mul_pd(_mm512_cvtepi32_pd(_mm512_extracti64x4_epi64(upper, 1)), unit),
                                  _mm512_cvtepi32_pd(_mm512_extracti64x4_epi64(lower, 1)));
  return _mm512_insertf32x8(_mm512_castps256_ps512(_mm512_cvtpd_ps(a)), _mm512_cvtpd_ps(b), 1);
}
#endif
