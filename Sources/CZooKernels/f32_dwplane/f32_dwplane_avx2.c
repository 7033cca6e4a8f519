// f32_dwplane for avx2: channels fill whole vectors, which need no masks (slow to store on Zen CPUs).
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>

#define ONLY_5X5
#define ELEMENT float
#define X(p) ((p)->x)
#define Y(p) ((p)->y)
#define plane_take(p, mask) ((void)(mask), v_load(p))
#define plane_put(p, mask, y) ((void)(mask), v_store(p, y))
#include <f32_dwplane/body.h>

void zoo_f32_dwplane_ukernel__avx2(const zoo_f32_dwplane_params *params) { plane(params); }

#pragma clang attribute pop
#endif
