// i8_pool for neon.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#include <integer/i8.h>
#include <integer/pool.h>

void zoo_i8_pool_ukernel__neon(size_t pixels, const zoo_integer_pool_params *params) { pool(pixels, params); }
#endif
