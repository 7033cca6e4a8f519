// f32_pool for avx512.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)
#include <simd/avx512.h>
#include <f32_pool/body.h>
#include <f32_pool/few.h>

void zoo_f32_pool_ukernel__avx512(size_t pixels, const zoo_f32_pool_params *params) {
  if (!few_channels(pixels, params))
    pool(pixels, params);
}

#pragma clang attribute pop
#endif
