// i8_igemm for neon: 4 rows by 16 columns.
//
// Products of bytes are added in pairs in 16 bits, which hold them: weights are at least -127, so that a pair stays within
// 2 * 128 * 127 = 32512. Two pairs make a column's dot product.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#define MR 4
#define PANELS 1
#define Q_BIAS 0
#define QX int8x16_t

INLINE QX q_state(void) { return vdupq_n_s8(0); }
INLINE QX q_input(QX state, int32_t bits) {
  (void)state;
  return vreinterpretq_s8_s32(vdupq_n_s32(bits));
}
INLINE vi q_dot(vi sum, QX x, vi weights) {
  const int8x16_t w = vreinterpretq_s8_s32(weights);
  const int16x8_t low = vmull_s8(vget_low_s8(x), vget_low_s8(w)), high = vmull_high_s8(x, w);
  return vpadalq_s16(sum, vpaddq_s16(low, high));
}
#include <i8_igemm/body.h>

void zoo_i8_igemm_ukernel_4x16__neon(size_t m, size_t n, const zoo_integer_igemm_params *params) {
  product(m, n, params);
}
#endif
