// Rows and columns cut into tiles: what follows `tile` in the bodies of i8_igemm and i16_igemm, which define ELEMENT, the type
// of their results.
//
// tile(rows, vectors, partial, rest, w, step, panel, ahead, p, column): `vectors` vectors of VL columns from `column` on, of the last of
// which `rest` lanes count if `partial`. Quads of rows are `step` bytes apart, panels `panel`; weights that lie `ahead` are fetched
// into L2 (as in f32_igemm/body.h).

// Columns from `column` on for a constant number of rows, `panels` panels at a time.
INLINE size_t columns_by(const int rows, const int panels, size_t column, size_t n, const zoo_integer_igemm_params *p) {
  const size_t depth = (p->tap_count * p->kc + 3) / 4 * 4;
  for (; column + 16 * (size_t)panels <= n; column += 16 * (size_t)panels) {
    const size_t next = column + 32 * (size_t)panels <= n ? 16 * (size_t)panels * depth : 0;
    tile(rows, panels * PER_PANEL, 0, 0, p->w + column * depth, 64, 16 * depth, next, p, column);
  }
  return column;
}

INLINE void strip(const int rows, size_t n, const zoo_integer_igemm_params *p) {
  size_t column = 0;
#if PANELS > 2
  column = columns_by(rows, PANELS, column, n, p);
#endif
#if PANELS > 1
  column = columns_by(rows, 2, column, n, p);
#endif
  column = columns_by(rows, 1, column, n, p);
  const size_t rest = n - column; // the last, narrower panel: its quads are `rest` columns apart
  if (rest == 0)
    return;
  const int8_t *w = p->w + column * ((p->tap_count * p->kc + 3) / 4 * 4);
#define LAST(whole) tile(rows, (whole) + 1, 1, rest - VL * (whole), w, rest * 4, 0, 0, p, column)
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

// `m` rows in 1...MR but 3 and 5: those have no code of their own.
static void even_rows(size_t m, size_t n, const zoo_integer_igemm_params *p) {
  switch (m) {
  case 1:
    strip(1, n, p);
    break;
  case 2:
    strip(2, n, p);
    break;
  case 4:
    strip(4, n, p);
    break;
#if MR == 6
  case 6:
    strip(6, n, p);
    break;
#endif
  }
}

// `m` rows in 1...MR.
INLINE void product(size_t m, size_t n, const zoo_integer_igemm_params *p) {
  if (m != 3 && m != 5)
    return even_rows(m, n, p);
  zoo_integer_igemm_params last = *p;
  last.a += m - 1;
  last.c = (ELEMENT *)last.c + (ptrdiff_t)(m - 1) * (ptrdiff_t)last.c_stride;
  if (last.addend)
    last.addend = (const ELEMENT *)last.addend + (ptrdiff_t)(m - 1) * (ptrdiff_t)last.addend_stride;
  even_rows(m - 1, n, p);
  even_rows(1, n, &last);
}
