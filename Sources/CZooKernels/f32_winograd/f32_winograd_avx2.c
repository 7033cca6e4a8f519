// f32_winograd for avx2.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#include <f32_winograd/body.h>

void zoo_f32_winograd_ukernel__avx2(size_t count, const zoo_f32_winograd_params *params) { transform(count, params); }

#pragma clang attribute pop
#endif
