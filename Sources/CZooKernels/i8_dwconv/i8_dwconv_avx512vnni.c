// i8_dwconv for AVX-512 VNNI: 64 channels at a time, four rows of a column of taps in one dot product.
//
// Unpacking brings the bytes of up to four rows side by side for each channel; the column then serves every output pixel
// whose window covers it. Vector v of a column holds channels 4v ... 4v + 3 of each 16: packing restores the order.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#include <simd/requantize.h>

#define MOST_COLUMNS 16

typedef struct quads {
  __m512i v[4];
} quads;

// Rows 0 ... `rows` - 1 (at most 4) of one column, each byte with the bits of `flip` turned.
INLINE quads column(const int rows, const int8_t *x, size_t row_stride, __mmask64 mask, __m512i flip) {
  __m512i r[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++)
    r[i] =
        i < rows ? _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, x + i * row_stride), flip) : _mm512_setzero_si512();
  const __m512i low01 = _mm512_unpacklo_epi8(r[0], r[1]), high01 = _mm512_unpackhi_epi8(r[0], r[1]);
  const __m512i low23 = _mm512_unpacklo_epi8(r[2], r[3]), high23 = _mm512_unpackhi_epi8(r[2], r[3]);
  return (quads){{_mm512_unpacklo_epi16(low01, low23), _mm512_unpackhi_epi16(low01, low23),
                  _mm512_unpacklo_epi16(high01, high23), _mm512_unpackhi_epi16(high01, high23)}};
}

INLINE quads dot(quads sum, quads x, quads w) {
#pragma clang loop unroll(full)
  for (int v = 0; v < 4; v++)
    sum.v[v] = _mm512_dpbusd_epi32(sum.v[v], x.v[v], w.v[v]);
  return sum;
}

// 64 words in the order of a column's vectors; those past `count` are 0.
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

typedef struct block {
  const zoo_i8_dwconv_params *p;
  __mmask64 mask;
  __m512i flip;
  quads bias, multipliers;
  requantization r;
} block;

INLINE void finish(const block *b, quads sum, int8_t *y) {
  __m512i words[4];
#pragma clang loop unroll(full)
  for (int v = 0; v < 4; v++)
    words[v] = requantize(v_mul(i_float(sum.v[v]), _mm512_castsi512_ps(b->multipliers.v[v])), b->r);
  const __m512i bytes =
      _mm512_packs_epi16(_mm512_packs_epi32(words[0], words[1]), _mm512_packs_epi32(words[2], words[3]));
  _mm512_mask_storeu_epi8(y, b->mask, bytes);
}

// Three columns; the next pixel's window is `step` columns further, 1 or 2.
INLINE void slide(const int rows, const int step, const block *b, const quads *w, const int8_t *x, int8_t *y,
                  size_t pixels) {
  const zoo_i8_dwconv_params *p = b->p;
  const size_t row = p->x_row_stride, next = p->x_col_stride;
  quads c0 = column(rows, x, row, b->mask, b->flip), c1;
  if (step == 1)
    c1 = column(rows, x + next, row, b->mask, b->flip);
  for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
    if (step == 2)
      c1 = column(rows, x + next, row, b->mask, b->flip);
    const quads c2 = column(rows, x + 2 * next, row, b->mask, b->flip);
    finish(b, dot(dot(dot(b->bias, c0, w[0]), c1, w[1]), c2, w[2]), y);
    c0 = step == 1 ? c1 : c2;
    c1 = c2;
  }
}

// Any window: rows in groups of four.
INLINE void any(const block *b, const quads *w, const int8_t *x, int8_t *y, size_t pixels) {
  const zoo_i8_dwconv_params *p = b->p;
  for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
    quads sum = b->bias;
    size_t at = 0;
    for (size_t i = 0; i < p->kh; i += 4) {
      const size_t rows = p->kh - i;
      for (size_t j = 0; j < p->kw; j++, at++) {
        const int8_t *from = x + i * p->x_row_stride + j * p->x_col_stride;
        quads c;
        if (rows >= 4)
          c = column(4, from, p->x_row_stride, b->mask, b->flip);
        else if (rows == 3)
          c = column(3, from, p->x_row_stride, b->mask, b->flip);
        else if (rows == 2)
          c = column(2, from, p->x_row_stride, b->mask, b->flip);
        else
          c = column(1, from, p->x_row_stride, b->mask, b->flip);
        sum = dot(sum, c, w[at]);
      }
    }
    finish(b, sum, y);
  }
}

void zoo_i8_dwconv_ukernel__avx2(size_t pixels, const zoo_i8_dwconv_params *p);

void zoo_i8_dwconv_ukernel__avx512vnni(size_t pixels, const zoo_i8_dwconv_params *p) {
  const size_t groups = (p->kh + 3) / 4;
  if (groups * p->kw > MOST_COLUMNS)
    return zoo_i8_dwconv_ukernel__avx2(pixels, p);
  const int is_three = p->kw == 3 && groups == 1;
  const size_t step = p->x_pixel_stride == p->x_col_stride ? 1 : p->x_pixel_stride == 2 * p->x_col_stride ? 2 : 0;
  for (size_t c = 0; c < p->channels; c += 64) {
    const size_t count = p->channels - c < 64 ? p->channels - c : 64;
    block b = {.p = p, .flip = _mm512_set1_epi8((char)0x80)};
    b.mask = count == 64 ? ~(__mmask64)0 : ((__mmask64)1 << count) - 1;
    b.r = make_requantization(p->lower, p->upper, p->y_zero_point);
    b.multipliers = in_order(p->multipliers + c, count);
    b.bias = in_order(p->bias + c, count);
    quads w[MOST_COLUMNS], weight_sum = {{i_set(0), i_set(0), i_set(0), i_set(0)}};
    const quads ones = {{_mm512_set1_epi8(1), _mm512_set1_epi8(1), _mm512_set1_epi8(1), _mm512_set1_epi8(1)}};
    size_t at = 0;
    for (size_t i = 0; i < p->kh; i += 4)
      for (size_t j = 0; j < p->kw; j++, at++) {
        const int8_t *from = p->w + i * p->w_row_stride + j * p->w_col_stride + c;
        const size_t rows = p->kh - i < 4 ? p->kh - i : 4;
        const __m512i none = _mm512_setzero_si512();
        w[at] = rows == 4   ? column(4, from, p->w_row_stride, b.mask, none)
                : rows == 3 ? column(3, from, p->w_row_stride, b.mask, none)
                : rows == 2 ? column(2, from, p->w_row_stride, b.mask, none)
                            : column(1, from, p->w_row_stride, b.mask, none);
        weight_sum = dot(weight_sum, ones, w[at]);
      }
    for (int v = 0; v < 4; v++)
      b.bias.v[v] = i_sub(b.bias.v[v], i_mul(weight_sum.v[v], i_set(p->x_zero_point + 128)));
    const int8_t *x = p->x + c;
    int8_t *y = p->y + c;
    if (is_three && p->kh == 3 && step == 1)
      slide(3, 1, &b, w, x, y, pixels);
    else if (is_three && p->kh == 3 && step == 2)
      slide(3, 2, &b, w, x, y, pixels);
    else if (is_three && p->kh == 2 && step == 1)
      slide(2, 1, &b, w, x, y, pixels);
    else
      any(&b, w, x, y, pixels);
  }
}

#pragma clang attribute pop
#endif
