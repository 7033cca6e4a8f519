// The loops for NEON: bytes are multiplied to 16 bits, then added in pairs, twice.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#define LOOPS zoo_measure_loops_neon
#define F32_CHAINS 16
#define I8_ROWS 4
#define I8_COLUMNS 4
#define KEEP(x) __asm__ volatile("" : "+w"(x))
INLINE vi i_dot(vi sum, vi x, vi w) {
  const int8x16_t a = vreinterpretq_s8_s32(x), b = vreinterpretq_s8_s32(w);
  return vpadalq_s16(sum, vpaddq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b)), vmull_high_s8(a, b)));
}
#include "body.h"
#endif
