// Bytes of four rows side by side for each of 64 channels, as dot products of AVX-512 VNNI take them.
//
// Vector v holds channels 4v ... 4v + 3 of each 16: packing restores the order.
#ifndef ZOO_SIMD_QUADS_H
#define ZOO_SIMD_QUADS_H
#include <simd/requantize.h>

#define LANES 64
#define ALL (~(__mmask64)0)

typedef struct quads {
  __m512i v[4];
} quads;

// Of 64 bytes of four rows.
INLINE quads interleave(const __m512i *r) {
  const __m512i low01 = _mm512_unpacklo_epi8(r[0], r[1]), high01 = _mm512_unpackhi_epi8(r[0], r[1]);
  const __m512i low23 = _mm512_unpacklo_epi8(r[2], r[3]), high23 = _mm512_unpackhi_epi8(r[2], r[3]);
  return (quads){{_mm512_unpacklo_epi16(low01, low23), _mm512_unpackhi_epi16(low01, low23),
                  _mm512_unpacklo_epi16(high01, high23), _mm512_unpackhi_epi16(high01, high23)}};
}

// 64 words in the order of such vectors; those past `count` are 0.
INLINE quads in_order(const void *words, size_t count) {
  __m512i b[4];
  for (int l = 0; l < 4; l++) {
    const size_t before = 16 * (size_t)l, rest = count > before ? count - before : 0;
    b[l] = _mm512_maskz_loadu_epi32(rest >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << rest) - 1u),
                                    (const int32_t *)words + before);
  }
  const __m512i a = _mm512_shuffle_i32x4(b[0], b[1], 0x44), c = _mm512_shuffle_i32x4(b[2], b[3], 0x44);
  const __m512i d = _mm512_shuffle_i32x4(b[0], b[1], 0xee), e = _mm512_shuffle_i32x4(b[2], b[3], 0xee);
  return (quads){{_mm512_shuffle_i32x4(a, c, 0x88), _mm512_shuffle_i32x4(a, c, 0xdd), _mm512_shuffle_i32x4(d, e, 0x88),
                  _mm512_shuffle_i32x4(d, e, 0xdd)}};
}

// What the last step needs for 64 channels: as requantize (simd/requantize.h), clamped as bytes, since rounding keeps the order.
typedef struct byte_requantization {
  __m512i zero_point, lower, upper; // of 16 bits; of 8 bits, the zero point added
  quads multipliers;
} byte_requantization;

INLINE byte_requantization make_byte_requantization(float lower, float upper, int32_t zero_point,
                                                    const float *multipliers, size_t count) {
  return (byte_requantization){
      _mm512_set1_epi16((short)zero_point), _mm512_set1_epi8((char)(_mm_cvtss_si32(_mm_set_ss(lower)) + zero_point)),
      _mm512_set1_epi8((char)(_mm_cvtss_si32(_mm_set_ss(upper)) + zero_point)), in_order(multipliers, count)};
}

// Sums as integers in steps of the output. Only a sum above all integers has to be taken care of, since converting it gives the least one,
// as it does for those below all, and for NaN.
INLINE __m512i scaled(__m512i sum, __m512i multipliers) {
  return v_int(v_min(v_set(0x1p30f), v_mul(i_float(sum), _mm512_castsi512_ps(multipliers))));
}

// Those of four vectors as bytes, in the order of channels.
INLINE __m512i packed(const __m512i *words, const byte_requantization *r) {
  const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(words[0], words[1]), r->zero_point);
  const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(words[2], words[3]), r->zero_point);
  return _mm512_min_epi8(_mm512_max_epi8(_mm512_packs_epi16(low, high), r->lower), r->upper);
}
#endif
