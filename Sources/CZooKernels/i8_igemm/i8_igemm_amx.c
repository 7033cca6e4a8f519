// i8_igemm for AMX.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(                                                                       \
    __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,fma,amx-tile,amx-int8"))), \
    apply_to = function)
#include <simd/avx512.h>
#include <i8_igemm/tiles.h>

void zoo_i8_igemm_ukernel_32x32__amx(size_t m, size_t n, const zoo_integer_igemm_params *params) {
  product_by_tiles(m, n, params);
}

#pragma clang attribute pop
#endif
