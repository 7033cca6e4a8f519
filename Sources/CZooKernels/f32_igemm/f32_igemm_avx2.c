// f32_igemm for avx2: 6 rows by 16 columns.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#define MR 6
#define HALF_PANEL 8
#include <f32_igemm/row.h>
#include <f32_igemm/body.h>

void zoo_f32_igemm_ukernel_6x16__avx2(size_t m, size_t n, const zoo_f32_igemm_params *params) {
  product(m, 4, 1, n, params);
}

#pragma clang attribute pop
#endif
