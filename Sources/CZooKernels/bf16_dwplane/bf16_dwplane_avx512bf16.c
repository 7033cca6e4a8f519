// bf16_dwplane for avx512bf16.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#include <simd/bf16.h>

#define ELEMENT uint16_t
#define X(p) ((p)->rounded_x)
#define Y(p) ((p)->rounded_y)
#define plane_take(p, mask) v_load_bf16_part(p, mask, 0)
#define plane_put v_store_bf16_part
#include <f32_dwplane/body.h>

void zoo_bf16_dwplane_ukernel__avx512bf16(const zoo_f32_dwplane_params *params) { plane(params); }

#pragma clang attribute pop
#endif
