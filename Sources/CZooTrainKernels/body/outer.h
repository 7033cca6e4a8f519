// Sums of outer products of pixels: the weight gradient of convolutions and dense layers.
//
// ROWS2 x 2 vectors, or ROWS1 x 1 vector, of accumulators stay in registers while all pixels pass by.

// One tile of `rows` x (`vectors` * VL) sums; the counts are constants after inlining.
INLINE void outer_tile(const int rows, const int vectors, const int partial, vmask mask, const zoo_train_walk *w,
                       size_t i0, size_t j0, float *c, size_t c_row) {
  vf sum[16][2];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++)
      sum[i][v] = v_set(0);
  for (size_t r = 0; r < w->rows; r++) {
    const float *a = w->a + r * w->a_row + i0, *b = w->b + r * w->b_row + j0;
    for (size_t m = 0; m < w->count; m++, a += w->a_pixel, b += w->b_pixel) {
      vf y[2];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++)
        y[v] = partial && v == vectors - 1 ? v_load_part(b + v * VL, mask) : v_load(b + v * VL);
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++) {
        const vf x = v_set(a[i]);
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++)
          sum[i][v] = v_fma(x, y[v], sum[i][v]);
      }
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
    float *line = c + (i0 + i) * c_row + j0;
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      if (partial && v == vectors - 1)
        v_store_part(line + v * VL, mask, v_add(v_load_part(line + v * VL, mask), sum[i][v]));
      else
        v_store(line + v * VL, v_add(v_load(line + v * VL), sum[i][v]));
    }
  }
}

// `rows` rows, at most 8, of one strip of columns.
INLINE void outer_rest(const int vectors, const int partial, vmask mask, size_t rows, const zoo_train_walk *w, size_t i,
                       size_t j0, float *c, size_t c_row) {
  switch (rows) {
  case 8:
    outer_tile(8, vectors, partial, mask, w, i, j0, c, c_row);
    break;
  case 7:
    outer_tile(7, vectors, partial, mask, w, i, j0, c, c_row);
    break;
  case 6:
    outer_tile(6, vectors, partial, mask, w, i, j0, c, c_row);
    break;
  case 5:
    outer_tile(5, vectors, partial, mask, w, i, j0, c, c_row);
    break;
  case 4:
    outer_tile(4, vectors, partial, mask, w, i, j0, c, c_row);
    break;
  case 3:
    outer_tile(3, vectors, partial, mask, w, i, j0, c, c_row);
    break;
  case 2:
    outer_tile(2, vectors, partial, mask, w, i, j0, c, c_row);
    break;
  case 1:
    outer_tile(1, vectors, partial, mask, w, i, j0, c, c_row);
    break;
  }
}

// All rows of one strip of columns, `most` at a time.
INLINE void outer_strip(const int most, const int vectors, const int partial, vmask mask, size_t m,
                        const zoo_train_walk *w, size_t j0, float *c, size_t c_row) {
  size_t i = 0;
  for (; i + (size_t)most <= m; i += (size_t)most)
    outer_tile(most, vectors, partial, mask, w, i, j0, c, c_row);
  if (m - i > 8) { // two of about the same size: a tile of one row waits for its only sum
    const size_t half = (m - i + 1) / 2;
    outer_rest(vectors, partial, mask, half, w, i, j0, c, c_row);
    i += half;
  }
  outer_rest(vectors, partial, mask, m - i, w, i, j0, c, c_row);
}

static void outer(size_t m, size_t n, const zoo_train_walk *w, float *c, size_t c_row) {
  size_t j = 0;
  for (; j + 2 * VL <= n; j += 2 * VL)
    outer_strip(ROWS2, 2, 0, v_mask(0), m, w, j, c, c_row);
  const size_t rest = n - j;
  if (rest == VL)
    outer_strip(ROWS1, 1, 0, v_mask(0), m, w, j, c, c_row);
  else if (rest > VL)
    outer_strip(ROWS2, 2, 1, v_mask(rest - VL), m, w, j, c, c_row);
  else if (rest > 0)
    outer_strip(ROWS1, 1, 1, v_mask(rest), m, w, j, c, c_row);
}
