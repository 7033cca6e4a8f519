/* Kernels of one element at a time against their definition, with the numbers that are not ordinary. */
#include "check.h"

static float some_float(void) {
  static const float odd[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-40f, 3e38f, -3e38f, 88.9f, -104.1f};
  return below(6) ? noise() * (float)below(20) : odd[below(10)];
}
static float *some_floats(size_t count) {
  float *p = guarded(count * sizeof *p);
  for (size_t i = 0; i < count; i++)
    p[i] = some_float();
  return p;
}

static void binary_floats(const zoo_ukernel *kernel) {
  const size_t count = (size_t)between(1, 40), a_step = below(4) != 0, b_step = a_step ? below(4) != 0 : 1;
  float *a = some_floats(a_step ? count : 1), *b = some_floats(b_step ? count : 1), *y = noise_floats(count);
  const float bound = below(2) ? INFINITY : 2;
  const zoo_f32_binary_params p = {.kind = (zoo_f32_binary_kind)below(6),
                                   .a = a,
                                   .b = b,
                                   .a_step = a_step,
                                   .b_step = b_step,
                                   .y = y,
                                   .lower = -bound,
                                   .upper = bound,
                                   .rows = 1};
  ((zoo_f32_binary_ukernel)kernel->function)(count, &p);
  for (size_t i = 0; i < count; i++) {
    const float u = a[i * a_step], v = b[i * b_step];
    const float all[] = {u + v, u - v, u * v, u / v, u > v ? u : v, u < v ? u : v};
    const float want = clamped(all[p.kind], -bound, bound);
    if (!is_same(want, y[i]))
      return fail("%s kind %d of %zu: %a, %a give %a, not %a", kernel->name, (int)p.kind, count, (double)u, (double)v,
                  (double)y[i], (double)want);
  }
}

/* Exactly what the kernel computes for the kinds of few operations, and the function itself for the others. */
static float unary(zoo_f32_unary_kind kind, float x, float alpha, float beta, int *is_exact) {
  *is_exact = 1;
  switch ((int)kind) {
  case ZOO_UNARY_CLAMP:
    return clamped(x, alpha, beta);
  case ZOO_UNARY_LEAKY_RELU:
    return x < 0 ? alpha * x : x;
  case ZOO_UNARY_HARD_SIGMOID:
    return clamped(fmaf(alpha, x, beta), 0, 1);
  case ZOO_UNARY_HARD_SWISH:
    return x * clamped(fmaf(x, 1.0f / 6, 0.5f), 0, 1);
  }
  *is_exact = 0;
  const double z = (double)x;
  switch ((int)kind) {
  case ZOO_UNARY_SIGMOID:
    return (float)(1 / (1 + exp(-z)));
  case ZOO_UNARY_TANH:
    return (float)tanh(z);
  case ZOO_UNARY_EXP:
    return (float)exp(z);
  case ZOO_UNARY_ELU:
    return (float)(z < 0 ? (double)alpha * expm1(z) : z);
  default:
    return (float)(z / (1 + exp(-(double)(alpha * x))));
  }
}

static void unary_floats(const zoo_ukernel *kernel) {
  const size_t count = (size_t)between(1, 40);
  const float *x = some_floats(count), alpha = -0.5f + (float)below(3), beta = 0.5f + (float)below(3);
  float *y = noise_floats(count);
  zoo_f32_unary_params p = {.kind = (zoo_f32_unary_kind)below(9), .x = x, .y = y, .alpha = alpha, .beta = beta};
  if (p.kind == ZOO_UNARY_CLAMP)
    p.alpha = -p.beta;
  ((zoo_f32_unary_ukernel)kernel->function)(count, &p);
  for (size_t i = 0; i < count; i++) {
    int is_exact;
    const float want = unary(p.kind, x[i], p.alpha, p.beta, &is_exact);
    /* An infinity times zero, which one of them rounds to and the other does not; and what is nearly nothing. */
    const int is_special = isinf(x[i]) && p.kind == ZOO_UNARY_SILU;
    const float bound = 1e-6f * fmaxf(fabsf(want), 1e-6f) + (p.kind == ZOO_UNARY_ELU ? 2e-7f : 0);
    if (!is_special && !is_same(want, y[i]) && (is_exact || !(fabsf(want - y[i]) <= bound)))
      return fail("%s kind %d of %zu: %a gives %a, not %a", kernel->name, (int)p.kind, count, (double)x[i],
                  (double)y[i], (double)want);
  }
}

static void binary(const zoo_ukernel *kernel, int is_wide) {
  const size_t count = (size_t)between(1, 40), rows = (size_t)between(1, 3), all = rows * count;
  const size_t a_step = below(4) != 0, b_step = a_step ? below(4) != 0 : 1;
  const int zero_point = is_wide ? 0 : between(-128, 127), least = is_wide ? -32768 : -128;
  static const int kinds[] = {ZOO_BINARY_ADD, ZOO_BINARY_SUB, ZOO_BINARY_MUL, ZOO_BINARY_MAX, ZOO_BINARY_MIN};
  /* A row that is read again and again, or one after the other. */
  const size_t a_stride = a_step ? count : 1, b_stride = below(2) ? 0 : b_step ? count : 1;
  const zoo_integer_binary_params p = {.kind = (zoo_f32_binary_kind)kinds[below(5)],
                                       .a = noise_elements(is_wide, a_step ? all : rows, some_mixture()),
                                       .b = noise_elements(is_wide, b_step ? all : rows, some_mixture()),
                                       .a_step = a_step,
                                       .b_step = b_step,
                                       .a_zero_point = is_wide ? 0 : between(-128, 127),
                                       .b_zero_point = is_wide ? 0 : between(-128, 127),
                                       .a_multiplier = noise(),
                                       .b_multiplier = noise(),
                                       .y = noise_elements(is_wide, all, some_mixture()),
                                       .y_zero_point = zero_point,
                                       .lower = (float)(least - zero_point),
                                       .upper = (float)(-1 - least - zero_point),
                                       .rows = rows,
                                       .a_stride = a_stride,
                                       .b_stride = b_stride,
                                       .y_stride = count};
  ((zoo_integer_binary_ukernel)kernel->function)(count, &p);
  for (size_t i = 0; i < all; i++) {
    const size_t row = i / count, column = i % count;
    const int a = element(is_wide, p.a, row * a_stride + column * a_step) - p.a_zero_point;
    const int b = element(is_wide, p.b, row * b_stride + column * b_step) - p.b_zero_point;
    const float u = (float)a * p.a_multiplier, v = (float)b * p.b_multiplier;
    const float real = p.kind == ZOO_BINARY_ADD   ? u + v
                       : p.kind == ZOO_BINARY_SUB ? u - v
                       : p.kind == ZOO_BINARY_MUL ? (float)(a * b) * p.a_multiplier
                       : p.kind == ZOO_BINARY_MAX ? fmaxf(u, v)
                                                  : fminf(u, v);
    const int want = requantized(real, p.lower, p.upper, zero_point), got = element(is_wide, p.y, i);
    if (got != want)
      return fail("%s kind %d of %zu: %d, %d give %d, not %d", kernel->name, (int)p.kind, count, a, b, got, want);
  }
}
static void binary_i8(const zoo_ukernel *kernel) { binary(kernel, 0); }
static void binary_i16(const zoo_ukernel *kernel) { binary(kernel, 1); }

static void quantize(const zoo_ukernel *kernel, int is_wide) {
  const size_t count = (size_t)between(1, 40);
  const int zero_point = is_wide ? 0 : between(-128, 127), least = is_wide ? -32768 : -128;
  float *x = some_floats(count);
  const zoo_integer_quantize_params p = {.x = x,
                                         .y = noise_elements(is_wide, count, some_mixture()),
                                         .scale = below(2)  ? 0.125f
                                                  : is_wide ? 3e-4f
                                                            : 0.0791f,
                                         .zero_point = zero_point,
                                         .lower = (float)(least - zero_point),
                                         .upper = (float)(-1 - least - zero_point)};
  if (below(2)) /* halfway between two integers */
    x[0] = p.scale * ((float)below(100) + 0.5f);
  ((zoo_integer_quantize_ukernel)kernel->function)(count, &p);
  for (size_t i = 0; i < count; i++) {
    const int want = requantized(x[i] / p.scale, p.lower, p.upper, zero_point), got = element(is_wide, p.y, i);
    if (got != want)
      return fail("%s of %zu: %a gives %d, not %d", kernel->name, count, (double)x[i], got, want);
  }
}
static void quantize_i8(const zoo_ukernel *kernel) { quantize(kernel, 0); }
static void quantize_i16(const zoo_ukernel *kernel) { quantize(kernel, 1); }

static void lookup(const zoo_ukernel *kernel) {
  const size_t count = (size_t)between(1, 100);
  int8_t *table = noise_bytes(256, -128, ALL), *x = noise_bytes(count, -128, ALL), *y = noise_bytes(count, -128, ALL);
  ((zoo_i8_lookup_ukernel)kernel->function)(count, table, x, y);
  for (size_t i = 0; i < count; i++)
    if (y[i] != table[(uint8_t)x[i]])
      return fail("%s of %zu: %d gives %d, not %d", kernel->name, count, x[i], y[i], table[(uint8_t)x[i]]);
}

int main(void) {
  each("f32_binary", binary_floats, 1000);
  each("f32_unary", unary_floats, 3000);
  each("i8_binary", binary_i8, 500);
  each("i16_binary", binary_i16, 500);
  each("i8_quantize", quantize_i8, 500);
  each("i16_quantize", quantize_i16, 500);
  each("i8_lookup", lookup, 500);
  return failures != 0;
}
