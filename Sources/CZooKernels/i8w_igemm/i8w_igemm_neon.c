// f32_igemm with weights of 8 bits for neon: 6 rows by 16 columns.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#define MR 6
#define W_ELEMENT int8_t
#define W_IS_SCALED 1
INLINE vf w_load(const int8_t *p) { return i_float(i_load8(p)); }
INLINE vf w_load_part(const int8_t *p, vmask m, size_t n) {
  (void)m;
  return i_float(i_load8_part(p, n));
}
#include <f32_igemm/body.h>

void zoo_i8w_igemm_ukernel_6x16__neon(size_t m, size_t n, const zoo_f32_igemm_params *params) {
  product(m, 4, 1, n, params);
}
#endif
