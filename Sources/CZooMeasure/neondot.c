// The loops for NEON with its instruction for the dot product of four bytes.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#include <simd/neon.h>
#define LOOPS zoo_measure_loops_neondot
#define F32_CHAINS 16
#define I8_ROWS 4
#define I8_COLUMNS 4
#define KEEP(x) __asm__ volatile("" : "+w"(x))
INLINE vi i_dot(vi sum, vi x, vi w) { return vdotq_s32(sum, vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(w)); }
#include "body.h"
#pragma clang attribute pop
#endif
