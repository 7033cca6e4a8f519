// Weights that are fetched into L2 while others are multiplied. The CPU, which sees streams of a few KB, would begin each of them late.
#ifndef ZOO_SIMD_AHEAD_H
#define ZOO_SIMD_AHEAD_H
#include <zoo_kernels.h>

// From `at` on, `step` bytes for each row of weights that is multiplied.
typedef struct ahead {
  const char *at;
  size_t step;
} ahead;

// What a call fetches besides its own weights, and where its tiles are.
typedef struct fetching {
  const char *next;  // weights that are wanted after the call
  size_t sharers;    // whole tiles of rows but the first, which share them; 0 if there are none
  size_t share;      // bytes of each
  size_t per_column; // of these, bytes for each column
  size_t step;       // and for each row of the weights of a panel of 16 columns
  size_t index;      // of the tile of rows
} fetching;

// For a product of m by n with tiles of `tile` rows and weights of `rows` rows.
INLINE fetching plan_fetching(size_t m, size_t tile, size_t n, size_t rows, zoo_next_weights next) {
  if (m < 2 * tile || next.bytes == 0)
    return (fetching){0};
  const size_t sharers = m / tile - 1, share = next.bytes / sharers, per_column = share / n;
  return (fetching){next.w, sharers, share, per_column, (16 * per_column + rows - 1) / rows, 0};
}

// What a tile of `panels` panels of n columns from `column` on fetches; its weights are at w, of so many rows of `row` bytes. The first
// rows, which wait for their own weights, fetch those of the columns that follow; the last columns their own, since one line again
// and again would take longer. The others share what is wanted after the call: all at once it would come no faster than memory
// gives it (7x7 layers of floats: 74 % of the peak, shared 87 %).
INLINE ahead find_ahead(const void *w, size_t row, size_t rows, size_t column, const int panels, size_t n, fetching f) {
  if (f.index > 0 && f.index <= f.sharers)
    return (ahead){f.next + f.share * (f.index - 1) + f.per_column * column, f.step * (size_t)panels};
  const int is_last = column + 32 * (size_t)panels > n;
  return (ahead){(const char *)w + (is_last ? 0 : row * rows), row};
}

// Fetches `lines` lines of a cache, a constant after inlining.
INLINE void fetch_ahead(const int lines, const char *at) {
#pragma clang loop unroll(full)
  for (int v = 0; v < lines; v++)
    __builtin_prefetch(at + 64 * v, 0, 2);
}
#endif
