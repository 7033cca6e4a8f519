// i8_quantize for avx512.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)
#include <simd/avx512.h>
#include <integer/i8.h>
#include <integer/quantize.h>

void zoo_i8_quantize_ukernel__avx512(size_t count, const zoo_integer_quantize_params *params) {
  quantize(count, params);
}

#pragma clang attribute pop
#endif
