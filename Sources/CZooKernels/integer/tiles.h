// Rows and columns cut into tiles: what follows `tile` in the bodies of i8_igemm and i16_igemm, which define ELEMENT, the type
// of their results.
//
// tile(rows, vectors, partial, rest, w, step, panel, next, p, column): `vectors` vectors of VL columns from `column` on, of the last of
// which `rest` lanes count if `partial`. Quads of rows are `step` bytes apart, panels `panel`; weights at `next` are fetched.

// Columns from `column` on for a constant number of rows, `panels` panels at a time.
INLINE size_t columns_by(const int rows, const int panels, size_t column, size_t n, const zoo_integer_igemm_params *p,
                         fetching f) {
  const size_t depth = (p->tap_count * p->kc + 3) / 4 * 4, width = 16 * (size_t)panels;
  for (; column + width <= n; column += width) {
    const int8_t *w = p->w + column * depth;
    const ahead next = find_ahead(w, 4 * width, depth / 4, column, panels, n, f);
    tile(rows, panels * PER_PANEL, 0, 0, w, 64, 16 * depth, next, p, column);
  }
  return column;
}

// All columns: `panels` panels at a time, then 2 and 1.
INLINE void strip(const int rows, const int panels, size_t n, const zoo_integer_igemm_params *p, fetching f) {
  size_t column = 0;
  if (panels > 2)
    column = columns_by(rows, panels, column, n, p, f);
  if (PANELS > 1)
    column = columns_by(rows, 2, column, n, p, f);
  column = columns_by(rows, 1, column, n, p, f);
  const size_t rest = n - column; // the last, narrower panel: its quads are `rest` columns apart
  if (rest == 0)
    return;
  const int8_t *w = p->w + column * ((p->tap_count * p->kc + 3) / 4 * 4);
#define LAST(whole) tile(rows, (whole) + 1, 1, rest - VL * (whole), w, rest * 4, 0, (ahead){0}, p, column)
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

// Any number of rows: tiles of MR, then of 4, 2 and 1; others have no code of their own. One row takes WIDE panels at a time.
INLINE void product(size_t m, size_t n, const zoo_integer_igemm_params *params) {
  zoo_integer_igemm_params p = *params;
  fetching f = plan_fetching(m, MR, n, (p.tap_count * p.kc + 3) / 4, p.next);
  for (size_t rows; m > 0; m -= rows, f.index++) {
    rows = m >= MR ? MR : m >= 4 ? 4 : m >= 2 ? 2 : 1;
    if (rows == MR)
      strip(MR, PANELS, n, &p, f);
    else if (rows == 4)
      strip(4, PANELS, n, &p, f);
    else if (rows == 2)
      strip(2, PANELS, n, &p, f);
    else
      strip(1, WIDE, n, &p, f);
    p.a += rows;
    p.c = (ELEMENT *)p.c + (ptrdiff_t)rows * (ptrdiff_t)p.c_stride;
    if (p.addend)
      p.addend = (const ELEMENT *)p.addend + (ptrdiff_t)rows * (ptrdiff_t)p.addend_stride;
  }
}
