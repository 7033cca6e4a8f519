// i8_dwconv for avx2: 8 channels at a time, taps in pairs.
//
// The bytes of two taps side by side, widened to 16 bits, times the two weights of each channel: one madd adds both exactly.
// The zero point is taken off once: sum of (x - zero) w = sum of x w - zero sum of w.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#include <simd/requantize.h>

#define MOST_PAIRS 64

// Eight channels of two taps, alternating, as 16-bit numbers.
INLINE __m256i pair(const int8_t *first, const int8_t *second) {
  const __m128i a = _mm_loadl_epi64((const __m128i *)first);
  const __m128i b = second ? _mm_loadl_epi64((const __m128i *)second) : _mm_setzero_si128();
  return _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b));
}

// Channels c ... c + 7 of all pixels. `taps` holds offsets into x; one more than there are if the count is odd.
INLINE void block(const int constant_pairs, size_t pairs, const size_t *taps, size_t pixels, size_t c,
                  const zoo_i8_dwconv_params *p) {
  const size_t count = constant_pairs ? (size_t)constant_pairs : pairs;
  __m256i w[MOST_PAIRS];
  vi weight_sum = i_set(0);
  for (size_t t = 0; t < count; t++) {
    const size_t k = 2 * t, l = k + 1;
    const int8_t *first = p->w + k / p->kw * p->w_row_stride + k % p->kw * p->w_col_stride + c;
    const int8_t *second = p->w + l / p->kw * p->w_row_stride + l % p->kw * p->w_col_stride + c;
    w[t] = pair(first, l < p->kh * p->kw ? second : NULL);
    weight_sum = i_add(weight_sum, _mm256_madd_epi16(w[t], _mm256_set1_epi16(1)));
  }
  const requantization r = make_requantization(p->lower, p->upper, p->y_zero_point);
  const vi bias = i_sub(i_load(p->bias + c), i_mul(weight_sum, i_set(p->x_zero_point)));
  const vf multipliers = v_load(p->multipliers + c);
  const int8_t *x = p->x + c;
  int8_t *y = p->y + c;
  for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
    vi sum = bias;
#pragma clang loop unroll_count(5)
    for (size_t t = 0; t < count; t++)
      sum = i_add(sum, _mm256_madd_epi16(pair(x + taps[2 * t], x + taps[2 * t + 1]), w[t]));
    i_store8(y, requantize(v_mul(i_float(sum), multipliers), r));
  }
}

// One channel at a time: fewer than 8, or more taps than the table holds.
static void narrow(size_t pixels, size_t c, const zoo_i8_dwconv_params *p) {
  const requantization r = make_requantization(p->lower, p->upper, p->y_zero_point);
  for (size_t q = 0; q < pixels; q++) {
    const int8_t *x = p->x + q * p->x_pixel_stride + c;
    int32_t sum = p->bias[c];
    for (size_t i = 0; i < p->kh; i++)
      for (size_t j = 0; j < p->kw; j++)
        sum += (x[i * p->x_row_stride + j * p->x_col_stride] - p->x_zero_point) *
               p->w[i * p->w_row_stride + j * p->w_col_stride + c];
    i_store8_part(p->y + q * p->y_stride + c, 1, requantize(v_mul(i_float(i_set(sum)), v_set(p->multipliers[c])), r));
  }
}

void zoo_i8_dwconv_ukernel__avx2(size_t pixels, const zoo_i8_dwconv_params *p) {
  const size_t count = p->kh * p->kw, pairs = (count + 1) / 2;
  if (p->channels < 8 || pairs > MOST_PAIRS) {
    for (size_t c = 0; c < p->channels; c++)
      narrow(pixels, c, p);
    return;
  }
  size_t taps[2 * MOST_PAIRS];
  for (size_t t = 0; t < count; t++)
    taps[t] = t / p->kw * p->x_row_stride + t % p->kw * p->x_col_stride;
  taps[2 * pairs - 1] = taps[count - 1]; // read, times 0
  for (size_t c = 0; c < p->channels; c += 8) {
    const size_t start = c + 8 <= p->channels ? c : p->channels - 8; // the last block overlaps
    if (pairs == 5)
      block(5, 5, taps, pixels, start, p);
    else
      block(0, pairs, taps, pixels, start, p);
  }
}

#pragma clang attribute pop
#endif
