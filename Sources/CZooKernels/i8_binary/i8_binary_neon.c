// i8_binary for neon.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#include <integer/i8.h>
#include <integer/binary.h>

void zoo_i8_binary_ukernel__neon(size_t count, const zoo_integer_binary_params *params) { binary(count, params); }
#endif
