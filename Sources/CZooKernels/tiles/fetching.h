// Weights that are fetched into L2 while tiles are multiplied: those that the caller names, each line of them once.
//
// Not as simd/ahead.h does it: there rows of tiles follow each other, of which the first fetches what the call itself will want, and all
// calls do so again. Here all rows of a call pass by before its next columns, and a line that is in L2 already takes as long as
// another load (measured on a Sapphire Rapids: reading L2 falls from 129 to 70 GB/s).
#include <simd/amx.h>
#include <zoo_kernels.h>

typedef struct fetching {
  const char *at;
  size_t lines, each; // left to fetch, and at a time
} fetching;

// Spread evenly over `turns`: memory gives them no faster than the unit multiplies others.
INLINE fetching plan_fetching(zoo_next_weights next, size_t turns) {
  const size_t before = (uintptr_t)next.w % TILE_BYTES;
  const size_t lines = next.bytes > 0 ? (before + next.bytes + TILE_BYTES - 1) / TILE_BYTES : 0;
  return (fetching){(const char *)next.w - before, lines, (lines + turns - 1) / turns};
}

INLINE void fetch(fetching *next) {
  const size_t count = next->each < next->lines ? next->each : next->lines;
#pragma clang loop unroll(disable)
  for (size_t v = 0; v < count; v++)
    T_FETCH(next->at + v * TILE_BYTES);
  next->at += count * TILE_BYTES;
  next->lines -= count;
}
