// i16_dwconv for avx2: 16 channels at a time, taps in pairs.
//
// The elements of two taps side by side, times the two weights of each channel: one madd adds both exactly in 32 bits, and the
// sums of up to 128 taps fit them too. The bias joins in 48 bits at the end. Unpacking works in halves of a vector: its lower
// result has channels 0 ... 3 and 8 ... 11, the upper one the others, until packing restores the order.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#include <simd/requantize.h>
#include <integer/i16.h>

#define BLOCK 16
#define MOST_TAPS 128

// Two vectors of 32-bit lanes: channels 0 ... 3 and 8 ... 11, and the others.
typedef struct halves {
  __m256i low, high;
} halves;

// The elements of two taps, alternating.
INLINE halves interleaved(__m256i a, __m256i b) {
  return (halves){_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)};
}
INLINE halves inputs(const int16_t *first, const int16_t *second) {
  return interleaved(_mm256_loadu_si256((const __m256i *)first), _mm256_loadu_si256((const __m256i *)second));
}
INLINE __m256i weights(const int8_t *p) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p)); }
// 16 words in that order.
INLINE halves in_order(const void *words) {
  const __m256i a = _mm256_loadu_si256((const __m256i *)words), b = _mm256_loadu_si256((const __m256i *)words + 1);
  return (halves){_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31)};
}

// The integers for sums of products and a bias in 48 bits.
INLINE vi finish(vi sum, vi bias_upper, vi bias_lower, vi multipliers, requantization r) {
  const vi lower = i_add(bias_lower, i_lower16(sum));
  const vi upper = i_add(i_add(bias_upper, i_upper16(sum)), i_upper16(lower));
  return requantize(v_mul(i_wide_float(upper, i_lower16(lower)), _mm256_castsi256_ps(multipliers)), r);
}

INLINE void block(size_t count, const size_t *taps, size_t pixels, size_t c, const zoo_integer_dwconv_params *p) {
  const size_t pairs = (count + 1) / 2;
  halves w[(MOST_TAPS + 1) / 2];
  for (size_t t = 0; t < pairs; t++) {
    const size_t k = 2 * t, l = k + 1;
    const __m256i first = weights(p->w + k / p->kw * p->w_row_stride + k % p->kw * p->w_col_stride + c);
    const __m256i second = l < count ? weights(p->w + l / p->kw * p->w_row_stride + l % p->kw * p->w_col_stride + c)
                                     : _mm256_setzero_si256();
    w[t] = interleaved(first, second);
  }
  const requantization r = make_requantization(p->lower, p->upper, p->y_zero_point);
  const halves upper = in_order(p->bias[0] + c), multipliers = in_order(p->multipliers + c);
  halves lower = in_order(p->bias[1] + c);
  lower = (halves){i_lower16(lower.low), i_lower16(lower.high)};
  for (size_t l = 0; l < p->lines; l++) {
    const int16_t *x = (const int16_t *)p->x + l * p->x_line_stride + c;
    int16_t *y = (int16_t *)p->y + l * p->y_line_stride + c;
    for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
      halves sum = {i_set(0), i_set(0)};
#pragma clang loop unroll_count(5)
      for (size_t t = 0; t < pairs; t++) {
        const halves pair = inputs(x + taps[2 * t], x + taps[2 * t + 1]);
        sum.low = i_add(sum.low, _mm256_madd_epi16(pair.low, w[t].low));
        sum.high = i_add(sum.high, _mm256_madd_epi16(pair.high, w[t].high));
      }
      const vi low = finish(sum.low, upper.low, lower.low, multipliers.low, r);
      const vi high = finish(sum.high, upper.high, lower.high, multipliers.high, r);
      _mm256_storeu_si256((__m256i *)y, _mm256_packs_epi32(low, high));
    }
  }
}

#include <integer/dwconv.h>

void zoo_i16_dwconv_ukernel__avx2(size_t pixels, const zoo_integer_dwconv_params *p) { by_table(pixels, p); }

#pragma clang attribute pop
#endif
