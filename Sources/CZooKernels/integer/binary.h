// i8_binary and i16_binary for any vector width.
//
// The including file has the words of a type of elements, <integer/i8.h> or <integer/i16.h>.
#include <simd/requantize.h>
#include <zoo_kernels.h>

INLINE vf real(const zoo_f32_binary_kind kind, vi a, vi b, vf ma, vf mb) {
  if (kind == ZOO_BINARY_MUL)
    return v_mul(i_float(i_mul(a, b)), ma);
  const vf x = v_mul(i_float(a), ma), y = v_mul(i_float(b), mb);
  switch (kind) {
  case ZOO_BINARY_ADD:
    return v_add(x, y);
  case ZOO_BINARY_SUB:
    return v_sub(x, y);
  case ZOO_BINARY_MAX:
    return v_max(x, y);
  default:
    return v_min(x, y);
  }
}

// A vector of one element again and again.
INLINE const element *repeated(element x, element *copies) {
  for (int k = 0; k < VL; k++)
    copies[k] = x;
  return copies;
}

INLINE void binary_kind(const zoo_f32_binary_kind kind, size_t count, const zoo_integer_binary_params *p) {
  const requantization r = make_requantization(p->lower, p->upper, p->y_zero_point);
  const vf ma = v_set(p->a_multiplier), mb = v_set(p->b_multiplier);
  const vi za = i_set(p->a_zero_point), zb = i_set(p->b_zero_point);
  element copies[2][VL];
  for (size_t row = 0; row < p->rows; row++) {
    const element *a = (const element *)p->a + row * p->a_stride, *b = (const element *)p->b + row * p->b_stride;
    element *y = (element *)p->y + row * p->y_stride;
    if (p->a_step == 0)
      a = repeated(*a, copies[0]);
    if (p->b_step == 0)
      b = repeated(*b, copies[1]);
    size_t i = 0;
    for (; i + VL <= count; i += VL) {
      const vi u = i_sub(e_load(a + i * p->a_step), za), v = i_sub(e_load(b + i * p->b_step), zb);
      e_store(y + i, requantize(real(kind, u, v, ma, mb), r));
    }
    const size_t rest = count - i;
    if (rest > 0) {
      const vi u = i_sub(e_load_part(a + i * p->a_step, rest), za), v = i_sub(e_load_part(b + i * p->b_step, rest), zb);
      e_store_part(y + i, rest, requantize(real(kind, u, v, ma, mb), r));
    }
  }
}

INLINE void binary(size_t count, const zoo_integer_binary_params *p) {
  if (count == 0)
    return;
  switch (p->kind) {
  case ZOO_BINARY_ADD:
    return binary_kind(ZOO_BINARY_ADD, count, p);
  case ZOO_BINARY_SUB:
    return binary_kind(ZOO_BINARY_SUB, count, p);
  case ZOO_BINARY_MUL:
    return binary_kind(ZOO_BINARY_MUL, count, p);
  case ZOO_BINARY_MAX:
    return binary_kind(ZOO_BINARY_MAX, count, p);
  default:
    return binary_kind(ZOO_BINARY_MIN, count, p);
  }
}
