// i8_igemm for neon with dot products: 6 rows by 16 columns.
//
// sdot multiplies signed by signed bytes: a quad of the input, taken as a lane, by the quads of four columns.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)
#include <simd/neon.h>
#define MR 6
#define PANELS 1
#define Q_BIAS 0
#define QX int8x16_t

INLINE QX q_state(void) { return vdupq_n_s8(0); }
// In the first lane; hidden from the compiler, which would otherwise load it into all lanes: see v_broadcast.
INLINE QX q_input(QX zeros, int32_t bits) {
  int32x4_t quad = vsetq_lane_s32(bits, vreinterpretq_s32_s8(zeros), 0);
  __asm__("" : "+w"(quad));
  return vreinterpretq_s8_s32(quad);
}
INLINE vi q_dot(vi sum, QX x, vi w) { return vdotq_laneq_s32(sum, vreinterpretq_s8_s32(w), x, 0); }
#include <i8_igemm/body.h>

void zoo_i8_igemm_ukernel_6x16__neondot(size_t m, size_t n, const zoo_integer_igemm_params *params) {
  product(m, n, params);
}

#pragma clang attribute pop
#endif
