// The last step of every integer kernel, in the words of simd/*.h.
#ifndef ZOO_SIMD_REQUANTIZE_H
#define ZOO_SIMD_REQUANTIZE_H
// Contracted products and sums would round differently from the portable code.
#pragma clang fp contract(off)

typedef struct requantization {
  vf lower, upper;
  vi zero_point;
} requantization;

INLINE requantization make_requantization(float lower, float upper, int32_t zero_point) {
  return (requantization){v_set(lower), v_set(upper), i_set(zero_point)};
}

// rint(clamp(real)) + zero point; NaN gives the lower bound: of unordered operands the second is taken.
INLINE vi requantize(vf real, requantization r) {
  return i_add(v_int(v_min(v_max(real, r.lower), r.upper)), r.zero_point);
}
#endif
