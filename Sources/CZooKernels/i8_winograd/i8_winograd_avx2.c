// i8_winograd for avx2: transforms of 16 numbers of 16 bits at a time, products of pairs.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#include <simd/requantize.h>

typedef __m256i numbers; // 16 of 16 bits

INLINE numbers n_add(numbers a, numbers b) { return _mm256_add_epi16(a, b); }
INLINE numbers n_sub(numbers a, numbers b) { return _mm256_sub_epi16(a, b); }
INLINE numbers n_shift(numbers a, const int bits) { return _mm256_slli_epi16(a, bits); }
INLINE numbers n_load8(const int8_t *p) { return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p)); }
INLINE void n_store(int16_t *p, numbers x) { _mm256_storeu_si256((numbers *)p, x); }

// --- INPUT ---------------------------------------------------------------------------------------

// Six numbers of a line: B^T d.
INLINE void input_line(const numbers *d, const size_t step, numbers *y) {
  const numbers d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  const numbers a = n_sub(d4, n_shift(d2, 2)), b = n_sub(d3, n_shift(d1, 2));
  const numbers c = n_sub(d4, d2), e = n_shift(n_sub(d3, d1), 1);
  y[0] = n_add(n_shift(n_sub(d0, d2), 2), c);
  y[1] = n_add(a, b);
  y[2] = n_sub(a, b);
  y[3] = n_add(c, e);
  y[4] = n_sub(c, e);
  y[5] = n_add(n_shift(n_sub(d1, d3), 2), n_sub(d5, d3));
}

// `pixels`: where each of 6 x 6 has its channels, from `at` on.
INLINE void input_lanes(const int8_t *const *pixels, size_t at, const zoo_i8_winograd_params *p) {
  numbers d[6], t[36], v[6];
#pragma clang loop unroll(full)
  for (size_t j = 0; j < 6; j++) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 6; i++)
      d[i] = n_load8(pixels[6 * i + j] + at);
    input_line(d, 1, t + 6 * j);
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 6; i++) {
    input_line(t + i, 6, v);
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 6; j++)
      n_store(p->inputs + (6 * i + j) * p->input_stride + at, v[j]);
  }
}

// Channels whose addresses and padding are made at once.
#define CHANNELS 512

static void inputs(size_t count, const zoo_i8_winograd_params *p) {
  int8_t padding[CHANNELS];
  const size_t row_count = p->end_row - p->first_row, column_count = p->end_column - p->first_column;
  const int8_t *pixels[36];
  const int pads = row_count < 6 || column_count < 6;
  for (size_t at = 0; at < count; at += CHANNELS) {
    const size_t lanes = count - at < CHANNELS ? count - at : CHANNELS;
    for (size_t s = 0; s < 36; s++) {
      const size_t i = s / 6, j = s % 6;
      const int exists = i - p->first_row < row_count && j - p->first_column < column_count;
      pixels[s] = exists ? p->x + i * p->row_stride + j * p->pixel_stride + at : padding;
    }
    if (pads && at == 0)
      __builtin_memset(padding, p->padding, sizeof padding);
    zoo_i8_winograd_params block = *p;
    block.inputs += at;
    for (size_t lane = 0; lane < lanes; lane += 16)
      input_lanes(pixels, lane, &block);
  }
}

// --- WEIGHTS -------------------------------------------------------------------------------------

// Three weights of a line: the rows of G times 4, 6, 6, 24, 24 and 1.
INLINE void weight_line(const numbers *g, const size_t step, numbers *y) {
  const numbers g0 = g[0], g1 = g[step], g2 = g[2 * step];
  const numbers s = n_add(g0, g2), q = n_add(g0, n_shift(g2, 2)), r = n_shift(g1, 1);
  y[0] = g0;
  y[1] = n_sub(_mm256_setzero_si256(), n_add(s, g1));
  y[2] = n_sub(g1, s);
  y[3] = n_add(q, r);
  y[4] = n_sub(q, r);
  y[5] = g2;
}

// Pairs of channels of 8 columns: of each tap those of a quad of rows as 16 bits, first pair and second.
INLINE void weight_lanes(const numbers *g, int16_t *to, size_t stride) {
  numbers t[18], v[6];
#pragma clang loop unroll(full)
  for (size_t j = 0; j < 3; j++)
    weight_line(g + j, 3, t + 6 * j);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 6; i++) {
    weight_line(t + i, 6, v);
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 6; j++)
      n_store(to + (6 * i + j) * stride, v[j]);
  }
}

// A panel of 16 columns: `count` rows of each tap.
static void weights(size_t count, const zoo_i8_winograd_params *p) {
  const __m256i pairs = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15, 0, 1, 4, 5, 8, 9, 12, 13,
                                         2, 3, 6, 7, 10, 11, 14, 15);
  for (size_t k = 0; k < count; k += 4) {
    for (size_t half = 0; half < 2; half++) {
      numbers g[2][9];
#pragma clang loop unroll(full)
      for (size_t tap = 0; tap < 9; tap++) {
        const int8_t *from = p->w + tap * p->tap_stride + 16 * k + 32 * half;
        const __m256i quads = _mm256_shuffle_epi8(_mm256_loadu_si256((const __m256i *)from), pairs);
        const __m256i sorted = _mm256_permute4x64_epi64(quads, 0xd8);
        g[0][tap] = _mm256_cvtepi8_epi16(_mm256_castsi256_si128(sorted));
        g[1][tap] = _mm256_cvtepi8_epi16(_mm256_extracti128_si256(sorted, 1));
      }
      int16_t *to = p->weights + 16 * k + 16 * half;
      weight_lanes(g[0], to, p->weight_stride);
      weight_lanes(g[1], to + 32, p->weight_stride);
    }
  }
}

// --- PRODUCT -------------------------------------------------------------------------------------

INLINE __m256i load_pairs(const int16_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }
INLINE __m256i broadcast_pair(const int16_t *p) {
  int32_t pair;
  __builtin_memcpy(&pair, p, sizeof pair);
  return i_set(pair);
}

// `rows` tiles by 16 columns. Two pairs are added to each other first: a Zen 3 takes an eighth less time for that.
INLINE void product_tile(const int rows, const int16_t *x, size_t x_stride, const int16_t *w, size_t pairs,
                         int32_t *sums) {
  __m256i sum[4][2];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
    sum[i][0] = sum[i][1] = _mm256_setzero_si256();
  for (size_t k = 0; k < pairs; k += 2, w += 64) {
    const __m256i w0 = load_pairs(w), w1 = load_pairs(w + 16), v0 = load_pairs(w + 32), v1 = load_pairs(w + 48);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      const int16_t *row = x + (size_t)i * x_stride + 2 * k;
      const __m256i first = broadcast_pair(row), second = broadcast_pair(row + 2);
      sum[i][0] = i_add(sum[i][0], i_add(_mm256_madd_epi16(first, w0), _mm256_madd_epi16(second, v0)));
      sum[i][1] = i_add(sum[i][1], i_add(_mm256_madd_epi16(first, w1), _mm256_madd_epi16(second, v1)));
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++, sums += ZOO_WINOGRAD_COLUMNS) {
    _mm256_storeu_si256((__m256i *)sums, sum[i][0]);
    _mm256_storeu_si256((__m256i *)(sums + 8), sum[i][1]);
  }
}

static void product(size_t count, const zoo_i8_winograd_params *p) {
  for (size_t s = 0; s < 36; s++)
    for (size_t column = 0; column < p->columns; column += 16) {
      const int16_t *x = p->inputs + s * p->input_stride, *w = p->weights + s * p->weight_stride + column * p->depth;
      int32_t *sums = p->sums + s * p->sum_stride + column;
      size_t i = 0;
#define TILES(rows)                    \
  for (; i + rows <= count; i += rows) \
  product_tile(rows, x + i * p->channels, p->channels, w, p->depth / 2, sums + i * ZOO_WINOGRAD_COLUMNS)
      TILES(4);
      TILES(2);
      TILES(1);
#undef TILES
    }
}

// --- OUTPUT --------------------------------------------------------------------------------------

// Six products of a line: 24 A^T m, of weights that lack the denominators of G.
INLINE void output_line(const vi *m, const size_t step, vi *y) {
  const vi m0 = m[0], m1 = m[step], m2 = m[2 * step], m3 = m[3 * step], m4 = m[4 * step], m5 = m[5 * step];
  const vi a = _mm256_slli_epi32(i_add(m1, m2), 2), b = _mm256_slli_epi32(i_sub(m1, m2), 2);
  const vi c = i_add(m3, m4), d = i_sub(m3, m4);
  const vi six = _mm256_slli_epi32(i_add(m0, _mm256_slli_epi32(m0, 1)), 1);
  const vi three = i_add(m5, _mm256_slli_epi32(m5, 1));
  y[0] = i_add(i_add(six, a), c);
  y[1] = i_add(b, _mm256_slli_epi32(d, 1));
  y[2] = i_add(a, _mm256_slli_epi32(c, 2));
  y[3] = i_add(b, _mm256_slli_epi32(i_add(d, three), 3));
}

INLINE void output_pixel(vi sum, size_t i, size_t j, size_t at, const zoo_i8_winograd_params *p, requantization r) {
  vf real = v_mul(i_float(i_add(sum, i_load(p->bias + at))), v_load(p->multipliers + at));
  if (p->addend) {
    const vi addend = i_load8(p->addend + i * p->addend_row_stride + j * p->addend_pixel_stride + at);
    const vi steps = i_sub(addend, i_set(p->addend_zero_point));
    real = v_add(real, v_mul(i_float(steps), v_set(p->addend_multiplier)));
  }
  i_store8(p->y + i * p->y_row_stride + j * p->y_pixel_stride + at, requantize(real, r));
}

// 576 times the sums are what they are modulo 2^32: they are below 2^25, so that 64 times them are known without it.
INLINE void output_lanes(size_t at, const zoo_i8_winograd_params *p, requantization r) {
  const vi ninth = i_set(0x38e38e39); // 9 times this is 1 modulo 2^32
  vi m[6], t[24], y[4];
#pragma clang loop unroll(full)
  for (size_t j = 0; j < 6; j++) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 6; i++)
      m[i] = i_load(p->sums + (6 * i + j) * p->sum_stride + at);
    output_line(m, 1, t + 4 * j);
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 4; i++) {
    output_line(t + i, 4, y);
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 4; j++) {
      vi sum = _mm256_srai_epi32(i_mul(y[j], ninth), 6);
      int32_t *partial = p->partial + (4 * i + j) * ZOO_WINOGRAD_COLUMNS + at;
      if (!p->is_first)
        sum = i_add(sum, i_load(partial));
      if (!p->is_last)
        _mm256_storeu_si256((vi *)partial, sum);
      else if (i < p->end_row && j < p->end_column)
        output_pixel(sum, i, j, at, p, r);
    }
  }
}

static void outputs(size_t count, const zoo_i8_winograd_params *p) {
  const requantization r = make_requantization(p->lower, p->upper, p->zero_point);
  for (size_t at = 0; at < count; at += VL)
    output_lanes(at, p, r);
}

void zoo_i8_winograd_ukernel__avx2(size_t count, const zoo_i8_winograd_params *params) {
  switch (params->step) {
  case ZOO_I8_WINOGRAD_INPUT:
    return inputs(count, params);
  case ZOO_I8_WINOGRAD_WEIGHTS:
    return weights(count, params);
  case ZOO_I8_WINOGRAD_PRODUCT:
    return product(count, params);
  case ZOO_I8_WINOGRAD_OUTPUT:
    return outputs(count, params);
  default:
    return;
  }
}

#pragma clang attribute pop
#endif
