/* Kernels of matrix products against their definition. Sums of floats have one order, so that they have the same bits, too. */
#include "check.h"

typedef struct shape {
  size_t m, n, kc, taps, depth;
} shape;

static shape some_shape(const zoo_ukernel *kernel, int needs_quads) {
  shape s = {
      .m = (size_t)between(1, 2 * (int)kernel->mr + 3), .n = (size_t)between(1, 70), .taps = (size_t)between(1, 4)};
  s.kc = (size_t)between(1, below(8) ? 40 : 700);
  if (needs_quads && s.taps > 1)
    s.kc = (s.kc + 3) / 4 * 4;
  s.depth = s.kc * s.taps;
  return s;
}

/* Where weight (row, j) is in panels whose rows lie `group` side by side. */
static size_t place(const shape *s, size_t row, size_t j, size_t group) {
  const size_t first = j / 16 * 16, width = s->n - first < 16 ? s->n - first : 16, lane = j - first;
  const size_t depth = group == 4 ? (s->depth + 3) / 4 * 4 : s->depth;
  if (group == 2 && row % 2 == 0 && row + 1 == depth) /* a last odd row */
    group = 1;
  return first * depth + row / group * group * width + lane * group + row % group;
}

static float half(uint16_t h) {
  const int exponent = h >> 10 & 31, mantissa = h & 1023;
  const float x = exponent ? ldexpf((float)(1024 + mantissa), exponent - 25) : ldexpf((float)mantissa, -24);
  return h & 0x8000 ? -x : x;
}
static float brain(uint16_t b) {
  const uint32_t word = (uint32_t)b << 16;
  float x;
  memcpy(&x, &word, 4);
  return x;
}

static float weight(char type, const void *w, size_t at) {
  return type == 'f'   ? ((const float *)w)[at]
         : type == 'h' ? half(((const uint16_t *)w)[at])
         : type == 'b' ? brain(((const uint16_t *)w)[at])
                       : (float)((const int8_t *)w)[at];
}

static void *some_weights(char type, size_t count) {
  if (type == 'f')
    return noise_floats(count);
  if (type == 'i')
    return noise_bytes(count, -127, ALL);
  uint16_t *w = guarded(2 * count);
  for (size_t i = 0; i < count; i++) /* halves: all finite ones; bf16: 2^-27 to 2^5 */
    w[i] = (uint16_t)(type == 'h' ? (bits() & 0x8000) | (uint32_t)below(31 * 1024)
                                  : (bits() & 0x807f) | (uint32_t)between(100, 131) << 7);
  return w;
}

/* Weights of `type`: f floats, h half precision, b bf16 in pairs of rows, i bytes with scales. */
static void floats(const zoo_ukernel *kernel, char type) {
  const shape s = some_shape(kernel, 0);
  const float *rows[4 * 64];
  for (size_t i = 0; i < s.m * s.taps; i++)
    rows[i] = noise_floats(s.kc);
  if (below(4) == 0)
    ((float *)rows[0])[0] = NAN;
  void *w = some_weights(type, s.n * s.depth);
  const float *bias = below(4) ? noise_floats(s.n) : NULL, *scales = noise_floats(s.n);
  float *c = noise_floats(s.m * s.n), *before = malloc(s.m * s.n * sizeof *before);
  memcpy(before, c, s.m * s.n * sizeof *before);
  const float bound = below(2) ? INFINITY : 3;
  const zoo_f32_igemm_params p = {.kc = s.kc,
                                  .tap_count = s.taps,
                                  .a = rows,
                                  .a_tap_stride = s.m,
                                  .w = w,
                                  .w_scales = type == 'i' ? scales : NULL,
                                  .bias = bias,
                                  .addend = below(2) ? c : NULL,
                                  .addend_stride = s.n,
                                  .c = c,
                                  .c_stride = s.n,
                                  .lower = -bound,
                                  .upper = bound};
  ((zoo_f32_igemm_ukernel)kernel->function)(s.m, s.n, &p);
  for (size_t i = 0; i < s.m; i++)
    for (size_t j = 0; j < s.n; j++) {
      float sum = bias && type != 'i' ? bias[j] : 0;
      for (size_t row = 0; row < s.depth; row++)
        sum =
            fmaf(rows[row / s.kc * s.m + i][row % s.kc], weight(type, w, place(&s, row, j, type == 'b' ? 2 : 1)), sum);
      if (type == 'i') {
        sum *= scales[j];
        if (bias)
          sum += bias[j];
      }
      if (p.addend)
        sum += before[i * s.n + j];
      sum = clamped(sum, -bound, bound);
      if (!is_same(sum, c[i * s.n + j])) {
        fail("%s m %zu n %zu kc %zu taps %zu at %zu, %zu: %a, not %a", kernel->name, s.m, s.n, s.kc, s.taps, i, j,
             (double)c[i * s.n + j], (double)sum);
        goto end;
      }
    }
end:
  free(before);
}
static void of_floats(const zoo_ukernel *kernel) { floats(kernel, 'f'); }
static void of_halves(const zoo_ukernel *kernel) { floats(kernel, 'h'); }
static void of_bf16(const zoo_ukernel *kernel) { floats(kernel, 'b'); }
static void of_bytes(const zoo_ukernel *kernel) { floats(kernel, 'i'); }

static void integers(const zoo_ukernel *kernel, int is_wide) {
  const shape s = some_shape(kernel, 1);
  const mixture of = some_mixture();
  const void *rows[4 * 64];
  for (size_t i = 0; i < s.m * s.taps; i++)
    rows[i] = noise_elements(is_wide, s.kc, of);
  const size_t depth = (s.depth + 3) / 4 * 4;
  int8_t *w = noise_bytes(s.n * depth, -127, of);
  int32_t *bias[2] = {guarded(s.n * 4), guarded(s.n * 4)};
  float *multipliers = noise_floats(s.n);
  for (size_t j = 0; j < s.n; j++) {
    int32_t sum = 0;
    for (size_t row = 0; row < depth; row++) {
      int8_t *at = &w[place(&s, row, j, 4)];
      *at = row < s.depth ? *at : 0;
      sum += *at;
    }
    bias[0][j] = is_wide ? between(-1000, 1000) : between(-1000000, 1000000);
    bias[1][j] = is_wide ? (int32_t)bits() : bias[0][j] - 128 * sum;
    multipliers[j] *= below(9) ? is_wide ? 1e-4f : 1e-3f : below(2) ? 1e9f : NAN;
  }
  void *c = noise_elements(is_wide, s.m * s.n, ALL);
  const size_t size = s.m * s.n * (is_wide ? 2 : 1);
  void *before = malloc(size);
  memcpy(before, c, size);
  const int zero_point = is_wide ? 0 : between(-128, 127), least = is_wide ? -32768 : -128;
  const zoo_integer_igemm_params p = {.kc = s.kc,
                                      .tap_count = s.taps,
                                      .a = rows,
                                      .a_tap_stride = s.m,
                                      .w = w,
                                      .bias = {bias[0], bias[1]},
                                      .multipliers = multipliers,
                                      .addend = below(2) ? c : NULL,
                                      .addend_stride = s.n,
                                      .addend_zero_point = is_wide ? 0 : between(-128, 127),
                                      .addend_multiplier = noise(),
                                      .c = c,
                                      .c_stride = s.n,
                                      .zero_point = zero_point,
                                      .lower = (float)(least - zero_point),
                                      .upper = (float)(-1 - least - zero_point)};
  ((zoo_integer_igemm_ukernel)kernel->function)(s.m, s.n, &p);
  for (size_t i = 0; i < s.m; i++)
    for (size_t j = 0; j < s.n; j++) {
      int64_t sum = is_wide ? zoo_wide_bias(bias[0][j], bias[1][j]) : bias[0][j];
      for (size_t row = 0; row < s.depth; row++)
        sum += (int64_t)element(is_wide, rows[row / s.kc * s.m + i], row % s.kc) * w[place(&s, row, j, 4)];
      float real = (is_wide ? zoo_wide_float(sum) : (float)(int32_t)sum) * multipliers[j];
      if (p.addend) {
        const int addend = element(is_wide, before, i * s.n + j) - p.addend_zero_point;
        const float scaled = (float)addend * p.addend_multiplier;
        real += scaled;
      }
      const int want = requantized(real, p.lower, p.upper, zero_point), got = element(is_wide, c, i * s.n + j);
      if (got != want) {
        fail("%s m %zu n %zu kc %zu taps %zu at %zu, %zu: %d, not %d", kernel->name, s.m, s.n, s.kc, s.taps, i, j, got,
             want);
        goto end;
      }
    }
end:
  free(before);
}
static void of_i8(const zoo_ukernel *kernel) { integers(kernel, 0); }
static void of_i16(const zoo_ukernel *kernel) { integers(kernel, 1); }

int main(void) {
  each("f32_igemm", of_floats, 150);
  each("f16w_igemm", of_halves, 150);
  each("bf16w_igemm", of_bf16, 150);
  each("i8w_igemm", of_bytes, 150);
  each("i8_igemm", of_i8, 400);
  each("i16_igemm", of_i16, 400);
  return failures != 0;
}
