// f32_unary for any vector width: exp by range reduction, the rest from it.
#include <simd/hard_swish.h>
#include <zoo_kernels.h>

// e^x, relative error below 2e-7; x = k ln 2 + r, e^r by its Taylor polynomial of degree 7 (as in
// Sources/Zoo/Numerics/Exponential.swift, with fused operations).
INLINE vf v_exp(vf x) {
  const vf bounded = v_min(v_max(x, v_set(-104.0f)), v_set(88.8f));
  const vf k = v_round(v_mul(bounded, v_set(1.44269504f)));
  vf r = v_fma(k, v_set(-0.693359375f), bounded);
  r = v_fma(k, v_set(2.1219444e-4f), r);
  vf p = v_set(1.984127e-4f);
  p = v_fma(p, r, v_set(1.3888889e-3f));
  p = v_fma(p, r, v_set(8.3333333e-3f));
  p = v_fma(p, r, v_set(4.1666667e-2f));
  p = v_fma(p, r, v_set(1.6666667e-1f));
  p = v_fma(p, r, v_set(0.5f));
  p = v_add(v_fma(v_mul(p, r), r, r), v_set(1.0f));
  // Two factors, because 2^k alone can be out of range where the result is not.
  const vf half = v_round(v_mul(k, v_set(0.5f)));
  return v_keep_nan(x, v_mul(v_mul(p, v_exp2i(half)), v_exp2i(v_sub(k, half))));
}

INLINE vf v_sigmoid(vf x) {
  const vf one = v_set(1.0f);
  return v_div(one, v_add(one, v_exp(v_sub(v_set(0), x))));
}

// tanh x = x P(x^2) / Q(x^2), relative error below 4e-7; past 9.02 the nearest float is 1. The coefficients are a minimax fit
// of ours (Lawson's algorithm on the linearised error), with P(0) = 1 so that small x stay as they are.
INLINE vf v_tanh(vf x) {
  const vf one = v_set(1.0f), bound = v_set(9.02f);
  const vf z = v_clamp(x, v_sub(v_set(0), bound), bound);
  const vf s = v_mul(z, z);
  vf p = v_set(1.3319093e-8f);
  p = v_fma(p, s, v_set(2.0583498e-5f));
  p = v_fma(p, s, v_set(3.4940357e-3f));
  p = v_fma(p, s, v_set(1.3379718e-1f));
  p = v_fma(p, s, one);
  vf q = v_set(7.762028e-7f);
  q = v_fma(q, s, v_set(3.2830946e-4f));
  q = v_fma(q, s, v_set(2.5871078e-2f));
  q = v_fma(q, s, v_set(4.6713033e-1f));
  q = v_fma(q, s, one);
  return v_clamp(v_div(v_mul(z, p), q), v_sub(v_set(0), one), one);
}

INLINE vf apply(const zoo_f32_unary_kind kind, vf x, vf alpha, vf beta) {
  const vf zero = v_set(0), one = v_set(1.0f);
  switch (kind) {
  case ZOO_UNARY_CLAMP:
    return v_clamp(x, alpha, beta);
  case ZOO_UNARY_LEAKY_RELU:
    return v_select_negative(x, v_mul(alpha, x), x);
  case ZOO_UNARY_SIGMOID:
    return v_sigmoid(x);
  case ZOO_UNARY_TANH:
    return v_tanh(x);
  case ZOO_UNARY_HARD_SIGMOID:
    return v_clamp(v_fma(alpha, x, beta), zero, one);
  case ZOO_UNARY_HARD_SWISH:
    return v_hard_swish(x);
  case ZOO_UNARY_EXP:
    return v_exp(x);
  case ZOO_UNARY_ELU:
    return v_select_negative(x, v_mul(alpha, v_sub(v_exp(x), one)), x);
  case ZOO_UNARY_SILU:
    return v_mul(x, v_sigmoid(v_mul(alpha, x)));
  default:
    return x;
  }
}

INLINE void unary_kind(const zoo_f32_unary_kind kind, size_t count, const zoo_f32_unary_params *p) {
  const vf alpha = v_set(p->alpha), beta = v_set(p->beta);
  size_t i = 0;
  for (; i + VL <= count; i += VL)
    v_store(p->y + i, apply(kind, v_load(p->x + i), alpha, beta));
  if (i < count) {
    const vmask mask = v_mask(count - i);
    v_store_part(p->y + i, mask, apply(kind, v_load_part(p->x + i, mask), alpha, beta));
  }
}

#define CASE(kind)              \
  case kind:                    \
    unary_kind(kind, count, p); \
    break;

INLINE void unary(size_t count, const zoo_f32_unary_params *p) {
  switch (p->kind) {
    CASE(ZOO_UNARY_CLAMP)
    CASE(ZOO_UNARY_LEAKY_RELU)
    CASE(ZOO_UNARY_SIGMOID)
    CASE(ZOO_UNARY_TANH)
    CASE(ZOO_UNARY_HARD_SIGMOID)
    CASE(ZOO_UNARY_HARD_SWISH)
    CASE(ZOO_UNARY_EXP)
    CASE(ZOO_UNARY_ELU)
    CASE(ZOO_UNARY_SILU)
  default:
    break;
  }
}
#undef CASE
