// i8_dwconv for avx2: taps in pairs, 16 channels of a 3x3 or 8 of any window at a time.
//
// The bytes of two taps side by side, widened to 16 bits, times the two weights of each channel: one madd adds both exactly.
// The zero point is taken off once: sum of (x - zero) w = sum of x w - zero sum of w.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#include <simd/requantize.h>
#include <simd/requantize256.h>
#include <integer/i8.h>

#define LANES 16
#define BLOCK 8
#define MOST_TAPS 128

// 16 channels of 32 bits: 0-3 and 8-11, 4-7 and 12-15, which is how unpacking leaves them and packing wants them.
typedef struct halves {
  __m256i low, high;
} halves;

INLINE halves in_order(const void *words) {
  const __m256i a = i_load(words), b = i_load((const int32_t *)words + 8);
  return (halves){_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31)};
}

INLINE halves side_by_side_in_pairs(__m256i a, __m256i b) {
  return (halves){_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)};
}

// A column of taps: rows 0 and 1 side by side, and row 2 (`rows` 3), which stands beside that of the column before.
typedef struct column {
  halves pairs;
  __m256i third;
} column;

INLINE __m256i load_words(const int8_t *x) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)x)); }
INLINE column load_column(const int rows, const int8_t *x, size_t row_stride) {
  const __m256i third = rows == 3 ? load_words(x + 2 * row_stride) : _mm256_setzero_si256();
  return (column){side_by_side_in_pairs(load_words(x), load_words(x + row_stride)), third};
}

INLINE halves dot(halves sum, halves x, halves w) {
  return (halves){i_add(sum.low, _mm256_madd_epi16(x.low, w.low)), i_add(sum.high, _mm256_madd_epi16(x.high, w.high))};
}

// Weights of 3 columns: of rows 0 and 1, and of row 2 those of columns 0 and 1, and that of column 2 beside a zero.
typedef struct taps {
  halves pairs[3], first_thirds, last_third;
} taps;

// The terms of a window with its column 1, which follows `third`, and with column 2, which follows column 1.
INLINE halves add_middle(const int rows, halves sum, __m256i third, column x, const taps *w) {
  sum = dot(sum, x.pairs, w->pairs[1]);
  return rows == 3 ? dot(sum, side_by_side_in_pairs(third, x.third), w->first_thirds) : sum;
}
INLINE halves add_last(const int rows, halves sum, __m256i third, column x, const taps *w) {
  sum = dot(sum, x.pairs, w->pairs[2]);
  return rows == 3 ? dot(sum, side_by_side_in_pairs(third, x.third), w->last_third) : sum;
}

INLINE void finish(const packed_requantization *r, halves multipliers, halves sum, int8_t *y) {
  const vf low = v_mul(i_float(sum.low), _mm256_castsi256_ps(multipliers.low));
  const vf high = v_mul(i_float(sum.high), _mm256_castsi256_ps(multipliers.high));
  const __m256i words = packed_words(low, high, r);
  const __m128i bytes = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  _mm_storeu_si128((__m128i *)y, _mm_max_epi8(bytes, r->lower));
}

// Channels c ... c + 15 of windows of three columns, `step` columns apart: 1, 2, or 0 for any other distance. A column
// is loaded once and added to all windows that cover it.
INLINE void slide(const int rows, const int step, size_t pixels, size_t c, const zoo_integer_dwconv_params *p) {
  column w[3];
  for (int j = 0; j < 3; j++)
    w[j] = load_column(rows, p->w + (size_t)j * p->w_col_stride + c, p->w_row_stride);
  const taps weights = {{w[0].pairs, w[1].pairs, w[2].pairs},
                        side_by_side_in_pairs(w[0].third, w[1].third),
                        side_by_side_in_pairs(_mm256_setzero_si256(), w[2].third)};
  const __m256i one = _mm256_set1_epi16(1);
  const column all_ones = {{one, one}, one};
  halves weight_sum = dot((halves){i_set(0), i_set(0)}, all_ones.pairs, weights.pairs[0]);
  weight_sum = add_middle(rows, weight_sum, one, all_ones, &weights);
  weight_sum = add_last(rows, weight_sum, one, all_ones, &weights);
  halves bias = in_order(p->bias[0] + c);
  bias.low = i_sub(bias.low, i_mul(weight_sum.low, i_set(p->x_zero_point)));
  bias.high = i_sub(bias.high, i_mul(weight_sum.high, i_set(p->x_zero_point)));
  const halves multipliers = in_order(p->multipliers + c);
  const packed_requantization r = make_packed_requantization(p->lower, p->upper, p->y_zero_point);
  const size_t row = p->x_row_stride, next = p->x_col_stride;
  for (size_t l = 0; l < p->lines; l++) {
    const int8_t *x = (const int8_t *)p->x + l * p->x_line_stride + c;
    int8_t *y = (int8_t *)p->y + l * p->y_line_stride + c;
    column last = load_column(rows, x, row);
    halves sum = dot(bias, last.pairs, weights.pairs[0]), after = bias;
    if (step == 1) {
      const column second = load_column(rows, x + next, row);
      sum = add_middle(rows, sum, last.third, second, &weights);
      after = dot(bias, second.pairs, weights.pairs[0]);
      last = second;
    }
    for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
      if (!step && q > 0) {
        last = load_column(rows, x, row);
        sum = dot(bias, last.pairs, weights.pairs[0]);
      }
      if (step != 1) {
        const column middle = load_column(rows, x + next, row);
        sum = add_middle(rows, sum, last.third, middle, &weights);
        last = middle;
      }
      const __m256i third = last.third;
      last = load_column(rows, x + 2 * next, row);
      finish(&r, multipliers, add_last(rows, sum, third, last, &weights), y);
      if (step == 1)
        sum = add_middle(rows, after, third, last, &weights);
      if (step)
        *(step == 1 ? &after : &sum) = dot(bias, last.pairs, weights.pairs[0]);
    }
  }
}

// Eight channels of two taps, alternating, as 16-bit numbers.
INLINE __m256i pair(const int8_t *first, const int8_t *second) {
  const __m128i a = _mm_loadl_epi64((const __m128i *)first);
  const __m128i b = second ? _mm_loadl_epi64((const __m128i *)second) : _mm_setzero_si128();
  return _mm256_cvtepi8_epi16(_mm_unpacklo_epi8(a, b));
}

INLINE void block(size_t count, const size_t *taps, size_t pixels, size_t c, const zoo_integer_dwconv_params *p) {
  const size_t pairs = (count + 1) / 2;
  __m256i w[(MOST_TAPS + 1) / 2];
  vi weight_sum = i_set(0);
  for (size_t t = 0; t < pairs; t++) {
    const size_t k = 2 * t, l = k + 1;
    const int8_t *first = p->w + k / p->kw * p->w_row_stride + k % p->kw * p->w_col_stride + c;
    const int8_t *second = p->w + l / p->kw * p->w_row_stride + l % p->kw * p->w_col_stride + c;
    w[t] = pair(first, l < count ? second : NULL);
    weight_sum = i_add(weight_sum, _mm256_madd_epi16(w[t], _mm256_set1_epi16(1)));
  }
  const requantization r = make_requantization(p->lower, p->upper, p->y_zero_point);
  const vi bias = i_sub(i_load(p->bias[0] + c), i_mul(weight_sum, i_set(p->x_zero_point)));
  const vf multipliers = v_load(p->multipliers + c);
  for (size_t l = 0; l < p->lines; l++) {
    const int8_t *x = (const int8_t *)p->x + l * p->x_line_stride + c;
    int8_t *y = (int8_t *)p->y + l * p->y_line_stride + c;
    for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
      vi sum = bias;
#pragma clang loop unroll_count(2)
      for (size_t t = 0; t < pairs; t++)
        sum = i_add(sum, _mm256_madd_epi16(pair(x + taps[2 * t], x + taps[2 * t + 1]), w[t]));
      i_store8(y, requantize(v_mul(i_float(sum), multipliers), r));
    }
  }
}

// Blocks of 16 channels, the last one overlapping the one before; false for windows that `slide` does not know.
static int three_columns(size_t pixels, const zoo_integer_dwconv_params *p) {
  const size_t step = p->x_pixel_stride == p->x_col_stride ? 1 : p->x_pixel_stride == 2 * p->x_col_stride ? 2 : 0;
  if (p->channels < 16 || p->kw != 3 || (p->kh != 3 && p->kh != 2))
    return 0;
  for (size_t c = 0; c < p->channels; c += 16) {
    const size_t start = c + 16 <= p->channels ? c : p->channels - 16;
    if (p->kh == 3 && step == 1)
      slide(3, 1, pixels, start, p);
    else if (p->kh == 3 && step == 2)
      slide(3, 2, pixels, start, p);
    else if (p->kh == 3)
      slide(3, 0, pixels, start, p);
    else
      slide(2, 0, pixels, start, p);
  }
  return 1;
}

#include <integer/dwconv.h>

static void blocks(size_t pixels, const zoo_integer_dwconv_params *p) {
  if (!three_columns(pixels, p))
    by_table(pixels, p);
}

#include <i8_dwconv/side_by_side.h>

void zoo_i8_dwconv_ukernel__avx2(size_t pixels, const zoo_integer_dwconv_params *p) {
  if (is_better_side_by_side(pixels, p))
    side_by_side(pixels, p);
  else
    blocks(pixels, p);
}

#pragma clang attribute pop
#endif
