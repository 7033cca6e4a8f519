// i8_binary for any vector width.
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

INLINE void binary_kind(const zoo_f32_binary_kind kind, size_t count, const zoo_i8_binary_params *p) {
  const requantization r = make_requantization(p->lower, p->upper, p->y_zero_point);
  const vf ma = v_set(p->a_multiplier), mb = v_set(p->b_multiplier);
  const vi za = i_set(p->a_zero_point), zb = i_set(p->b_zero_point);
  const vi first_a = i_set(p->a[0]), first_b = i_set(p->b[0]);
  size_t i = 0;
  for (; i + VL <= count; i += VL) {
    const vi a = i_sub(p->a_step ? i_load8(p->a + i) : first_a, za);
    const vi b = i_sub(p->b_step ? i_load8(p->b + i) : first_b, zb);
    i_store8(p->y + i, requantize(real(kind, a, b, ma, mb), r));
  }
  const size_t rest = count - i;
  if (rest > 0) {
    const vi a = i_sub(p->a_step ? i_load8_part(p->a + i, rest) : first_a, za);
    const vi b = i_sub(p->b_step ? i_load8_part(p->b + i, rest) : first_b, zb);
    i_store8_part(p->y + i, rest, requantize(real(kind, a, b, ma, mb), r));
  }
}

INLINE void binary(size_t count, const zoo_i8_binary_params *p) {
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
