// Eight floats at a time: AVX2 and FMA, in the words the kernel bodies use.
#ifndef ZOO_SIMD_AVX2_H
#define ZOO_SIMD_AVX2_H
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define VL 8
typedef __m256 vf;
typedef __m256i vmask;

#define INLINE static inline __attribute__((always_inline))
#include <simd/words.h>

INLINE vf v_load(const float *p) { return _mm256_loadu_ps(p); }
INLINE void v_store(float *p, vf x) { _mm256_storeu_ps(p, x); }
INLINE vf v_set(float x) { return _mm256_set1_ps(x); }
INLINE vf v_broadcast(const float *p) { return v_set(*p); }
INLINE vf v_add(vf a, vf b) { return _mm256_add_ps(a, b); }
INLINE vf v_sub(vf a, vf b) { return _mm256_sub_ps(a, b); }
INLINE vf v_mul(vf a, vf b) { return _mm256_mul_ps(a, b); }
INLINE vf v_div(vf a, vf b) { return _mm256_div_ps(a, b); }
INLINE vf v_fma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
INLINE vf v_min(vf a, vf b) { return _mm256_min_ps(a, b); }
INLINE vf v_max(vf a, vf b) { return _mm256_max_ps(a, b); }
// min(max(x, lower), upper); a NaN stays one: of unordered operands these instructions return the second.
INLINE vf v_clamp(vf x, vf lower, vf upper) { return _mm256_min_ps(upper, _mm256_max_ps(lower, x)); }
INLINE vf v_round(vf a) { return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
// x < 0 ? a : b, lane by lane; NaN takes b.
INLINE vf v_select_negative(vf x, vf a, vf b) {
  return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_LT_OQ));
}
// x where it is NaN, else y.
INLINE vf v_keep_nan(vf x, vf y) { return _mm256_blendv_ps(y, x, _mm256_cmp_ps(x, x, _CMP_UNORD_Q)); }
// 2^k for integral k in -126...127.
INLINE vf v_exp2i(vf k) {
  __m256i i = _mm256_add_epi32(_mm256_cvtps_epi32(k), _mm256_set1_epi32(127));
  return _mm256_castsi256_ps(_mm256_slli_epi32(i, 23));
}
INLINE vf v_sqrt(vf a) { return _mm256_sqrt_ps(a); }
// lower < x < upper ? a : 0, lane by lane; NaN gives 0.
INLINE vf v_inside(vf x, vf lower, vf upper, vf a) {
  vf inside = _mm256_and_ps(_mm256_cmp_ps(x, lower, _CMP_GT_OQ), _mm256_cmp_ps(x, upper, _CMP_LT_OQ));
  return _mm256_and_ps(inside, a);
}
// The first n lanes, n in 0...8.
INLINE vmask v_mask(size_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
// Lanes outside the mask read as 0 and touch no memory.
INLINE vf v_load_part(const float *p, vmask m) { return _mm256_maskload_ps(p, m); }
// AMD's CPUs take twelve cycles (Zen 3), others one.
#define STORES_BY_MASK_ARE_SLOW 1
INLINE void v_store_part(float *p, vmask m, vf x) { _mm256_maskstore_ps(p, m, x); }

// Eight numbers of bf16, exactly; of the part only the first n are read.
INLINE vf v_load_bf16(const uint16_t *p) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16));
}
INLINE vf v_load_bf16_part(const uint16_t *p, vmask m, size_t n) {
  (void)m;
  uint16_t halves[8] = {0};
  __builtin_memcpy(halves, p, n * 2);
  return v_load_bf16(halves);
}

// Eight 32-bit integers: what bytes and 16-bit integers are widened to.
typedef __m256i vi;

INLINE vi i_set(int32_t x) { return _mm256_set1_epi32(x); }
INLINE vi i_load(const int32_t *p) { return _mm256_loadu_si256((const __m256i *)p); }
INLINE vi i_load_part(const int32_t *p, vmask m) { return _mm256_maskload_epi32(p, m); }
// Of pairs of bf16, the first numbers or the second ones.
INLINE vf v_half(vi pairs, int second) {
  return _mm256_castsi256_ps(second ? _mm256_and_si256(pairs, _mm256_set1_epi32((int32_t)0xffff0000))
                                    : _mm256_slli_epi32(pairs, 16));
}
INLINE vi i_add(vi a, vi b) { return _mm256_add_epi32(a, b); }
INLINE vi i_sub(vi a, vi b) { return _mm256_sub_epi32(a, b); }
INLINE vi i_mul(vi a, vi b) { return _mm256_mullo_epi32(a, b); }
INLINE vi i_min(vi a, vi b) { return _mm256_min_epi32(a, b); }
INLINE vi i_max(vi a, vi b) { return _mm256_max_epi32(a, b); }
INLINE vf i_float(vi a) { return _mm256_cvtepi32_ps(a); }
// Rounded to the nearest, ties to even.
INLINE vi v_int(vf a) { return _mm256_cvtps_epi32(a); }
INLINE vi i_load8(const int8_t *p) { return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)); }
// The first n bytes, n in 1...8; the others read as 0.
INLINE vi i_load8_part(const int8_t *p, size_t n) {
  return _mm256_cvtepi8_epi32(_mm_cvtsi64_si128((long long)load_word_part(p, n)));
}
// Lanes in -128...127 as bytes.
INLINE void i_store8(int8_t *p, vi x) {
  __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
  _mm_storel_epi64((__m128i *)p, _mm_packs_epi16(words, words));
}
INLINE void i_store8_part(int8_t *p, size_t n, vi x) {
  int8_t bytes[8];
  i_store8(bytes, x);
  uint64_t word;
  __builtin_memcpy(&word, bytes, 8);
  store_word_part(p, n, word);
}
INLINE vi i_load16(const int16_t *p) { return _mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)p)); }
// The first n, n in 1...8; the others read as 0.
INLINE vi i_load16_part(const int16_t *p, size_t n) {
  int16_t elements[8] = {0};
  __builtin_memcpy(elements, p, n * 2);
  return i_load16(elements);
}
// Lanes in -32768...32767 as 16-bit integers.
INLINE void i_store16(int16_t *p, vi x) {
  _mm_storeu_si128((__m128i *)p, _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)));
}
INLINE void i_store16_part(int16_t *p, size_t n, vi x) {
  int16_t elements[8];
  i_store16(elements, x);
  __builtin_memcpy(p, elements, n * 2);
}
// The upper 16 bits of each lane with their sign, and the lower 16 without one.
INLINE vi i_upper16(vi a) { return _mm256_srai_epi32(a, 16); }
INLINE vi i_lower16(vi a) { return _mm256_and_si256(a, _mm256_set1_epi32(0xffff)); }
// 65536 upper + lower, rounded once: exact as a double.
INLINE vf i_wide_float(vi upper, vi lower) {
  const __m256d unit = _mm256_set1_pd(65536);
  const __m256d a = _mm256_add_pd(_mm256_mul_pd(_mm256_cvtepi32_pd(_mm256_castsi256_si128(upper)), unit),
                                  _mm256_cvtepi32_pd(_mm256_castsi256_si128(lower)));
  const __m256d b = _mm256_add_pd(_mm256_mul_pd(_mm256_cvtepi32_pd(_mm256_extracti128_si256(upper, 1)), unit),
                                  _mm256_cvtepi32_pd(_mm256_extracti128_si256(lower, 1)));
  return _mm256_set_m128(_mm256_cvtpd_ps(b), _mm256_cvtpd_ps(a));
}
#endif
