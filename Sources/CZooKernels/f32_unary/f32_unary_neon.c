// f32_unary for neon.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#include <f32_unary/body.h>

void zoo_f32_unary_ukernel__neon(size_t count, const zoo_f32_unary_params *params) { unary(count, params); }
#endif
