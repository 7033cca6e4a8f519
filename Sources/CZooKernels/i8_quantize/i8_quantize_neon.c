// i8_quantize for neon.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#include <integer/i8.h>
#include <integer/quantize.h>

void zoo_i8_quantize_ukernel__neon(size_t count, const zoo_integer_quantize_params *params) { quantize(count, params); }
#endif
