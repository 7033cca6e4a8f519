// f32_binary for neon.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#include <f32_binary/body.h>

void zoo_f32_binary_ukernel__neon(size_t count, const zoo_f32_binary_params *params) { binary(count, params); }
#endif
