// f32_igemm with weights of half precision for neon: 6 rows by 16 columns.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#define MR 6
#define W_ELEMENT uint16_t
#define W_IS_SCALED 0
INLINE vf widened(uint16x4_t halves) { return vcvt_f32_f16(vreinterpret_f16_u16(halves)); }
INLINE vf w_load(const uint16_t *p) { return widened(vld1_u16(p)); }
INLINE vf w_load_part(const uint16_t *p, vmask m, size_t n) {
  (void)m;
  return widened(vcreate_u16(elements_at(p, n, 2)));
}
#include <f32_igemm/body.h>

void zoo_f16w_igemm_ukernel_6x16__neon(size_t m, size_t n, const zoo_f32_igemm_params *params) {
  product(m, 4, 1, n, params);
}
#endif
