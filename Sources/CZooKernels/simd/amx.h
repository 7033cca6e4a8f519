// A matrix unit of eight tiles, each of up to 16 rows of 64 bytes: AMX, in the words the kernel bodies use.
//
// Numbers of tiles are literals. Source: Intel, "Architecture Instruction Set Extensions Programming Reference", 319433, chapter 3.
#ifndef ZOO_SIMD_AMX_H
#define ZOO_SIMD_AMX_H
#include <immintrin.h>

#define TILE_ROWS 16
#define TILE_BYTES 64 // of a row

// The extents of all tiles, as the unit reads them.
typedef struct tile_shapes {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} tile_shapes;

#ifdef TILES_ARE_EMULATED
#include TILES_ARE_EMULATED
#else
#define T_BEGIN(shapes) _tile_loadconfig(shapes)
#define T_END() _tile_release()
// Rows from `from` on, `stride` bytes apart; a stride of 0 repeats one.
#define T_LOAD(tile, from, stride) _tile_loadd(tile, from, stride)
#define T_STORE(tile, to, stride) _tile_stored(tile, to, stride)
// sums[i][j] += the dot products of groups of 4 bytes of row i of a with those in column j of b, each group a row of b.
#define T_DOT_I8(sums, a, b) _tile_dpbssd(sums, a, b)
// The same of groups of two numbers of bf16.
#define T_DOT_BF16(sums, a, b) _tile_dpbf16ps(sums, a, b)
// Brings a line of memory into L2.
#define T_FETCH(at) __builtin_prefetch(at, 0, 2)
#endif
#endif
