// i16_igemm for neon: 4 rows by 16 columns.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#define MR 4
#define PANELS 1

// The first rows of four columns, then the second ones. Bytes go to the upper halves of 16-bit lanes; the shift back extends
// their signs.
INLINE vi w_pair(vi w, const int second) {
  static const uint8_t from[2][16] = {{255, 0, 255, 4, 255, 8, 255, 12, 255, 1, 255, 5, 255, 9, 255, 13},
                                      {255, 2, 255, 6, 255, 10, 255, 14, 255, 3, 255, 7, 255, 11, 255, 15}};
  const int8x16_t upper = vqtbl1q_s8(vreinterpretq_s8_s32(w), vld1q_u8(from[second]));
  return vreinterpretq_s32_s16(vshrq_n_s16(vreinterpretq_s16_s8(upper), 8));
}
INLINE vi pair_dot(vi sum, vi x, vi w) {
  const int16x8_t pair = vreinterpretq_s16_s32(x), rows = vreinterpretq_s16_s32(w);
  return vmlal_high_laneq_s16(vmlal_laneq_s16(sum, vget_low_s16(rows), pair, 0), rows, pair, 1);
}
#include <i16_igemm/body.h>

void zoo_i16_igemm_ukernel_4x16__neon(size_t m, size_t n, const zoo_integer_igemm_params *params) {
  product(m, n, params);
}
#endif
