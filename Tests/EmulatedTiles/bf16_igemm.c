// bf16_igemm by an emulated matrix unit.
#include <emulated_tiles.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma"))), \
                             apply_to = function)
#define TILES_ARE_EMULATED "unit.h"
#include <simd/avx512.h>
#include <simd/bf16.h>
#include <bf16_igemm/tiles.h>

static void run(size_t m, size_t n, const zoo_f32_igemm_params *params) { product_by_tiles(m, n, params); }
#pragma clang attribute pop
#endif

zoo_f32_igemm_ukernel emulated_bf16_igemm(void) {
#if ZOO_X86_64
  if (zoo_kernels_supported(ZOO_KERNELS_AVX512BF16))
    return run;
#endif
  return NULL;
}
