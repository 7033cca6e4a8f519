// f32_pool for neon.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#include <f32_pool/body.h>

void zoo_f32_pool_ukernel__neon(size_t pixels, const zoo_f32_pool_params *params) { pool(pixels, params); }
#endif
