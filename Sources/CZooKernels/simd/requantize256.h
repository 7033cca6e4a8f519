// The last step of integer kernels for AVX2, 16 columns at a time, as requantize512.h: the bits of simd/requantize.h in three quarters of
// its instructions.
#ifndef ZOO_SIMD_REQUANTIZE256_H
#define ZOO_SIMD_REQUANTIZE256_H
#define ZOO_PACKS_REQUANTIZED 1
#pragma clang fp contract(off)

typedef struct packed_requantization {
  vf upper;
  __m256i zero_point; // of 16 bits
  __m128i lower;      // of 8 bits, the zero point added
} packed_requantization;

INLINE packed_requantization make_packed_requantization(float lower, float upper, int32_t zero_point) {
  return (packed_requantization){v_set(upper), _mm256_set1_epi16((short)zero_point),
                                 _mm_set1_epi8((char)((int32_t)lower + zero_point))};
}

// 16 numbers of 16 bits: in each half of 128 bits four lanes of x and four of y. Of unordered operands the minimum is the second.
INLINE __m256i packed_words(vf x, vf y, const packed_requantization *r) {
  const vi a = v_int(_mm256_min_ps(r->upper, x)), b = v_int(_mm256_min_ps(r->upper, y));
  return _mm256_adds_epi16(_mm256_packs_epi32(a, b), r->zero_point);
}

// An even number of vectors side by side.
INLINE void store_requantized(int8_t *p, const int vectors, const vf *real, packed_requantization r) {
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v += 2) {
    const __m256i words = packed_words(real[v], real[v + 1], &r);
    const __m256i fours = _mm256_packs_epi16(words, words); // four lanes of x, four of y, in each half
    const __m128i bytes = _mm_unpacklo_epi32(_mm256_castsi256_si128(fours), _mm256_extracti128_si256(fours, 1));
    _mm_storeu_si128((__m128i *)(void *)(p + v * VL), _mm_max_epi8(bytes, r.lower));
  }
}
#endif
