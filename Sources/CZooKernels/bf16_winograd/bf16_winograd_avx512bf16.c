// bf16_winograd for avx512bf16.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#include <simd/bf16.h>

#define ELEMENT uint16_t
#define e_load v_load_bf16
#define e_load_part(p, mask) v_load_bf16_part(p, mask, 0)
#define e_store v_store_bf16
#include <f32_winograd/body.h>

void zoo_bf16_winograd_ukernel__avx512bf16(size_t count, const zoo_f32_winograd_params *params) {
  if (params->kind == ZOO_WINOGRAD_INPUT)
    inputs(count, params);
  else if (params->kind == ZOO_WINOGRAD_OUTPUT)
    outputs(count, params);
}

#pragma clang attribute pop
#endif
