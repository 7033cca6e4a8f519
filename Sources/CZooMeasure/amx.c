// The loops for AMX: products of tiles of bytes; the rest as for AVX-512.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma,amx-tile,amx-int8"))), \
                             apply_to = function)
#include <simd/avx512.h>
#include <simd/amx.h>
#define LOOPS zoo_measure_loops_amx
#define F32_CHAINS 16
#define KEEP(x) __asm__ volatile("" : "+v"(x))

// Four tiles of sums from two of inputs and two of weights, which stay where they are.
static uint64_t measure_tiles(uint64_t rounds) {
  tile_shapes shapes = {.palette = 1};
  for (int t = 0; t < 8; t++) {
    shapes.rows[t] = TILE_ROWS;
    shapes.row_bytes[t] = TILE_BYTES;
  }
  static const int8_t zeros[TILE_BYTES];
  T_BEGIN(&shapes);
  T_LOAD(0, zeros, 0);
  T_LOAD(1, zeros, 0);
  T_LOAD(2, zeros, 0);
  T_LOAD(3, zeros, 0);
  T_LOAD(4, zeros, 0);
  T_LOAD(5, zeros, 0);
  T_LOAD(6, zeros, 0);
  T_LOAD(7, zeros, 0);
  for (uint64_t r = 0; r < rounds; r++) {
    T_DOT_I8(0, 4, 6);
    T_DOT_I8(1, 4, 7);
    T_DOT_I8(2, 5, 6);
    T_DOT_I8(3, 5, 7);
  }
  T_END();
  return rounds * 4 * TILE_ROWS * 16 * TILE_BYTES * 2;
}
#define MEASURE_I8 measure_tiles
#include "body.h"
#pragma clang attribute pop
#endif
