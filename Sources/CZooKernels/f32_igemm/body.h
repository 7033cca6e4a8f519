// f32_igemm for any vector width: MR rows by NR columns of accumulators in registers.
//
// The including file defines MR (rows) and the vector words of simd/*.h. For weights that are not floats it also defines
// W_ELEMENT, their type, and
//   w_load(p), w_load_part(p, m, n): VL weights, or the first n (lanes of the mask m), as floats
//   W_IS_SCALED: 1 if they have a scale for each column
// or, for weights of bf16 in pairs of rows (zoo/FORMAT.md), W_IS_PAIRED instead of w_load.
// With NARROW, a last panel of at most so many columns is the affair of narrow_tile (narrow.h); with TOGETHER, the last columns of one row
// that of last_columns (row.h).
#include <simd/ahead.h>
#include <zoo_kernels.h>

#ifndef W_ELEMENT
#define W_ELEMENT float
#define W_IS_SCALED 0
INLINE vf w_load(const float *p) { return v_load(p); }
INLINE vf w_load_part(const float *p, vmask m, size_t n) {
  (void)n;
  return v_load_part(p, m);
}
#endif

#define PER_PANEL (16 / VL) // vectors per panel

#ifdef W_IS_PAIRED
// Row `row` of `depth`, of `width` columns, from `lane` on: VL weights, or the first `rest`, as floats.
INLINE vf w_row(const uint16_t *panel, size_t lane, size_t row, size_t depth, size_t width, const int partial,
                vmask mask, size_t rest) {
  if (row % 2 == 0 && row + 1 == depth) {
    const uint16_t *p = panel + row * width + lane;
    return partial ? v_load_bf16_part(p, mask, rest) : v_load_bf16(p);
  }
  const int32_t *p = (const int32_t *)(const void *)(panel + row / 2 * 2 * width) + lane;
  return v_half(partial ? i_load_part(p, mask) : i_load(p), row % 2 == 1);
}
#endif

// One tile of `rows` x (`vectors` * VL) columns; all three counts are constants after inlining. Row k of vector v starts at
// w[v] + k * step; of pairs, w[v] is its panel. Of the last vector only `rest` lanes count if `partial`. Weights at `next` are fetched.
INLINE void tile(const int rows, const int vectors, const int partial, size_t rest, const W_ELEMENT *const *w,
                 size_t step, ahead next, const zoo_f32_igemm_params *p, size_t column) {
  const vmask mask = v_mask(partial ? rest : 0);
  vf sum[MR][16];
  for (int v = 0; v < vectors; v++) {
    const int cut = partial && v == vectors - 1;
    const float *bias = p->bias && !W_IS_SCALED ? p->bias + column + v * VL : 0;
    vf b = !bias ? v_set(0) : cut ? v_load_part(bias, mask) : v_load(bias);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      sum[i][v] = b;
  }
#ifdef W_IS_PAIRED
  const size_t depth = p->tap_count * p->kc;
  size_t row = 0;
#else
  size_t offset = 0;
#endif
  for (size_t t = 0; t < p->tap_count; t++) {
    const float *a[MR];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      a[i] = p->a[t * p->a_tap_stride + i];
    for (size_t k = 0; k < p->kc; k++, next.at += next.step) {
      vf b[16];
      if (rows > 1 && !partial)
        fetch_ahead(vectors / PER_PANEL, next.at);
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) {
        const int cut = partial && v == vectors - 1;
#ifdef W_IS_PAIRED
        const size_t offset = row * step;
#endif
        if (rows == 1 && !partial && v % PER_PANEL == 0) // read once, from memory: 16 rows ahead
          __builtin_prefetch(w[v] + offset + 256, 0, 3);
#ifdef W_IS_PAIRED
        b[v] = w_row(w[v], (size_t)(v % PER_PANEL) * VL, row, depth, step, cut, mask, rest);
#else
        b[v] = cut ? w_load_part(w[v] + offset, mask, rest) : w_load(w[v] + offset);
#endif
      }
#ifdef W_IS_PAIRED
      row++;
#else
      offset += step;
#endif
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) {
        const vf x = v_broadcast(a[i] + k);
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++)
          sum[i][v] = v_fma(x, b[v], sum[i][v]);
      }
    }
  }
  const vf lower = v_set(p->lower), upper = v_set(p->upper);
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      const int cut = partial && v == vectors - 1;
      const size_t at = column + (size_t)v * VL;
      vf y = sum[i][v];
#if W_IS_SCALED
      y = v_mul(y, cut ? v_load_part(p->w_scales + at, mask) : v_load(p->w_scales + at));
      if (p->bias)
        y = v_add(y, cut ? v_load_part(p->bias + at, mask) : v_load(p->bias + at));
#endif
      if (p->addend) {
        const float *addend = p->addend + i * p->addend_stride + at;
        y = v_add(y, cut ? v_load_part(addend, mask) : v_load(addend));
      }
      y = v_clamp(y, lower, upper);
      float *c = p->c + i * p->c_stride + at;
      if (cut)
        v_store_part(c, mask, y);
      else
        v_store(c, y);
    }
  }
}

#ifdef W_IS_PAIRED
#define LANE(v) 0
#else
#define LANE(v) ((v) % PER_PANEL * VL)
#endif
// Columns from `column` on for a constant number of rows, `panels` panels at a time.
INLINE size_t columns_by(const int rows, const int panels, size_t column, size_t n, const zoo_f32_igemm_params *p,
                         fetching f) {
  const size_t depth = p->tap_count * p->kc, width = 16 * (size_t)panels;
  const W_ELEMENT *const weights = p->w, *w[16];
  for (; column + width <= n; column += width) {
#pragma clang loop unroll(full)
    for (int v = 0; v < panels * PER_PANEL; v++)
      w[v] = weights + (column + 16 * (size_t)(v / PER_PANEL)) * depth + LANE(v);
    const ahead next = find_ahead(w[0], width * sizeof(W_ELEMENT), depth, column, panels, n, f);
    tile(rows, panels * PER_PANEL, 0, 0, w, 16, next, p, column);
  }
  return column;
}

// All columns for a constant number of rows: `panels` panels at a time, then half as many, since a panel alone waits for its sums.
INLINE void strip(const int rows, const int panels, size_t n, const zoo_f32_igemm_params *p, fetching f) {
  const size_t depth = p->tap_count * p->kc;
  const W_ELEMENT *const weights = p->w, *w[16];
  size_t column = columns_by(rows, panels, 0, n, p, f);
#ifdef TOGETHER
  // Whole pairs of panels are read from memory: fast enough by themselves, and last_columns reads some twice.
  if (rows == 1 && n - column > 16 && (n - column) % 32 != 0)
    return last_columns(n - column, weights + column * depth, p, column);
#endif
  if (panels > 4)
    column = columns_by(rows, 4, column, n, p, f);
  if (panels > 2)
    column = columns_by(rows, 2, column, n, p, f);
  if (panels > 1)
    column = columns_by(rows, 1, column, n, p, f);
  const size_t rest = n - column; // the last, narrower panel: its rows are `rest` apart
  if (rest == 0)
    return;
#ifdef NARROW
  if (rest <= NARROW)
    return narrow_tile(rows, rest, weights + column * depth, p, column);
#endif
  for (int v = 0; v < PER_PANEL; v++)
    w[v] = weights + column * depth + LANE(v);
#define LAST(whole) tile(rows, (whole) + 1, 1, rest - VL * (whole), w, rest, (ahead){0}, p, column)
#if PER_PANEL == 4
  if (rest > 3 * VL)
    return LAST(3);
  if (rest > 2 * VL)
    return LAST(2);
#endif
#if PER_PANEL >= 2
  if (rest > VL)
    return LAST(1);
#endif
  LAST(0);
#undef LAST
}

// Any number of rows: tiles of MR, then of 4, 2 and 1; others have no code of their own. `panels` panels at a time, but `wide` for
// one row (dense layers), so that enough loads are in flight.
INLINE void product(size_t m, const int wide, const int panels, size_t n, const zoo_f32_igemm_params *params) {
  zoo_f32_igemm_params p = *params;
  fetching f = plan_fetching(m, MR, n, p.tap_count * p.kc, p.next);
  for (size_t rows; m > 0; m -= rows, f.index++, p = zoo_f32_igemm_rows(&p, rows)) {
    rows = m >= MR ? MR : m >= 4 ? 4 : m >= 2 ? 2 : 1;
    if (rows == MR)
      strip(MR, panels, n, &p, f);
    else if (rows == 4)
      strip(4, panels, n, &p, f);
    else if (rows == 2)
      strip(2, panels, n, &p, f);
    else
      strip(1, wide, n, &p, f);
  }
}
