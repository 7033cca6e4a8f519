// f32_dwconv for avx2.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#define MOST_TAPS 9     // 25 weights do not fit 16 registers
#define NEAR (16 << 10) // half of L1, for other lines pass through it
#include <f32_dwconv/packed.h>

void zoo_f32_dwconv_ukernel__avx2(size_t pixels, const zoo_f32_dwconv_params *params) { dwconv(pixels, params); }

#pragma clang attribute pop
#endif
