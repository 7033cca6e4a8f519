// i8_quantize for avx2.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#include <integer/i8.h>
#include <integer/quantize.h>

void zoo_i8_quantize_ukernel__avx2(size_t count, const zoo_integer_quantize_params *params) { quantize(count, params); }

#pragma clang attribute pop
#endif
