// i8_dwconv for AVX-512 VNNI: 64 channels at a time, four rows of a column of taps in one dot product.
//
// Unpacking brings the bytes of up to four rows side by side for each channel (simd/quads.h); the column then serves every output pixel
// whose window covers it.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#include <simd/quads.h>

#define MOST_COLUMNS 16
#define MOST_TAPS (4 * MOST_COLUMNS)

// Rows 0 ... `rows` - 1 (at most 4) of one column, each byte with the bits of `flip` turned.
INLINE quads column(const int rows, const int8_t *x, size_t row_stride, __mmask64 mask, __m512i flip) {
  __m512i r[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++)
    r[i] =
        i < rows ? _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, x + i * row_stride), flip) : _mm512_setzero_si512();
  return interleave(r);
}

INLINE quads dot(quads sum, quads x, quads w) {
#pragma clang loop unroll(full)
  for (int v = 0; v < 4; v++)
    sum.v[v] = _mm512_dpbusd_epi32(sum.v[v], x.v[v], w.v[v]);
  return sum;
}

typedef struct block {
  const zoo_integer_dwconv_params *p;
  __mmask64 mask;
  __m512i flip;
  quads bias;
  byte_requantization requantization;
} block;

INLINE void finish(const block *b, __mmask64 mask, quads sum, int8_t *y) {
  __m512i words[4];
#pragma clang loop unroll(full)
  for (int v = 0; v < 4; v++)
    words[v] = scaled(sum.v[v], b->requantization.multipliers.v[v]);
  _mm512_mask_storeu_epi8(y, mask, packed(words, &b->requantization));
}

// Three columns; the next pixel's window is `step` columns further: 1, 2, or 0 for any other distance. A mask of all lanes
// is written as a constant, so that no masks are used at all: masked stores take several times as long.
INLINE void slide(const int rows, const int step, __mmask64 mask, const block *b, const quads *w, const int8_t *x,
                  int8_t *y, size_t pixels) {
  const zoo_integer_dwconv_params *p = b->p;
  const size_t row = p->x_row_stride, next = p->x_col_stride;
  quads c0, c1;
  if (step)
    c0 = column(rows, x, row, mask, b->flip);
  if (step == 1)
    c1 = column(rows, x + next, row, mask, b->flip);
  for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
    if (!step)
      c0 = column(rows, x, row, mask, b->flip);
    if (step != 1)
      c1 = column(rows, x + next, row, mask, b->flip);
    const quads c2 = column(rows, x + 2 * next, row, mask, b->flip);
    finish(b, mask, dot(dot(dot(b->bias, c0, w[0]), c1, w[1]), c2, w[2]), y);
    c0 = step == 1 ? c1 : c2;
    c1 = c2;
  }
}

INLINE quads some_rows(size_t rows, const int8_t *x, size_t row_stride, __mmask64 mask, __m512i flip) {
  return rows >= 4   ? column(4, x, row_stride, mask, flip)
         : rows == 3 ? column(3, x, row_stride, mask, flip)
         : rows == 2 ? column(2, x, row_stride, mask, flip)
                     : column(1, x, row_stride, mask, flip);
}

// Any window: rows in groups of four.
INLINE void any(const block *b, const quads *w, const int8_t *x, int8_t *y, size_t pixels) {
  const zoo_integer_dwconv_params *p = b->p;
  for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
    quads sum = b->bias;
    size_t at = 0;
    for (size_t i = 0; i < p->kh; i += 4)
      for (size_t j = 0; j < p->kw; j++, at++)
        sum = dot(
            sum, some_rows(p->kh - i, x + i * p->x_row_stride + j * p->x_col_stride, p->x_row_stride, b->mask, b->flip),
            w[at]);
    finish(b, b->mask, sum, y);
  }
}

static void blocks(size_t pixels, const zoo_integer_dwconv_params *p) {
  const size_t window = p->kw == 3 ? p->kh : 0;
  const size_t step = p->x_pixel_stride == p->x_col_stride ? 1 : p->x_pixel_stride == 2 * p->x_col_stride ? 2 : 0;
  block b = {.p = p, .flip = _mm512_set1_epi8((char)0x80)};
  for (size_t c = 0; c < p->channels; c += 64) {
    const size_t count = p->channels - c < 64 ? p->channels - c : 64;
    b.mask = count == 64 ? ALL : ((__mmask64)1 << count) - 1;
    b.requantization = make_byte_requantization(p->lower, p->upper, p->y_zero_point, p->multipliers + c, count);
    b.bias = in_order(p->bias[0] + c, count);
    quads w[MOST_COLUMNS], weight_sum = {{i_set(0), i_set(0), i_set(0), i_set(0)}};
    const quads ones = {{_mm512_set1_epi8(1), _mm512_set1_epi8(1), _mm512_set1_epi8(1), _mm512_set1_epi8(1)}};
    size_t at = 0;
    for (size_t i = 0; i < p->kh; i += 4)
      for (size_t j = 0; j < p->kw; j++, at++) {
        w[at] = some_rows(p->kh - i, p->w + i * p->w_row_stride + j * p->w_col_stride + c, p->w_row_stride, b.mask,
                          _mm512_setzero_si512());
        weight_sum = dot(weight_sum, ones, w[at]);
      }
    for (int v = 0; v < 4; v++)
      b.bias.v[v] = i_sub(b.bias.v[v], i_mul(weight_sum.v[v], i_set(p->x_zero_point + 128)));
    for (size_t l = 0; l < p->lines; l++) {
      const int8_t *x = (const int8_t *)p->x + l * p->x_line_stride + c;
      int8_t *y = (int8_t *)p->y + l * p->y_line_stride + c;
      if (window == 3 && step == 1 && count == 64)
        slide(3, 1, ALL, &b, w, x, y, pixels);
      else if (window == 3 && step == 1)
        slide(3, 1, b.mask, &b, w, x, y, pixels);
      else if (window == 3 && step == 2 && count == 64)
        slide(3, 2, ALL, &b, w, x, y, pixels);
      else if (window == 3 && step == 2)
        slide(3, 2, b.mask, &b, w, x, y, pixels);
      else if (window == 3)
        slide(3, 0, b.mask, &b, w, x, y, pixels);
      else if (window == 2)
        slide(2, 0, b.mask, &b, w, x, y, pixels);
      else
        any(&b, w, x, y, pixels);
    }
  }
}

#include <i8_dwconv/side_by_side.h>

void zoo_i8_dwconv_ukernel__avx2(size_t pixels, const zoo_integer_dwconv_params *p);

void zoo_i8_dwconv_ukernel__avx512vnni(size_t pixels, const zoo_integer_dwconv_params *p) {
  if ((p->kh + 3) / 4 * p->kw > MOST_COLUMNS)
    return zoo_i8_dwconv_ukernel__avx2(pixels, p);
  if (is_better_side_by_side(pixels, p))
    return side_by_side(pixels, p);
  zoo_integer_dwconv_params part = *p;
  const size_t rest = p->channels % LANES;
  if (rest > 0 && rest <= 16) { // most of a block would be empty
    part.channels = rest;
    part.x = (const int8_t *)p->x + p->channels - rest;
    part.w += p->channels - rest;
    part.bias[0] += p->channels - rest;
    part.multipliers += p->channels - rest;
    part.y = (int8_t *)p->y + p->channels - rest;
    zoo_i8_dwconv_ukernel__avx2(pixels, &part);
    part = *p;
    part.channels -= rest;
  }
  if (pixels == 1 && p->lines > 1) { // a column: as a row, downwards
    pixels = p->lines;
    part.lines = 1;
    part.x_pixel_stride = p->x_line_stride;
    part.y_stride = p->y_line_stride;
  }
  blocks(pixels, &part);
}

#pragma clang attribute pop
#endif
