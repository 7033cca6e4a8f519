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
// Hidden from the compiler, which would otherwise load the quad into all lanes: see v_broadcast.
INLINE QX q_input(QX state, int32_t bits) {
  (void)state;
  __asm__("" : "+w"(bits));
  return vreinterpretq_s8_s32(vdupq_n_s32(bits));
}
INLINE vi q_dot(vi sum, QX x, vi w) { return vdotq_s32(sum, vreinterpretq_s8_s32(w), x); }
#include <i8_igemm/body.h>

void zoo_i8_igemm_ukernel_6x16__neondot(size_t m, size_t n, const zoo_integer_igemm_params *params) {
  product(m, n, params);
}

#pragma clang attribute pop
#endif
