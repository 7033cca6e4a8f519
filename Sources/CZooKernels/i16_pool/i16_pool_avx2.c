// i16_pool for avx2.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#include <integer/i16.h>
#include <integer/pool.h>

void zoo_i16_pool_ukernel__avx2(size_t pixels, const zoo_integer_pool_params *params) { pool(pixels, params); }

#pragma clang attribute pop
#endif
