// i8_igemm by a matrix unit (simd/amx.h): 32 rows by 32 columns, four tiles of sums.
//
// The rows of the input are first copied one after the other to `workspace`, their taps side by side: then tiles are regular whatever
// the pointers are, taps of few channels share a tile, and every load is aligned. What is copied serves all columns.
//
// Weights lie as the unit wants them: 16 quads of a panel are a tile. Sums start from the biases, a row that is read 16 times.
#include <simd/amx.h>
#include <simd/requantize.h>
#include <zoo_kernels.h>

#define BLOCK (2 * TILE_ROWS)
#define PANEL 16 // columns
#define CHUNK 64 // bytes of a row that one tile holds

// What all tiles of a call share.
typedef struct tile_work {
  const zoo_integer_igemm_params *p;
  int8_t *rows;  // copied: [m][stride]
  size_t stride; // an odd number of lines of the cache, so that neighbouring rows do not share their places in it
  size_t quads;  // of a column of weights
} tile_work;

INLINE size_t row_stride(size_t depth) { return ((depth + CHUNK - 1) / CHUNK | 1) * CHUNK; }

// Sizes are kept small: no call of memcpy.
INLINE void copy_bytes(int8_t *to, const int8_t *from, size_t bytes) {
  size_t at = 0;
  for (; at + CHUNK <= bytes; at += CHUNK)
    _mm512_storeu_si512(to + at, _mm512_loadu_si512(from + at));
  const __mmask64 rest = ((uint64_t)1 << (bytes - at)) - 1;
  _mm512_mask_storeu_epi8(to + at, rest, _mm512_maskz_loadu_epi8(rest, from + at));
}

static void copy_rows(const tile_work *work, size_t first, size_t count) {
  const zoo_integer_igemm_params *p = work->p;
  const size_t depth = p->tap_count * p->kc;
  for (size_t i = 0; i < count; i++) {
    int8_t *to = work->rows + i * work->stride;
    // Zeros beyond the depth, then the taps.
    _mm512_storeu_si512(to + (depth - 1) / CHUNK * CHUNK, _mm512_setzero_si512());
    for (size_t t = 0; t < p->tap_count; t++)
      copy_bytes(to + t * p->kc, (const int8_t *)p->a[t * p->a_tap_stride + first + i], p->kc);
  }
}

// The quads past the last whole chunk of a panel of `width` columns, zeros below them.
static void copy_last_quads(int8_t *to, const int8_t *panel, size_t quads, size_t width) {
  for (size_t i = 0; i < TILE_ROWS; i++) {
    const size_t bytes = i < quads ? 4 * width : 0;
    const __mmask64 mask = bytes == 64 ? ~(uint64_t)0 : ((uint64_t)1 << bytes) - 1;
    _mm512_storeu_si512(to + i * TILE_BYTES, _mm512_maskz_loadu_epi8(mask, panel + i * 4 * width));
  }
}

// `width` columns from `column` on of one row of sums.
INLINE void finish_row(const int32_t *sums, size_t row, size_t column, size_t width, requantization r,
                       const zoo_integer_igemm_params *p) {
  const vmask mask = v_mask(width);
  vf real = v_mul(i_float(i_load_part(sums, mask)), v_load_part(p->multipliers + column, mask));
  if (p->addend) {
    const vi addend = i_load8_part((const int8_t *)p->addend + row * p->addend_stride + column, width);
    const vi zero = i_set(p->addend_zero_point);
    real = v_add(real, v_mul(i_float(i_sub(addend, zero)), v_set(p->addend_multiplier)));
  }
  i_store8_part((int8_t *)p->c + row * p->c_stride + column, width, requantize(real, r));
}

// One block of up to 32 rows from `row` on (row `at` of those copied): `panels` panels of `width` columns from `column` on.
// `halves`: tiles of rows, `lower` rows in the first, `upper` in the second.
INLINE void block(const int halves, const int panels, const tile_work *work, size_t row, size_t at, size_t lower,
                  size_t upper, size_t column, size_t width, int8_t (*last)[TILE_ROWS * TILE_BYTES]) {
  const zoo_integer_igemm_params *p = work->p;
  const int8_t *a0 = work->rows + at * work->stride, *a1 = a0 + lower * work->stride;
  const int8_t *w0 = p->w + column * work->quads * 4, *w1 = w0 + PANEL * work->quads * 4;
  const size_t stride = work->stride, w_stride = 4 * width;
  T_LOAD(0, p->bias[0] + column, 0);
  if (panels == 2)
    T_LOAD(1, p->bias[0] + column + PANEL, 0);
  if (halves == 2)
    T_LOAD(2, p->bias[0] + column, 0);
  if (halves == 2 && panels == 2)
    T_LOAD(3, p->bias[0] + column + PANEL, 0);
  for (size_t quad = 0; quad < work->quads; quad += TILE_ROWS) {
    const int whole = quad + TILE_ROWS <= work->quads;
    T_LOAD(4, a0 + quad * 4, stride);
    T_LOAD(6, whole ? w0 + quad * w_stride : last[0], whole ? w_stride : TILE_BYTES);
    T_DOT_I8(0, 4, 6);
    if (panels == 2) {
      T_LOAD(7, whole ? w1 + quad * w_stride : last[1], whole ? w_stride : TILE_BYTES);
      T_DOT_I8(1, 4, 7);
    }
    if (halves == 2) {
      T_LOAD(5, a1 + quad * 4, stride);
      T_DOT_I8(2, 5, 6);
      if (panels == 2)
        T_DOT_I8(3, 5, 7);
    }
  }
  int32_t sums[BLOCK][2 * PANEL] __attribute__((aligned(64)));
  T_STORE(0, sums[0], sizeof sums[0]);
  if (panels == 2)
    T_STORE(1, sums[0] + PANEL, sizeof sums[0]);
  if (halves == 2)
    T_STORE(2, sums[lower], sizeof sums[0]);
  if (halves == 2 && panels == 2)
    T_STORE(3, sums[lower] + PANEL, sizeof sums[0]);
  const requantization r = make_requantization(p->lower, p->upper, p->zero_point);
  for (size_t i = 0; i < lower + upper; i++)
    for (size_t v = 0; v < (size_t)panels; v++)
      finish_row(sums[i] + v * PANEL, row + i, column + v * PANEL, width, r, p);
}

// Columns [column, end) in panels of `width`, for blocks of `lower` + `upper` rows each from `row` on, up to `count` rows.
static void columns(const tile_work *work, size_t row, size_t at, size_t count, size_t lower, size_t upper,
                    size_t column, size_t end, size_t width) {
  tile_shapes shapes = {.palette = 1};
  const size_t rows[8] = {lower, lower, upper, upper, lower, upper, TILE_ROWS, TILE_ROWS};
  for (size_t t = 0; t < 8; t++) {
    shapes.rows[t] = (uint8_t)rows[t];
    shapes.row_bytes[t] = (uint16_t)(rows[t] == 0 ? 0 : t == 4 || t == 5 ? TILE_BYTES : 4 * width);
  }
  T_BEGIN(&shapes);
  int8_t last[2][TILE_ROWS * TILE_BYTES] __attribute__((aligned(64)));
  const size_t rest = work->quads % TILE_ROWS, whole = work->quads - rest;
  while (column < end) {
    const int pair = column + 2 * PANEL <= end;
    for (int v = 0; rest > 0 && v <= pair; v++)
      copy_last_quads(last[v], work->p->w + ((column + (size_t)v * PANEL) * work->quads + whole * width) * 4, rest,
                      width);
    for (size_t i = 0; i < count; i += lower + upper) {
      if (upper > 0 && pair)
        block(2, 2, work, row + i, at + i, lower, upper, column, width, last);
      else if (upper > 0)
        block(2, 1, work, row + i, at + i, lower, upper, column, width, last);
      else if (pair)
        block(1, 2, work, row + i, at + i, lower, upper, column, width, last);
      else
        block(1, 1, work, row + i, at + i, lower, upper, column, width, last);
    }
    column += pair ? 2 * PANEL : width;
  }
  T_END();
}

// `count` rows, all of whose columns: blocks of 32, then one of those left, in two tiles of about the same size.
static void group(tile_work *work, size_t first, size_t count, size_t n) {
  copy_rows(work, first, count);
  const size_t full = count / BLOCK * BLOCK, rest = count - full;
  const size_t lower = rest > TILE_ROWS ? (rest + 1) / 2 : rest;
  const size_t narrow = n % PANEL, wide = n - narrow;
  for (int tail = 0; tail < 2; tail++) {
    const size_t rows = tail ? rest : full;
    const size_t l = tail ? lower : TILE_ROWS, u = tail ? rest - lower : TILE_ROWS;
    const size_t at = tail ? full : 0;
    if (rows > 0 && wide > 0)
      columns(work, first + at, at, rows, l, u, 0, wide, PANEL);
    if (rows > 0 && narrow > 0)
      columns(work, first + at, at, rows, l, u, wide, n, narrow);
  }
}

void zoo_i8_igemm_ukernel_6x64__avx512vnni(size_t, size_t, const zoo_integer_igemm_params *);

// Few rows leave a tile empty that costs as much as a full one.
#define LEAST_ROWS 8

// Without a workspace, or with one that is too small for a block, the product is made by vectors.
INLINE void product_by_tiles(size_t m, size_t n, const zoo_integer_igemm_params *p) {
  const size_t depth = p->tap_count * p->kc;
  tile_work work = {.p = p, .stride = row_stride(depth), .quads = (depth + 3) / 4};
  work.rows = (int8_t *)(((uintptr_t)p->workspace + 63) / 64 * 64);
  const size_t most = p->workspace ? (ZOO_TILE_WORKSPACE - 64) / work.stride / BLOCK * BLOCK : 0;
  if (m >= LEAST_ROWS && most > 0) {
    for (size_t first = 0; first < m; first += most)
      group(&work, first, m - first < most ? m - first : most, n);
    return;
  }
  zoo_integer_igemm_params part = *p;
  for (size_t row = 0; row < m; row += 6) {
    part.a = p->a + row;
    if (p->addend)
      part.addend = (const int8_t *)p->addend + row * p->addend_stride;
    part.c = (int8_t *)p->c + row * p->c_stride;
    zoo_i8_igemm_ukernel_6x64__avx512vnni(m - row < 6 ? m - row : 6, n, &part);
  }
}
