// Activations of int8_t: what the bodies of integer kernels call their elements.
#ifndef ZOO_INTEGER_ELEMENT
#define ZOO_INTEGER_ELEMENT
typedef int8_t element;

INLINE vi e_load(const element *p) { return i_load8(p); }
INLINE vi e_load_part(const element *p, size_t n) { return i_load8_part(p, n); }
INLINE void e_store(element *p, vi x) { i_store8(p, x); }
INLINE void e_store_part(element *p, size_t n, vi x) { i_store8_part(p, n, x); }
#endif
