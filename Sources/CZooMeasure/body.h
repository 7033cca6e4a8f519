// The loops for any vector width. The including file defines
//   LOOPS: the name of the table
//   VL, vf, v_set, v_fma: floats, as in simd/*.h
//   vi, i_set, i_add, i_dot(sum, x, w): integers; i_dot adds the products of four bytes to each lane
//   F32_CHAINS, I8_ROWS, I8_COLUMNS: independent sums, enough to hide the latency, few enough to stay in registers
//   MEASURE_I8: instead of the three above, a function of its own
//   KEEP(x): the compiler cannot know x from here on
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <zoo_measure.h>

static uint64_t measure_f32(uint64_t rounds) {
  vf sum[F32_CHAINS], x = v_set(0.5f), y = v_set(1);
  for (int i = 0; i < F32_CHAINS; i++)
    sum[i] = v_set((float)i);
  KEEP(x);
  KEEP(y);
  for (uint64_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < F32_CHAINS; i++)
      sum[i] = v_fma(sum[i], x, y); // stays below 2 * F32_CHAINS
  }
  for (int i = 0; i < F32_CHAINS; i++)
    KEEP(sum[i]);
  return rounds * F32_CHAINS * VL * 2;
}

#ifndef MEASURE_I8
#define MEASURE_I8 measure_i8
// A tile as kernels have it: each row's input with each column's weights.
static uint64_t measure_i8(uint64_t rounds) {
  vi sum[I8_ROWS][I8_COLUMNS], x[I8_ROWS], w[I8_COLUMNS];
  for (int i = 0; i < I8_ROWS; i++) {
    x[i] = i_set(0x01020301 + i);
    for (int j = 0; j < I8_COLUMNS; j++)
      sum[i][j] = i_set(0);
  }
  for (int j = 0; j < I8_COLUMNS; j++) {
    w[j] = i_set(0x03010201 + j);
    KEEP(w[j]);
  }
  for (uint64_t r = 0; r < rounds; r++) {
#pragma clang loop unroll(full)
    for (int i = 0; i < I8_ROWS; i++) {
      KEEP(x[i]); // else products of the same bytes would be formed once, before the loop
#pragma clang loop unroll(full)
      for (int j = 0; j < I8_COLUMNS; j++)
        sum[i][j] = i_dot(sum[i][j], x[i], w[j]);
    }
  }
  for (int i = 0; i < I8_ROWS; i++)
    for (int j = 0; j < I8_COLUMNS; j++)
      KEEP(sum[i][j]);
  return rounds * I8_ROWS * I8_COLUMNS * VL * 8;
}
#endif

#define READS (ZOO_MEASURE_READ_STEP / sizeof(vi))

static uint64_t measure_read(const void *from, size_t bytes, uint64_t rounds) {
  vi sum[8];
  for (int i = 0; i < 8; i++)
    sum[i] = i_set(0);
  for (uint64_t r = 0; r < rounds; r++) {
    const char *at = from;
    for (size_t step = 0; step < bytes / ZOO_MEASURE_READ_STEP; step++, at += ZOO_MEASURE_READ_STEP) {
#pragma clang loop unroll(full)
      for (size_t i = 0; i < READS; i++) {
        vi x;
        __builtin_memcpy(&x, at + i * sizeof x, sizeof x);
        sum[i % 8] = i_add(sum[i % 8], x);
      }
    }
    KEEP(sum[0]);
  }
  for (int i = 1; i < 8; i++)
    sum[0] = i_add(sum[0], sum[i]);
  uint64_t result;
  memcpy(&result, &sum[0], sizeof result);
  return result;
}

const zoo_measure_loops LOOPS = {measure_f32, MEASURE_I8, measure_read};
