// Where tiles find the rows of the input.
//
// The unit takes rows that are a regular distance apart, 7.7 cycles a tile at any distance, but 51 if rows straddle lines of the cache
// (measured on a Sapphire Rapids). So where taps are whole lines, a tile is loaded from the image itself if its rows are regular there, as
// they are but for the left and right edges of images, or all padding. The others are copied to the workspace, and so are all rows whose
// taps are not whole lines: one tap after the other, so that taps of few channels share a tile. What is found serves all columns.
//
// The including file defines PARAMS and ELEMENT.
#include <simd/amx.h>
#include <zoo_kernels.h>

#define BLOCK (2 * TILE_ROWS)

// Rows of a tile.
typedef struct tile_place {
  const char *at;
  size_t stride; // bytes
} tile_place;

typedef struct tile_rows {
  const PARAMS *p;
  // All rows, cut into blocks of `lower` + `upper` rows, each in a tile. The last block ends with the rows: it may overlap with the one
  // before it.
  size_t count, blocks, lower, upper;
  size_t runs;   // that a row is cut into: its taps, or one
  size_t lines;  // of each run
  size_t stride; // of copies, bytes: an odd number of lines, so that neighbours do not share their places in a cache
  size_t first, end;  // blocks in hand
  tile_place *places; // of their tiles: [block][lower, upper][run]
} tile_rows;

// Of a block in the workspace, at most: its places and its copies.
INLINE size_t block_bytes(const tile_rows *rows) {
  return rows->runs * (2 * sizeof(tile_place) + BLOCK * rows->stride);
}

INLINE void cut_into_runs(tile_rows *rows, size_t runs) {
  const PARAMS *p = rows->p;
  rows->runs = runs;
  rows->lines = (p->tap_count / runs * p->kc * sizeof(ELEMENT) + TILE_BYTES - 1) / TILE_BYTES;
  rows->stride = (rows->lines | 1) * TILE_BYTES;
}

// Blocks have one size, of at most 32 rows, since a product takes about as many cycles as it has rows, and telling the unit another
// size hundreds. No blocks: the workspace is too small for one.
static tile_rows cut_rows(size_t count, const PARAMS *p) {
  const size_t room = p->workspace ? ZOO_TILE_WORKSPACE - 2 * TILE_BYTES : 0; // whatever the alignment
  tile_rows rows = {.p = p, .count = count};
  cut_into_runs(&rows, p->kc * sizeof(ELEMENT) % TILE_BYTES == 0 ? p->tap_count : 1);
  if (block_bytes(&rows) > room)
    cut_into_runs(&rows, 1);
  if (block_bytes(&rows) > room)
    return rows;
  rows.blocks = (count + BLOCK - 1) / BLOCK;
  const size_t each = (count + rows.blocks - 1) / rows.blocks;
  rows.upper = each > TILE_ROWS ? each / 2 : 0;
  rows.lower = each - rows.upper;
  return rows;
}

// Sizes are small: no call of memcpy.
INLINE void copy_bytes(char *to, const char *from, size_t bytes) {
  size_t at = 0;
  for (; at + TILE_BYTES <= bytes; at += TILE_BYTES)
    _mm512_storeu_si512(to + at, _mm512_loadu_si512(from + at));
  if (at == bytes)
    return;
  const __mmask64 rest = ((uint64_t)1 << (bytes - at)) - 1;
  _mm512_mask_storeu_epi8(to + at, rest, _mm512_maskz_loadu_epi8(rest, from + at));
}

// The rows of one run from `row` on.
INLINE void copy_run(char *to, const tile_rows *rows, size_t row, size_t count, size_t run) {
  const PARAMS *p = rows->p;
  const size_t taps = p->tap_count / rows->runs, bytes = p->kc * sizeof(ELEMENT);
#pragma clang loop unroll(disable)
  for (size_t i = 0; i < count; i++, to += rows->stride) {
    if (taps * bytes % TILE_BYTES != 0) // zeros past the end
      _mm512_store_si512(to + (rows->lines - 1) * TILE_BYTES, _mm512_setzero_si512());
    for (size_t t = 0; t < taps; t++)
      copy_bytes(to + t * bytes, (const char *)p->a[(run * taps + t) * p->a_tap_stride + row + i], bytes);
  }
}

// Whether the unit is as fast with `count` rows at `a` as with a copy; then `place` is theirs. Rows a multiple of 4096 bytes apart share
// their place in a cache of the first level.
INLINE int find_place(tile_place *place, const void *a, size_t count) {
  const uint64_t *address = a;
  const uint64_t stride = count > 1 ? address[1] - address[0] : 0;
  *place = (tile_place){(const char *)(uintptr_t)address[0], stride};
  if ((address[0] | stride) % TILE_BYTES != 0 || (stride != 0 && stride % 4096 == 0))
    return 0;
  __mmask8 others = 0;
  for (size_t i = 0; i + 1 < count; i += 8) {
    const __mmask8 mask = (__mmask8)((1u << (count - 1 - i < 8 ? count - 1 - i : 8)) - 1);
    const __m512i from = _mm512_maskz_loadu_epi64(mask, address + i);
    const __m512i to = _mm512_maskz_loadu_epi64(mask, address + i + 1);
    others |= _mm512_mask_cmpneq_epi64_mask(mask, _mm512_sub_epi64(to, from), _mm512_set1_epi64((long long)stride));
  }
  return others == 0;
}

INLINE size_t first_row(const tile_rows *rows, size_t block) {
  const size_t each = rows->lower + rows->upper, row = block * each;
  return row + each <= rows->count ? row : rows->count - each;
}

// Takes the next blocks in hand, as many as there is room for: places are put at the workspace's beginning, copies at its end.
static void place_blocks(tile_rows *rows) {
  const PARAMS *p = rows->p;
  const uintptr_t memory = (uintptr_t)p->workspace;
  const int is_direct = p->kc * sizeof(ELEMENT) % TILE_BYTES == 0 && rows->runs == p->tap_count;
  tile_place *place = rows->places = (tile_place *)((memory + TILE_BYTES - 1) / TILE_BYTES * TILE_BYTES);
  char *copies = (char *)((memory + ZOO_TILE_WORKSPACE) / TILE_BYTES * TILE_BYTES);
  for (rows->first = rows->end; rows->end < rows->blocks; rows->end++) {
    if ((size_t)(copies - (char *)place) < block_bytes(rows))
      return;
    size_t row = first_row(rows, rows->end);
#pragma clang loop unroll(disable)
    for (int half = 0; half < 2; half++) {
      const size_t count = half ? rows->upper : rows->lower;
      for (size_t run = 0; run < rows->runs; run++, place++) {
        if (is_direct && find_place(place, p->a + run * p->a_tap_stride + row, count))
          continue;
        copies -= count * rows->stride;
        *place = (tile_place){copies, rows->stride};
        copy_run(copies, rows, row, count, run);
      }
      row += count;
    }
  }
}
