// Weights of integers that will be needed soon.
#ifndef ZOO_INTEGER_FETCH_H
#define ZOO_INTEGER_FETCH_H

// Brings the quad at `w` of each of `panels` panels into L2.
INLINE void fetch(const int panels, const int8_t *w, size_t panel) {
#pragma clang loop unroll(full)
  for (int v = 0; v < panels; v++)
    __builtin_prefetch(w + (size_t)v * panel, 0, 2);
}
#endif
