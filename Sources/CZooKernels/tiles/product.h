// Products by a matrix unit (simd/amx.h), for any type of elements: 32 rows by 32 columns, four tiles of sums.
//
// While a block is multiplied, vectors turn the sums of the block before it into outputs, some rows with each step: together that takes
// little more than products alone. Its tiles are stored one at a time where they are wanted again, between products of other tiles
// (measured on a Sapphire Rapids: 21 to 24 cycles, all four after the last product 64 and more).
//
// Where rows of the input are is the affair of tiles/rows.h. Weights lie as the unit wants them: groups of rows that make 4 bytes, of 16
// columns side by side, 16 of which are a tile.
//
// The including file defines
//   PARAMS, ELEMENT: of the family, and its inputs and weights
//   WHOLE_GROUPS: 1 if a last group of weights is filled up with zeros, 0 if it is a row of its own
//   T_DOT(sums, a, b): the unit's product
//   start_row(p, column): what sums start from, 16 numbers
//   finish_row(sums, row, column, width, state, p): sums to outputs, with finish_state(p) made once a call;
//   finish_pair(sums, row, column, state, p): of two whole panels
//   VECTORS: the kernel for small workspaces
#include <simd/amx.h>
#include <tiles/fetching.h>
#include <tiles/rows.h>
#include <zoo_kernels.h>

#define PANEL 16                            // columns
#define GROUP (4 / (size_t)sizeof(ELEMENT)) // rows of weights
#define SLICE 4                             // rows that are finished with a step, at least

// What all tiles of a call share.
typedef struct tile_work {
  const PARAMS *p;
  tile_rows rows;
  size_t groups;       // of a column of weights
  size_t column_bytes; // of weights
  fetching next;
} tile_work;

// The groups of the last tile, which is not whole, of a panel of `width` columns, zeros below them.
__attribute__((noinline)) static void copy_last_groups(char *to, const tile_work *work, size_t column, size_t width) {
  const size_t first = (work->groups - 1) / TILE_ROWS * TILE_ROWS;
  const char *from = (const char *)work->p->w + column * work->column_bytes + first * 4 * width;
  const vmask mask = v_mask(width);
#pragma clang loop unroll(disable)
  for (size_t i = 0; i < TILE_ROWS; i++) {
    vi group = i_set(0);
    if (WHOLE_GROUPS || (first + i + 1) * 4 <= work->column_bytes)
      group = first + i < work->groups ? i_load_part((const int32_t *)(const void *)from, mask) : group;
    else if (first + i < work->groups) // the only row of a pair
      group = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, from));
    _mm512_storeu_si512(to + i * TILE_BYTES, group);
    from += 4 * width;
  }
}

// A block whose products are made: its sums are in tiles until the next block's begin, then in memory.
typedef struct pending {
  size_t row, column; // where it begins
  size_t done, count; // of its rows
} pending;

typedef int32_t tile_sums[BLOCK][2 * PANEL];

// Up to `most` rows more. Not inlined: one copy of the code, called once a step, is as good as one for each kind of block.
__attribute__((noinline)) static void finish_rows(const int panels, pending *block, size_t most, const tile_sums sums,
                                                  size_t width, const finish *state, const PARAMS *params) {
  // Copies, which no output can lie over: they stay in registers.
  const PARAMS p = *params;
  const finish s = *state;
  const size_t row = block->row, column = block->column;
  const size_t end = block->count - block->done < most ? block->count : block->done + most;
  size_t i = block->done;
  block->done = end;
  if (panels == 2) { // of 16 columns each
#pragma clang loop unroll(disable)
    for (; i < end; i++)
      finish_pair(sums[i], row + i, column, s, &p);
  } else {
#pragma clang loop unroll(disable)
    for (; i < end; i++)
      finish_row(sums[i], row + i, column, width, *state, params);
  }
}

// Block `index`: `panels` panels of `width` columns from `column` on. All of the block `before` is finished with the last step.
INLINE void multiply(const int panels, tile_work *work, size_t index, size_t column, size_t width,
                     char (*last)[TILE_ROWS * TILE_BYTES], pending *before, tile_sums sums, const finish *state) {
  const PARAMS *p = work->p;
  const tile_rows *rows = &work->rows;
  const tile_place *a0 = rows->places + (index - rows->first) * 2 * rows->runs, *a1 = a0 + rows->runs;
  const char *w0 = (const char *)p->w + column * work->column_bytes, *w1 = w0 + PANEL * work->column_bytes;
  const size_t w_stride = 4 * width, whole_groups = work->groups - (!WHOLE_GROUPS && work->column_bytes % 4 != 0);
  const size_t steps = rows->runs * rows->lines, share = (rows->lower + rows->upper + steps - 1) / steps;
  const void *start0 = start_row(p, column), *start1 = start_row(p, column + (panels - 1) * PANEL);
// The first product: the tile's sums before it are stored, and it starts again.
#define FIRST(tile, to, start)         \
  if (group == 0) {                    \
    T_STORE(tile, to, sizeof sums[0]); \
    T_LOAD(tile, start, 0);            \
  }
  size_t group = 0;
  for (size_t run = 0; run < rows->runs; run++) {
    for (size_t at = 0; at < rows->lines * TILE_BYTES; at += TILE_BYTES, group += TILE_ROWS) {
      const int whole = group + TILE_ROWS <= whole_groups;
      T_LOAD(4, a0[run].at + at, a0[run].stride);
      T_LOAD(6, whole ? w0 + group * w_stride : last[0], whole ? w_stride : TILE_BYTES);
      FIRST(0, sums[0], start0);
      T_DOT(0, 4, 6);
      if (panels == 2) {
        T_LOAD(7, whole ? w1 + group * w_stride : last[1], whole ? w_stride : TILE_BYTES);
        FIRST(1, sums[0] + PANEL, start1);
        T_DOT(1, 4, 7);
      }
      if (rows->upper > 0) {
        T_LOAD(5, a1[run].at + at, a1[run].stride);
        FIRST(2, sums[rows->lower], start0);
        T_DOT(2, 5, 6);
        if (panels == 2) {
          FIRST(3, sums[rows->lower] + PANEL, start1);
          T_DOT(3, 5, 7);
        }
      }
      if (before->done < before->count)
        finish_rows(panels, before, share > SLICE ? share : SLICE, sums, width, state, p);
      fetch(&work->next);
    }
  }
#undef FIRST
}

// Columns [column, end) in panels of `width`, `panels` at a time.
INLINE void columns_by(const int panels, tile_work *work, size_t column, size_t end, size_t width) {
  const tile_rows *rows = &work->rows;
  const size_t each = rows->lower + rows->upper;
  const finish state = finish_state(work->p);
  char last[2][TILE_ROWS * TILE_BYTES] __attribute__((aligned(64)));
  tile_sums sums __attribute__((aligned(64)));
  pending before = {0};
  for (; column < end; column += (size_t)panels * PANEL) {
    for (int v = 0; v < panels && work->column_bytes % TILE_BYTES != 0; v++)
      copy_last_groups(last[v], work, column + (size_t)v * PANEL, width);
    for (size_t i = rows->first; i < rows->end; i++) {
      multiply(panels, work, i, column, width, last, &before, sums, &state);
      // Rows that the block before has finished are left alone: outputs may lie over what is added to them.
      const size_t row = first_row(rows, i);
      before = (pending){row, column, i * each - row, each};
    }
  }
  T_STORE(0, sums[0], sizeof sums[0]);
  if (panels == 2)
    T_STORE(1, sums[0] + PANEL, sizeof sums[0]);
  if (rows->upper > 0)
    T_STORE(2, sums[rows->lower], sizeof sums[0]);
  if (rows->upper > 0 && panels == 2)
    T_STORE(3, sums[rows->lower] + PANEL, sizeof sums[0]);
  finish_rows(panels, &before, BLOCK, sums, width, &state, work->p);
}

// Columns [column, end) in panels of `width`, pairs of them as long as there are any.
static void columns(tile_work *work, size_t column, size_t end, size_t width) {
  const size_t lower = work->rows.lower, upper = work->rows.upper;
  tile_shapes shapes = {.palette = 1};
  const size_t rows[8] = {lower, lower, upper, upper, lower, upper, TILE_ROWS, TILE_ROWS};
  for (size_t t = 0; t < 8; t++) {
    shapes.rows[t] = (uint8_t)rows[t];
    shapes.row_bytes[t] = (uint16_t)(rows[t] == 0 ? 0 : t == 4 || t == 5 ? TILE_BYTES : 4 * width);
  }
  T_BEGIN(&shapes);
  const size_t pairs = (end - column) / (2 * PANEL) * (2 * PANEL);
  if (pairs > 0)
    columns_by(2, work, column, column + pairs, width);
  if (column + pairs < end)
    columns_by(1, work, column + pairs, end, width);
  T_END();
}

// What follows the first columns may be wanted with the last ones, so that these fetch nothing.
static fetching plan_next(const tile_work *work, size_t n) {
  const size_t pairs = (n - 1) / (2 * PANEL), steps = work->rows.runs * work->rows.lines;
  return plan_fetching(work->p->next, (pairs > 0 ? pairs : 1) * work->rows.end * steps);
}

// Without a workspace, or where not even a block fits it, the product is made by vectors: never because of m, on which the bits of
// floats would then depend.
static void product_by_tiles(size_t m, size_t n, const PARAMS *p) {
  const size_t depth = p->tap_count * p->kc, groups = (depth + GROUP - 1) / GROUP;
  const size_t narrow = n % PANEL, wide = n - narrow;
  tile_work work = {.p = p, .rows = cut_rows(m, p), .groups = groups};
  work.column_bytes = WHOLE_GROUPS ? groups * 4 : depth * sizeof(ELEMENT);
  if (work.rows.blocks == 0)
    return VECTORS(m, n, p);
  while (work.rows.end < work.rows.blocks) {
    place_blocks(&work.rows);
    if (work.rows.first == 0)
      work.next = plan_next(&work, n);
    if (wide > 0)
      columns(&work, 0, wide, PANEL);
    if (narrow > 0)
      columns(&work, wide, n, narrow);
  }
}
