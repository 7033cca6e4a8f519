// Hard-swish for any vector width (Howard et al., "Searching for MobileNetV3", 2019).
#ifndef ZOO_SIMD_HARD_SWISH_H
#define ZOO_SIMD_HARD_SWISH_H

// x times its factor, x / 6 + 1 / 2 within [floor, 1]: hard-swish where the floor is 0, x where it is 1.
INLINE vf v_hard_swish_above(vf x, vf floor) {
  return v_mul(x, v_clamp(v_fma(x, v_set(1.0f / 6.0f), v_set(0.5f)), floor, v_set(1.0f)));
}

INLINE vf v_hard_swish(vf x) { return v_hard_swish_above(x, v_set(0)); }
#endif
