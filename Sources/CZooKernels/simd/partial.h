// A vector of floats in memory, or with `partial`, a constant, the lanes of it that are in the mask. After the words for vectors.
#ifndef ZOO_SIMD_PARTIAL_H
#define ZOO_SIMD_PARTIAL_H

INLINE vf take(const float *p, const int partial, vmask mask) { return partial ? v_load_part(p, mask) : v_load(p); }

INLINE void put(float *p, const int partial, vmask mask, vf x) {
  if (partial)
    v_store_part(p, mask, x);
  else
    v_store(p, x);
}
#endif
