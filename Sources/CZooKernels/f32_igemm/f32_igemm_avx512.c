// f32_igemm for avx512: 8 rows by 32 columns.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)
#include <simd/avx512.h>
#define MR 8
#include <f32_igemm/narrow.h>
#include <f32_igemm/row.h>
#include <f32_igemm/body.h>

void zoo_f32_igemm_ukernel_8x32__avx512(size_t m, size_t n, const zoo_f32_igemm_params *params) {
  product(m, 8, 2, n, params);
}

#pragma clang attribute pop
#endif
