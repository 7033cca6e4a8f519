// The loops for AVX-512 without VNNI: those of AVX2, twice as wide.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)
#include <simd/avx512.h>
#define LOOPS zoo_measure_loops_avx512
#define F32_CHAINS 16
#define I8_ROWS 4
#define I8_COLUMNS 4
#define KEEP(x) __asm__ volatile("" : "+v"(x))
INLINE vi i_dot(vi sum, vi x, vi w) {
  return i_add(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(x, w), _mm512_set1_epi16(1)));
}
#include "body.h"
#pragma clang attribute pop
#endif
