// f32_binary and bf16_binary for any vector width.
//
// For numbers that are not floats the including file defines ELEMENT, the type of a and y, A(p) and Y(p), where they are, a_take and
// y_put, which are like take and put, and a_set for one of them in all lanes.
#include <simd/partial.h>
#include <zoo_kernels.h>

#ifndef ELEMENT
#define ELEMENT float
#define A(p) ((p)->a)
#define Y(p) ((p)->y)
#define a_take take
#define a_set(p) v_set(*(p))
#define y_put put
#endif

INLINE vf combine(const zoo_f32_binary_kind kind, vf a, vf b) {
  switch (kind) {
  case ZOO_BINARY_ADD:
    return v_add(a, b);
  case ZOO_BINARY_SUB:
    return v_sub(a, b);
  case ZOO_BINARY_MUL:
    return v_mul(a, b);
  case ZOO_BINARY_DIV:
    return v_div(a, b);
  case ZOO_BINARY_MAX:
    return v_max(a, b);
  case ZOO_BINARY_MIN:
    return v_min(a, b);
  default:
    return a;
  }
}

INLINE void vector(const zoo_f32_binary_kind kind, const int partial, vmask mask, size_t i, const ELEMENT *a,
                   const float *b, ELEMENT *y, const zoo_f32_binary_params *p) {
  const vf left = p->a_step ? a_take(a + i, partial, mask) : a_set(a);
  const vf right = p->b_step ? take(b + i, partial, mask) : v_set(b[0]);
  y_put(y + i, partial, mask, v_clamp(combine(kind, left, right), v_set(p->lower), v_set(p->upper)));
}

INLINE void binary_kind(const zoo_f32_binary_kind kind, size_t count, const zoo_f32_binary_params *p) {
  for (size_t r = 0; r < p->rows; r++) {
    const ELEMENT *a = A(p) + r * p->a_stride;
    const float *b = p->b + r * p->b_stride;
    ELEMENT *y = Y(p) + r * p->y_stride;
    size_t i = 0;
    for (; i + VL <= count; i += VL)
      vector(kind, 0, v_mask(VL), i, a, b, y, p);
    if (i < count)
      vector(kind, 1, v_mask(count - i), i, a, b, y, p);
  }
}

INLINE void binary(size_t count, const zoo_f32_binary_params *p) {
  switch (p->kind) {
  case ZOO_BINARY_ADD:
    binary_kind(ZOO_BINARY_ADD, count, p);
    break;
  case ZOO_BINARY_SUB:
    binary_kind(ZOO_BINARY_SUB, count, p);
    break;
  case ZOO_BINARY_MUL:
    binary_kind(ZOO_BINARY_MUL, count, p);
    break;
  case ZOO_BINARY_DIV:
    binary_kind(ZOO_BINARY_DIV, count, p);
    break;
  case ZOO_BINARY_MAX:
    binary_kind(ZOO_BINARY_MAX, count, p);
    break;
  case ZOO_BINARY_MIN:
    binary_kind(ZOO_BINARY_MIN, count, p);
    break;
  default:
    break;
  }
}
