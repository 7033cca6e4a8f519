// The last step of integer kernels for AVX-512, 32 or 64 columns at a time: the bits of simd/requantize.h in two thirds of its instructions.
//
// Packing saturates, so that only what the conversion cannot hold has to be clamped before it: numbers past the upper bound. Those
// below, and NaN, become the least integer, and saturate to the lower bound.
#ifndef ZOO_SIMD_REQUANTIZE512_H
#define ZOO_SIMD_REQUANTIZE512_H
#define ZOO_PACKS_REQUANTIZED 1
#pragma clang fp contract(off)

typedef struct packed_requantization {
  vf upper;
  __m512i zero_point; // of 16 bits
  __m512i lower;      // of 8 bits, the zero point added
  __m512i order;
} packed_requantization;

INLINE packed_requantization make_packed_requantization(float lower, float upper, int32_t zero_point) {
  return (packed_requantization){v_set(upper), _mm512_set1_epi16((short)zero_point),
                                 _mm512_set1_epi8((char)((int32_t)lower + zero_point)),
                                 _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15)};
}

// Of unordered operands the minimum is the second.
INLINE __m512i packed_pair(vf a, vf b, packed_requantization r) {
  const __m512i x = v_int(_mm512_min_ps(r.upper, a)), y = v_int(_mm512_min_ps(r.upper, b));
  return _mm512_adds_epi16(_mm512_packs_epi32(x, y), r.zero_point);
}

// Four vectors, each quarter of 128 bits packed by itself: its four lanes of the first vector, those of the second, and so on.
INLINE __m512i packed_fours(const vf *real, packed_requantization r) {
  const __m512i words = packed_pair(real[0], real[1], r);
  return _mm512_max_epi8(_mm512_packs_epi16(words, packed_pair(real[2], real[3], r)), r.lower);
}

// Two or four vectors side by side.
INLINE void store_requantized(int8_t *p, const int vectors, const vf *real, packed_requantization r) {
  const vf four[4] = {real[0], real[1], real[vectors - 2], real[vectors - 1]};
  const __m512i ordered = _mm512_permutexvar_epi32(r.order, packed_fours(four, r));
  if (vectors == 4)
    _mm512_storeu_si512(p, ordered);
  else
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_castsi512_si256(ordered));
}
#endif
