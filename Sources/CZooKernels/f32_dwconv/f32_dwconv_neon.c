// f32_dwconv for neon.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#include <f32_dwconv/packed.h>

void zoo_f32_dwconv_ukernel__neon(size_t pixels, const zoo_f32_dwconv_params *params) { dwconv(pixels, params); }
#endif
