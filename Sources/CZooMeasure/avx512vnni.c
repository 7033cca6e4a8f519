// The loops for AVX-512 with VNNI, which has an instruction for the dot product of four bytes.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#define LOOPS zoo_measure_loops_avx512vnni
#define F32_CHAINS 16
#define I8_ROWS 4
#define I8_COLUMNS 4
#define KEEP(x) __asm__ volatile("" : "+v"(x))
INLINE vi i_dot(vi sum, vi x, vi w) { return _mm512_dpbusd_epi32(sum, x, w); }
#include "body.h"
#pragma clang attribute pop
#endif
