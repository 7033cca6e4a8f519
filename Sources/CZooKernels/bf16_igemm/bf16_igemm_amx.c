// bf16_igemm for AMX.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(                                                                       \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma,amx-tile,amx-bf16"))), \
    apply_to = function)
#include <simd/avx512.h>
#include <simd/bf16.h>
#include <bf16_igemm/tiles.h>

void zoo_bf16_igemm_ukernel_32x32__amx(size_t m, size_t n, const zoo_f32_igemm_params *params) {
  product_by_tiles(m, n, params);
}

#pragma clang attribute pop
#endif
