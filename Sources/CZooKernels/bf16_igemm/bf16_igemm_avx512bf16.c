// bf16_igemm and bf16_pack for avx512bf16: 8 rows by 32 columns, two products an instruction.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#include <f32_igemm/place.h>
#include <simd/ahead.h>
#include <simd/bf16.h>
#include <simd/hard_swish.h>
#define MR 8

// Two values that are multiplied in one step; pixels of an odd number of channels begin in the middle of a word.
typedef int32_t bf16_pair __attribute__((aligned(2)));

// One row of n columns that has no partner, as pairs with 0.
INLINE __m512i single(const uint16_t *p, size_t n) {
  return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(v_mask(n), p));
}

// Finishes and stores `rows` x `panels` vectors of sums; of the last one the lanes of `mask` count, `width` of them.
INLINE void finish(const int rows, const int panels, vf (*sum)[8], vmask mask, size_t width, place at,
                   const zoo_f32_igemm_params *p, size_t column) {
  const vf lower = v_set(p->lower), upper = v_set(p->upper);
  place row = at;
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++, row = below(row, 1, p)) {
#pragma clang loop unroll(full)
    for (int v = 0; v < panels; v++) {
      const size_t j = column + 16 * (size_t)v;
      const vmask lanes = v == panels - 1 ? mask : v_mask(16);
      if (at.addend)
        sum[i][v] = v_add(sum[i][v], v_load_part(row.addend + j, lanes));
      else if (at.rounded_addend)
        sum[i][v] = v_add(sum[i][v], v_load_bf16_part(row.rounded_addend + j, lanes, v == panels - 1 ? width : 16));
      sum[i][v] = v_clamp(sum[i][v], lower, upper);
    }
  }
  if (p->hard_swish)
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
      for (int v = 0; v < panels; v++)
        sum[i][v] = v_hard_swish(sum[i][v]);
  if (at.rounded) {
    uint16_t *to = at.rounded + column;
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++, to += p->c_stride)
#pragma clang loop unroll(full)
      for (int v = 0; v < panels; v++)
        v_store_bf16_part(to + 16 * v, v == panels - 1 ? mask : v_mask(16), sum[i][v]);
  } else {
    float *to = at.c + column;
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++, to += p->c_stride)
#pragma clang loop unroll(full)
      for (int v = 0; v < panels; v++)
        v_store_part(to + 16 * v, v == panels - 1 ? mask : v_mask(16), sum[i][v]);
  }
}

// One tile of `rows` x (`panels` * 16) columns, the counts constants after inlining; one panel of `rest` columns if `partial`.
// Weights at `next` are fetched, but by single panels, which read as often as they multiply.
INLINE void tile(const int rows, const int panels, const int partial, size_t rest, ahead next, place at,
                 const zoo_f32_igemm_params *p, size_t column) {
  const size_t depth = p->tap_count * p->kc, width = partial ? rest : 16;
  const vmask mask = v_mask(width);
  const uint16_t *w[8];
  vf sum[MR][8];
#pragma clang loop unroll(full)
  for (int v = 0; v < panels; v++) {
    w[v] = (const uint16_t *)p->w + (column + 16 * (size_t)v) * depth;
    const vf bias = p->bias ? v_load_part(p->bias + column + 16 * v, mask) : v_set(0);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      sum[i][v] = bias;
  }
  const bf16_pair *a[MR];
  const size_t count = p->kc / 2;
  for (size_t t = 0; t < p->tap_count; t++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      a[i] = (const bf16_pair *)at.a[t * p->a_tap_stride + i];
    for (size_t k = 0; k < count; k++, next.at += next.step) {
      __m512i b[8];
      if (rows > 1 && panels > 1)
        fetch_ahead(panels, next.at);
#pragma clang loop unroll(full)
      for (int v = 0; v < panels; v++) {
        b[v] = partial ? _mm512_maskz_loadu_epi32(mask, w[v]) : _mm512_loadu_si512(w[v]);
        w[v] += 2 * width;
      }
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) {
        const __m512bh x = (__m512bh)_mm512_set1_epi32(a[i][k]);
#pragma clang loop unroll(full)
        for (int v = 0; v < panels; v++)
          sum[i][v] = _mm512_dpbf16_ps(sum[i][v], x, (__m512bh)b[v]);
      }
    }
  }
  if (depth % 2) {
#pragma clang loop unroll(full)
    for (int v = 0; v < panels; v++) {
      const __m512i b = single(w[v], width);
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++)
        sum[i][v] = _mm512_dpbf16_ps(sum[i][v], (__m512bh)_mm512_set1_epi32(a[i][count]), (__m512bh)b);
    }
  }
  finish(rows, panels, sum, mask, width, at, p, column);
}

// MR rows by the last 24 columns, from `column` on, with an even number of weights' rows: a whole panel, and one of 8 columns of which a vector has
// two rows, so that no lane is lost (f32_igemm/narrow.h).
INLINE void seam_tile(place at, const zoo_f32_igemm_params *p, size_t column) {
  const size_t depth = p->tap_count * p->kc;
  const uint16_t *w = (const uint16_t *)p->w + column * depth, *narrow = w + 16 * depth;
  const vf bias = p->bias ? v_load(p->bias + column) : v_set(0);
  const vf narrow_bias = p->bias ? _mm512_broadcast_f32x8(_mm256_loadu_ps(p->bias + column + 16)) : v_set(0);
  vf sum[MR][8], pair[MR / 2]; // rows 2i and 2i + 1
#pragma clang loop unroll(full)
  for (int i = 0; i < MR; i++) {
    sum[i][0] = bias;
    pair[i / 2] = narrow_bias;
  }
  for (size_t t = 0; t < p->tap_count; t++) {
    const bf16_pair *a[MR];
#pragma clang loop unroll(full)
    for (int i = 0; i < MR; i++)
      a[i] = (const bf16_pair *)at.a[t * p->a_tap_stride + i];
    for (size_t k = 0; k < p->kc / 2; k++, w += 32, narrow += 16) {
      const __m512bh b = (__m512bh)_mm512_loadu_si512(w);
      const __m512bh twice = (__m512bh)_mm512_broadcast_i32x8(_mm256_loadu_si256((const __m256i *)narrow));
#pragma clang loop unroll(full)
      for (int i = 0; i < MR; i += 2) {
        const __m512i x = _mm512_set1_epi32(a[i][k]), y = _mm512_set1_epi32(a[i + 1][k]);
        sum[i][0] = _mm512_dpbf16_ps(sum[i][0], (__m512bh)x, b);
        sum[i + 1][0] = _mm512_dpbf16_ps(sum[i + 1][0], (__m512bh)y, b);
        pair[i / 2] = _mm512_dpbf16_ps(pair[i / 2], (__m512bh)_mm512_mask_blend_epi32(0xff00, x, y), twice);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < MR; i += 2) {
    sum[i][1] = pair[i / 2];
    sum[i + 1][1] = _mm512_castps256_ps512(_mm512_extractf32x8_ps(pair[i / 2], 1));
  }
  finish(MR, 2, sum, v_mask(8), 8, at, p, column);
}

// Columns from `column` on of `count` tiles of a constant number of rows, `panels` panels at a time.
INLINE size_t columns_by(const int rows, const int panels, size_t count, size_t column, size_t n, place first,
                         const zoo_f32_igemm_params *p, fetching f) {
  const size_t depth = p->tap_count * p->kc, width = 16 * (size_t)panels;
  for (; column + width <= n; column += width) {
    const uint16_t *w = (const uint16_t *)p->w + column * depth;
    place at = first;
    fetching tile_fetching = f;
    for (size_t i = 0; i < count; i++, at = below(at, (size_t)rows, p), tile_fetching.index++)
      tile(rows, panels, 0, 0, find_ahead(w, 4 * width, depth / 2, column, panels, n, tile_fetching), at, p, column);
  }
  return column;
}

// All columns of `count` tiles of a constant number of rows: `panels` panels at a time, then half as many, since a panel alone waits for
// its sums.
INLINE void strip(const int rows, const int panels, size_t count, size_t n, place at, const zoo_f32_igemm_params *p,
                  fetching f) {
  const int has_seam = rows == MR && n >= 24 && n % 16 == 8 && p->kc % 2 == 0;
  const size_t end = has_seam ? n - 24 : n;
  size_t column = columns_by(rows, panels, count, 0, end, at, p, f);
  if (panels > 4)
    column = columns_by(rows, 4, count, column, end, at, p, f);
  if (panels > 2)
    column = columns_by(rows, 2, count, column, end, at, p, f);
  if (panels > 1)
    column = columns_by(rows, 1, count, column, end, at, p, f);
  for (; column < n && count > 0; count--, at = below(at, (size_t)rows, p))
    if (rows == MR && has_seam)
      seam_tile(at, p, column);
    else
      tile(rows, 1, 1, n - column, (ahead){0}, at, p, column);
}

// As in f32_igemm/body.h.
void zoo_bf16_igemm_ukernel_8x32__avx512bf16(size_t m, size_t n, const zoo_f32_igemm_params *p) {
  const size_t whole = m / MR, together = n <= 32 ? whole : 1;
  fetching f = plan_fetching(m, MR, n, (p->tap_count * p->kc + 1) / 2, p->next);
  place at = place_of(p);
  for (size_t i = 0; i < whole; i += together, f.index += together, at = below(at, together * MR, p))
    strip(MR, 2, together, n, at, p, f);
  m -= whole * MR;
  for (size_t rows; m > 0; m -= rows, f.index++, at = below(at, rows, p)) {
    rows = m >= 4 ? 4 : m >= 2 ? 2 : 1;
    if (rows == 4)
      strip(4, 2, 1, n, at, p, f);
    else if (rows == 2)
      strip(2, 2, 1, n, at, p, f);
    else
      strip(1, 8, 1, n, at, p, f);
  }
}

void zoo_bf16_pack_ukernel__avx512bf16(size_t m, const zoo_bf16_pack_params *p) {
  for (size_t i = 0; i < m; i++) {
    uint16_t *to = p->y + i * p->y_stride;
    for (size_t t = 0; t < p->tap_count; t++, to += p->kc) {
      const float *x = p->a[t * p->a_tap_stride + i];
      size_t k = 0;
      for (; k + 32 <= p->kc; k += 32)
        _mm512_storeu_si512(to + k, (__m512i)_mm512_cvtne2ps_pbh(v_load(x + k + 16), v_load(x + k)));
      for (; k < p->kc; k += 16) {
        const vmask mask = v_mask(p->kc - k < 16 ? p->kc - k : 16);
        _mm256_mask_storeu_epi16(to + k, mask, (__m256i)_mm512_cvtneps_pbh(v_load_part(x + k, mask)));
      }
    }
    if (p->kc * p->tap_count % 2)
      *to = 0;
  }
}

#pragma clang attribute pop
#endif
