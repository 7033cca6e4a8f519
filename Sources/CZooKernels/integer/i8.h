// Activations of int8_t: what the bodies of integer kernels call their elements.
#ifndef ZOO_INTEGER_ELEMENT
#define ZOO_INTEGER_ELEMENT
typedef int8_t element;

INLINE vi e_load(const element *p) { return i_load8(p); }
INLINE vi e_load_part(const element *p, size_t n) { return i_load8_part(p, n); }
INLINE void e_store(element *p, vi x) { i_store8(p, x); }
INLINE void e_store_part(element *p, size_t n, vi x) { i_store8_part(p, n, x); }

// Sums of products, which begin with the bias of a channel.
typedef int32_t e_sum;

INLINE e_sum e_bias(const int32_t *const *bias, size_t c) { return bias[0][c]; }
INLINE e_sum e_add(e_sum sum, int32_t x, int32_t w) { return sum + x * w; }
INLINE float e_float(e_sum sum) { return (float)sum; }
#endif
