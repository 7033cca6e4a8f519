// f32_binary for any vector width.
#include <zoo_kernels.h>

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

INLINE void binary_kind(const zoo_f32_binary_kind kind, size_t count, const zoo_f32_binary_params *p) {
  const vf lower = v_set(p->lower), upper = v_set(p->upper);
  size_t i = 0;
  for (; i + VL <= count; i += VL) {
    const vf a = p->a_step ? v_load(p->a + i) : v_set(p->a[0]);
    const vf b = p->b_step ? v_load(p->b + i) : v_set(p->b[0]);
    v_store(p->y + i, v_clamp(combine(kind, a, b), lower, upper));
  }
  if (i < count) {
    const vmask mask = v_mask(count - i);
    const vf a = p->a_step ? v_load_part(p->a + i, mask) : v_set(p->a[0]);
    const vf b = p->b_step ? v_load_part(p->b + i, mask) : v_set(p->b[0]);
    v_store_part(p->y + i, mask, v_clamp(combine(kind, a, b), lower, upper));
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
