// The loops that any compiler makes vectors of as it can: what the portable kernels are held against.
//
// Products and sums are rounded one by one, as in Sources/Zoo.
#include <stddef.h>
#include <stdint.h>
#define VL 4
typedef float vf __attribute__((vector_size(16)));
typedef int32_t vi __attribute__((vector_size(16)));
#define INLINE static inline __attribute__((always_inline))
INLINE vf v_set(float x) { return (vf){x, x, x, x}; }
INLINE vf v_fma(vf a, vf b, vf c) {
#pragma STDC FP_CONTRACT OFF
  const vf product = a * b;
  return product + c;
}
INLINE vi i_set(int32_t x) { return (vi){x, x, x, x}; }
INLINE vi i_add(vi a, vi b) { return a + b; }
// Four bytes of each lane, widened one after the other.
INLINE vi i_dot(vi sum, vi x, vi w) {
#pragma clang loop unroll(full)
  for (int byte = 0; byte < 4; byte++)
    sum += ((x << (24 - 8 * byte)) >> 24) * ((w << (24 - 8 * byte)) >> 24);
  return sum;
}
#define LOOPS zoo_measure_loops_portable
#define F32_CHAINS 12
#define I8_ROWS 2
#define I8_COLUMNS 2
// A memory operand: it fits every processor, and costs nothing outside the loops.
#if defined(__x86_64__)
#define KEEP(x) __asm__ volatile("" : "+x"(x))
#elif defined(__aarch64__)
#define KEEP(x) __asm__ volatile("" : "+w"(x))
#else
#define KEEP(x) __asm__ volatile("" : "+m"(x))
#endif
#include "body.h"
