// f32_igemm with weights of 8 bits for avx512: 8 rows by 32 columns.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)
#include <simd/avx512.h>
#define MR 8
#define W_ELEMENT int8_t
#define W_IS_SCALED 1
INLINE vf w_load(const int8_t *p) { return i_float(i_load8(p)); }
INLINE vf w_load_part(const int8_t *p, vmask m, size_t n) {
  (void)m;
  return i_float(i_load8_part(p, n));
}
#include <f32_igemm/body.h>

void zoo_i8w_igemm_ukernel_8x32__avx512(size_t m, size_t n, const zoo_f32_igemm_params *params) {
  product(m, 8, 2, n, params);
}

#pragma clang attribute pop
#endif
