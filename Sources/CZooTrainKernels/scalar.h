// One float at a time, in the words of CZooKernels/simd: the meaning of every body.
#ifndef ZOO_TRAIN_SCALAR_H
#define ZOO_TRAIN_SCALAR_H
#include <math.h>
#include <stddef.h>

#define VL 1
typedef float vf;
typedef int vmask;

#define INLINE static inline __attribute__((always_inline))

INLINE vf v_load(const float *p) { return *p; }
INLINE void v_store(float *p, vf x) { *p = x; }
INLINE vf v_set(float x) { return x; }
INLINE vf v_add(vf a, vf b) { return a + b; }
INLINE vf v_sub(vf a, vf b) { return a - b; }
INLINE vf v_mul(vf a, vf b) { return a * b; }
INLINE vf v_div(vf a, vf b) { return a / b; }
INLINE vf v_fma(vf a, vf b, vf c) { return a * b + c; }
INLINE vf v_min(vf a, vf b) { return a < b ? a : b; }
INLINE vf v_max(vf a, vf b) { return a > b ? a : b; }
INLINE vf v_sqrt(vf a) { return __builtin_sqrtf(a); }
INLINE vf v_inside(vf x, vf lower, vf upper, vf a) { return x > lower && x < upper ? a : 0; }
INLINE vmask v_mask(size_t n) { return (vmask)n; }
INLINE vf v_load_part(const float *p, vmask m) { return m ? *p : 0; }
INLINE void v_store_part(float *p, vmask m, vf x) {
  if (m)
    *p = x;
}
#endif
