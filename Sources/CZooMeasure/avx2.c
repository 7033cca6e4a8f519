// The loops for AVX2: bytes are multiplied in pairs to 16 bits, then added in pairs to 32.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#define LOOPS zoo_measure_loops_avx2
#define F32_CHAINS 12
#define I8_ROWS 2
#define I8_COLUMNS 4
#define KEEP(x) __asm__ volatile("" : "+x"(x))
INLINE vi i_dot(vi sum, vi x, vi w) {
  return i_add(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), _mm256_set1_epi16(1)));
}
#include "body.h"
#pragma clang attribute pop
#endif
