// f32_igemm for any vector width: MR rows by NR columns of accumulators in registers.
//
// The including file defines MR (rows) and the vector words of simd/*.h. For weights that are not floats it also defines
// W_ELEMENT, their type, and
//   w_load(p), w_load_part(p, m, n): VL weights, or the first n (lanes of the mask m), as floats
//   W_IS_SCALED: 1 if they have a scale for each column
// or, for weights of bf16 in pairs of rows (zoo/FORMAT.md), W_IS_PAIRED instead of w_load.
// With NARROW, a last panel of at most so many columns is the affair of narrow_tile (narrow.h), and where it has as many, whole tiles of rows
// take it together with the panel before it (seam_tiles); with HALF_PANEL, so many last columns are multiplied by more than MR rows (6) at a
// time; with TOGETHER, the last columns of one row are that of last_columns (row.h).
#include <f32_igemm/place.h>
#include <simd/ahead.h>
#include <zoo_kernels.h>

// FEW_ROWS: rows of the smallest tile with more than one. Weights in other forms than floats rarely meet two or three rows.
#ifdef W_ELEMENT
#define FEW_ROWS 4
#else
#define FEW_ROWS 2
#define W_ELEMENT float
#define W_IS_SCALED 0
INLINE vf w_load(const float *p) { return v_load(p); }
INLINE vf w_load_part(const float *p, vmask m, size_t n) {
  (void)n;
  return v_load_part(p, m);
}
#endif

#define PER_PANEL (16 / VL) // vectors per panel
#define MOST_ROWS (MR < 8 ? 8 : MR)

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
// w[v] + k * step; of pairs, w[v] is its panel. Of the last vector only `rest` lanes count if `partial`. Weights at `next` are fetched,
// but by single panels, which read as often as they multiply.
INLINE void tile(const int rows, const int vectors, const int partial, size_t rest, const W_ELEMENT *const *w,
                 size_t step, ahead next, place at, const zoo_f32_igemm_params *p, size_t column) {
  const vmask mask = v_mask(partial ? rest : 0);
  vf sum[MOST_ROWS][16];
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
    const float *a[MOST_ROWS];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      a[i] = at.a[t * p->a_tap_stride + i];
    for (size_t k = 0; k < p->kc; k++, next.at += next.step) {
      vf b[16];
      if (rows > 1 && !partial && vectors > PER_PANEL)
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
  for (int i = 0; i < rows; i++, at = below(at, 1, p)) {
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      const int cut = partial && v == vectors - 1;
      const size_t j = column + (size_t)v * VL;
      vf y = sum[i][v];
#if W_IS_SCALED
      y = v_mul(y, cut ? v_load_part(p->w_scales + j, mask) : v_load(p->w_scales + j));
      if (p->bias)
        y = v_add(y, cut ? v_load_part(p->bias + j, mask) : v_load(p->bias + j));
#endif
      if (at.addend)
        y = v_add(y, cut ? v_load_part(at.addend + j, mask) : v_load(at.addend + j));
      y = v_clamp(y, lower, upper);
      if (cut)
        v_store_part(at.c + j, mask, y);
      else
        v_store(at.c + j, y);
    }
  }
}

#ifdef W_IS_PAIRED
#define LANE(v) 0
#else
#define LANE(v) ((v) % PER_PANEL * VL)
#endif
// Columns from `column` on of `count` tiles of a constant number of rows, `panels` panels at a time.
INLINE size_t columns_by(const int rows, const int panels, size_t count, size_t column, size_t n, place first,
                         const zoo_f32_igemm_params *p, fetching f) {
  const size_t depth = p->tap_count * p->kc, width = 16 * (size_t)panels;
  const W_ELEMENT *const weights = p->w, *w[16];
  for (; column + width <= n; column += width) {
#pragma clang loop unroll(full)
    for (int v = 0; v < panels * PER_PANEL; v++)
      w[v] = weights + (column + 16 * (size_t)(v / PER_PANEL)) * depth + LANE(v);
    place at = first;
    fetching tile_fetching = f;
    for (size_t i = 0; i < count; i++, at = below(at, (size_t)rows, p), tile_fetching.index++) {
      const ahead next = find_ahead(w[0], width * sizeof(W_ELEMENT), depth, column, panels, n, tile_fetching);
      tile(rows, panels * PER_PANEL, 0, 0, w, 16, next, at, p, column);
    }
  }
  return column;
}

// The last, narrower panel, of `rest` columns: its rows are `rest` apart.
INLINE void last_tile(const int rows, size_t rest, place at, const zoo_f32_igemm_params *p, size_t column) {
  const W_ELEMENT *const panel = (const W_ELEMENT *)p->w + column * p->tap_count * p->kc, *w[PER_PANEL];
#ifdef NARROW
  if (rest <= NARROW)
    return narrow_tile(rows, rest, panel, at, p, column);
#endif
  for (int v = 0; v < PER_PANEL; v++)
    w[v] = panel + LANE(v);
#define LAST(whole) tile(rows, (whole) + 1, 1, rest - VL * (whole), w, rest, (ahead){0}, at, p, column)
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

#ifdef HALF_PANEL
// The last columns, as many as a vector has, of m rows: the sums of MR rows would wait for each other.
INLINE void half_panel(size_t m, place at, const zoo_f32_igemm_params *p, size_t column) {
  const W_ELEMENT *const w = (const W_ELEMENT *)p->w + column * p->tap_count * p->kc;
  for (; m >= 8; m -= 8, at = below(at, 8, p))
    tile(8, 1, 0, 0, &w, VL, (ahead){0}, at, p, column);
  for (; m > 0; m -= 2, at = below(at, 2, p))
    last_tile(2, VL, at, p, column);
}
#endif

// All columns of `count` tiles of a constant number of rows: `panels` panels at a time, then half as many, since a panel alone waits for
// its sums.
INLINE void strip(const int rows, const int panels, size_t count, size_t n, place first, const zoo_f32_igemm_params *p,
                  fetching f) {
  size_t end = n;
#ifdef NARROW
  const size_t seam = 16 + NARROW;
  if (rows == MR && n >= seam && n % 16 == NARROW)
    end = n - seam;
#endif
  size_t column = columns_by(rows, panels, count, 0, end, first, p, f);
#ifdef TOGETHER
  // Whole pairs of panels are read from memory: fast enough by themselves, and last_columns reads some twice.
  if (rows == 1 && n - column > 16 && (n - column) % 32 != 0)
    return last_columns(n - column, first, p, column);
#endif
  if (panels > 4)
    column = columns_by(rows, 4, count, column, end, first, p, f);
  if (panels > 2)
    column = columns_by(rows, 2, count, column, end, first, p, f);
  if (panels > 1)
    column = columns_by(rows, 1, count, column, end, first, p, f);
#ifdef NARROW
  if (rows == MR && end < n)
    return seam_tiles(count, first, p, column);
#endif
  const size_t rest = n - column;
#ifdef HALF_PANEL
  if (rows == MR && rest == HALF_PANEL)
    return half_panel(count * MR, first, p, column);
#endif
  for (; rest > 0 && count > 0; count--, first = below(first, (size_t)rows, p))
    last_tile(rows, rest, first, p, column);
}

// Any number of rows: tiles of MR, then of 4, FEW_ROWS and 1; others have no code of their own. `panels` panels at a time, but `wide` for
// one row (dense layers), so that enough loads are in flight.
//
// Rows of one tile of columns follow each other at once: short sums leave little time to begin the next tile (16 columns of 27 rows: 141 to 172
// GFLOP/s). Of more columns all come first, so that the rows stay near.
INLINE void product(size_t m, const int wide, const int panels, size_t n, const zoo_f32_igemm_params *p) {
  const size_t depth = p->tap_count * p->kc, whole = m / MR;
  fetching f = plan_fetching(m, MR, n, depth, p->next);
  size_t together = n <= 16 * (size_t)panels ? whole : 1;
#ifdef HALF_PANEL
  if (n % 16 == HALF_PANEL && n > 16)
    together = 4;
#endif
  place at = place_of(p);
  for (size_t i = 0; i < whole; i += together, f.index += together, at = below(at, together * MR, p)) {
    together = together < whole - i ? together : whole - i;
    strip(MR, panels, together, n, at, p, f);
  }
  m -= whole * MR;
  for (size_t rows; m > 0; m -= rows, at = below(at, rows, p)) {
    rows = m >= 4 ? 4 : m >= FEW_ROWS ? FEW_ROWS : 1;
    if (rows == 4)
      strip(4, panels, 1, n, at, p, f);
    else if (rows == FEW_ROWS)
      strip(FEW_ROWS, panels, 1, n, at, p, f);
    else
      strip(1, wide, 1, n, at, p, f);
    f.index++;
  }
}
