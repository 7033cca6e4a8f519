// i8_igemm for avx2: 4 rows by 16 columns.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#include <simd/requantize256.h>
#define PANELS 1
#define WIDE 4
#include <i8_igemm/magnitudes.h>

void zoo_i8_igemm_ukernel_4x16__avx2(size_t m, size_t n, const zoo_integer_igemm_params *params) {
  apart_or_direct(m, n, params);
}

#pragma clang attribute pop
#endif
