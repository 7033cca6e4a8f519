// i16_quantize for neon.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#include <integer/i16.h>
#include <integer/quantize.h>

void zoo_i16_quantize_ukernel__neon(size_t count, const zoo_integer_quantize_params *params) {
  quantize(count, params);
}
#endif
