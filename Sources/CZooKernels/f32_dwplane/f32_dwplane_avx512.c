// f32_dwplane for avx512.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)
#include <simd/avx512.h>

#define ELEMENT float
#define X(p) ((p)->x)
#define Y(p) ((p)->y)
#define plane_take v_load_part
#define plane_put v_store_part
#include <f32_dwplane/body.h>

void zoo_f32_dwplane_ukernel__avx512(const zoo_f32_dwplane_params *params) { plane(params); }

#pragma clang attribute pop
#endif
