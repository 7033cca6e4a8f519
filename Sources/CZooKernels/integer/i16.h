// Activations of int16_t: what the bodies of integer kernels call their elements.
#ifndef ZOO_INTEGER_ELEMENT
#define ZOO_INTEGER_ELEMENT
typedef int16_t element;

INLINE vi e_load(const element *p) { return i_load16(p); }
INLINE vi e_load_part(const element *p, size_t n) { return i_load16_part(p, n); }
INLINE void e_store(element *p, vi x) { i_store16(p, x); }
INLINE void e_store_part(element *p, size_t n, vi x) { i_store16_part(p, n, x); }

// Sums of products, which begin with the bias of a channel.
typedef int64_t e_sum;

INLINE e_sum e_bias(const int32_t *const *bias, size_t c) { return zoo_wide_bias(bias[0][c], bias[1][c]); }
INLINE e_sum e_add(e_sum sum, int32_t x, int32_t w) { return zoo_wide_add(sum, x, w); }
INLINE float e_float(e_sum sum) { return zoo_wide_float(sum); }
#endif
