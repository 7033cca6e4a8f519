// bf16_igemm and bf16_pack for avx512bf16: 8 rows by 32 columns, two products an instruction.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#include <simd/ahead.h>
#include <simd/bf16.h>
#include <simd/hard_swish.h>
#define MR 8

// One row of n columns that has no partner, as pairs with 0.
INLINE __m512i single(const uint16_t *p, size_t n) {
  return _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(v_mask(n), p));
}

// One tile of `rows` x (`panels` * 16) columns, the counts constants after inlining; one panel of `rest` columns if `partial`.
// Weights at `next` are fetched.
INLINE void tile(const int rows, const int panels, const int partial, size_t rest, ahead next,
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
  const int32_t *a[MR];
  const size_t count = p->kc / 2;
  for (size_t t = 0; t < p->tap_count; t++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      a[i] = (const int32_t *)p->a[t * p->a_tap_stride + i];
    for (size_t k = 0; k < count; k++, next.at += next.step) {
      __m512i b[8];
      if (rows > 1 && !partial)
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
  const vf lower = v_set(p->lower), upper = v_set(p->upper);
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < panels; v++) {
      const size_t at = column + 16 * (size_t)v;
      if (p->addend)
        sum[i][v] = v_add(sum[i][v], v_load_part(p->addend + i * p->addend_stride + at, mask));
      else if (p->rounded_addend)
        sum[i][v] = v_add(sum[i][v], v_load_bf16_part(p->rounded_addend + i * p->addend_stride + at, mask, width));
      sum[i][v] = v_clamp(sum[i][v], lower, upper);
    }
  }
  if (p->hard_swish)
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
      for (int v = 0; v < panels; v++)
        sum[i][v] = v_hard_swish(sum[i][v]);
  if (p->rounded) {
    uint16_t *to = p->rounded + column;
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++, to += p->c_stride)
#pragma clang loop unroll(full)
      for (int v = 0; v < panels; v++)
        v_store_bf16_part(to + 16 * v, mask, sum[i][v]);
  } else {
    float *to = p->c + column;
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++, to += p->c_stride)
#pragma clang loop unroll(full)
      for (int v = 0; v < panels; v++)
        v_store_part(to + 16 * v, mask, sum[i][v]);
  }
}

// Columns from `column` on for a constant number of rows, `panels` panels at a time.
INLINE size_t columns_by(const int rows, const int panels, size_t column, size_t n, const zoo_f32_igemm_params *p,
                         fetching f) {
  const size_t depth = p->tap_count * p->kc, width = 16 * (size_t)panels;
  for (; column + width <= n; column += width) {
    const uint16_t *w = (const uint16_t *)p->w + column * depth;
    tile(rows, panels, 0, 0, find_ahead(w, 4 * width, depth / 2, column, panels, n, f), p, column);
  }
  return column;
}

// All columns for a constant number of rows: `panels` panels at a time, then half as many, since a panel alone waits for its sums.
INLINE void strip(const int rows, const int panels, size_t n, const zoo_f32_igemm_params *p, fetching f) {
  size_t column = columns_by(rows, panels, 0, n, p, f);
  if (panels > 4)
    column = columns_by(rows, 4, column, n, p, f);
  if (panels > 2)
    column = columns_by(rows, 2, column, n, p, f);
  if (panels > 1)
    column = columns_by(rows, 1, column, n, p, f);
  if (column < n)
    tile(rows, 1, 1, n - column, (ahead){0}, p, column);
}

void zoo_bf16_igemm_ukernel_8x32__avx512bf16(size_t m, size_t n, const zoo_f32_igemm_params *params) {
  zoo_f32_igemm_params p = *params;
  fetching f = plan_fetching(m, MR, n, (p.tap_count * p.kc + 1) / 2, p.next);
  for (size_t rows; m > 0; m -= rows, f.index++, p = zoo_f32_igemm_rows(&p, rows)) { // as in f32_igemm/body.h
    rows = m >= MR ? MR : m >= 4 ? 4 : m >= 2 ? 2 : 1;
    if (rows == MR)
      strip(MR, 2, n, &p, f);
    else if (rows == 4)
      strip(4, 2, n, &p, f);
    else if (rows == 2)
      strip(2, 2, n, &p, f);
    else
      strip(1, 8, n, &p, f);
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
