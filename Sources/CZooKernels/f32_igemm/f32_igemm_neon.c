// f32_igemm for neon: 6 rows by 16 columns.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#define MR 6
#include <f32_igemm/body.h>

void zoo_f32_igemm_ukernel_6x16__neon(size_t m, size_t n, const zoo_f32_igemm_params *params) {
  product(m, 4, 1, n, params);
}
#endif
