/* Kernels of depthwise convolutions and of poolings against their definition. */
#include "check.h"

/* A rectangle of windows over an image; strides in elements. */
typedef struct rectangle {
  size_t channels, kh, kw, lines, pixels, pitch, stride, dilation, width, height;
  size_t line, pixel, row, column; /* strides */
} rectangle;

static rectangle some_rectangle(int most_lines) {
  rectangle r = {.channels = (size_t)between(1, below(4) ? 40 : 140),
                 .kh = (size_t)between(1, below(8) ? 5 : 13),
                 .kw = (size_t)between(1, below(8) ? 5 : 13),
                 .lines = (size_t)between(1, most_lines),
                 .pixels = (size_t)between(1, 9),
                 .stride = (size_t)between(1, 3),
                 .dilation = below(4) ? 1 : 2};
  if (below(2)) /* what most networks have */
    r.kh = r.kw = 3;
  r.pitch = r.channels + (size_t)(below(2) ? 0 : below(9));
  if (below(8) == 0) { /* pixels that fall on the same lines of a cache */
    r.channels = 64;
    r.pitch = 256;
  }
  r.width = (r.pixels - 1) * r.stride + (r.kw - 1) * r.dilation + 1;
  r.height = (r.lines - 1) * r.stride + (r.kh - 1) * r.dilation + 1;
  r.column = r.dilation * r.pitch;
  r.row = r.dilation * r.width * r.pitch;
  r.pixel = r.stride * r.pitch;
  r.line = r.stride * r.width * r.pitch;
  return r;
}
static size_t input_count(const rectangle *r) { return (r->height * r->width - 1) * r->pitch + r->channels; }
static size_t output_count(const rectangle *r) { return r->lines * r->pixels * r->channels; }

/* Of output `at`: its channel, and where its window starts. */
static size_t channel(const rectangle *r, size_t at) { return at % r->channels; }
static size_t window(const rectangle *r, size_t at) {
  const size_t pixel = at / r->channels;
  return pixel / r->pixels * r->line + pixel % r->pixels * r->pixel + channel(r, at);
}
static size_t tap(const rectangle *r, size_t t) { return t / r->kw * r->row + t % r->kw * r->column; }

/* What parameters of all kernels have of rectangle `r`, what those of several lines, and what those of depthwise convolutions. */
#define WINDOWS                                                                                             \
  .channels = r.channels, .kh = r.kh, .kw = r.kw, .x = x, .x_pixel_stride = r.pixel, .x_row_stride = r.row, \
  .x_col_stride = r.column, .y = y, .y_stride = r.channels
#define LINES .lines = r.lines, .x_line_stride = r.line, .y_line_stride = r.pixels * r.channels
#define WEIGHTS .w = w, .w_row_stride = r.kw * r.channels, .w_col_stride = r.channels

static void report(const zoo_ukernel *kernel, const rectangle *r, size_t at, double got, double want) {
  fail("%s channels %zu kh %zu kw %zu lines %zu pixels %zu pitch %zu stride %zu dilation %zu at %zu: %.9g, not %.9g",
       kernel->name, r->channels, r->kh, r->kw, r->lines, r->pixels, r->pitch, r->stride, r->dilation, at, got, want);
}

static void depthwise_floats(const zoo_ukernel *kernel) {
  const rectangle r = some_rectangle(4);
  float *x = noise_floats(input_count(&r)), *y = noise_floats(output_count(&r));
  const float *w = noise_floats(r.kh * r.kw * r.channels), *bias = below(4) ? noise_floats(r.channels) : NULL;
  if (below(4) == 0)
    x[0] = NAN;
  const zoo_f32_dwconv_params p = {WINDOWS,      LINES,       WEIGHTS,
                                   .bias = bias, .lower = -1, .upper = below(2) ? 1 : INFINITY};
  ((zoo_f32_dwconv_ukernel)kernel->function)(r.pixels, &p);
  for (size_t at = 0; at < output_count(&r); at++) {
    const size_t c = channel(&r, at), from = window(&r, at);
    float sum = bias ? bias[c] : 0;
    for (size_t t = 0; t < r.kh * r.kw; t++)
      sum = fmaf(x[from + tap(&r, t)], w[t * r.channels + c], sum);
    sum = clamped(sum, p.lower, p.upper);
    if (!is_same(sum, y[at]))
      return report(kernel, &r, at, (double)y[at], (double)sum);
  }
}

static void depthwise(const zoo_ukernel *kernel, int is_wide) {
  const rectangle r = some_rectangle(4);
  const mixture of = some_mixture();
  const int least = is_wide ? -32768 : -128;
  const void *x = noise_elements(is_wide, input_count(&r), of);
  const int8_t *w = noise_bytes(r.kh * r.kw * r.channels, -127, of);
  int32_t *bias[2] = {guarded(r.channels * 4), guarded(r.channels * 4)};
  float *multipliers = noise_floats(r.channels);
  for (size_t c = 0; c < r.channels; c++) {
    bias[0][c] = is_wide ? between(-1000, 1000) : between(-100000, 100000);
    bias[1][c] = (int32_t)bits();
    multipliers[c] *= below(9) ? is_wide ? 1e-3f : 1e-2f : below(2) ? 1e9f : NAN;
  }
  void *y = noise_elements(is_wide, output_count(&r), ALL);
  const int zero_point = is_wide ? 0 : between(-128, 127);
  const zoo_integer_dwconv_params p = {WINDOWS,
                                       LINES,
                                       WEIGHTS,
                                       .x_zero_point = is_wide ? 0 : between(-128, 127),
                                       .bias = {bias[0], is_wide ? bias[1] : NULL},
                                       .multipliers = multipliers,
                                       .y_zero_point = zero_point,
                                       .lower = (float)(least - zero_point) + 0.25f,
                                       .upper = (float)(-1 - least - zero_point)};
  ((zoo_integer_dwconv_ukernel)kernel->function)(r.pixels, &p);
  for (size_t at = 0; at < output_count(&r); at++) {
    const size_t c = channel(&r, at), from = window(&r, at);
    int64_t sum = is_wide ? zoo_wide_bias(bias[0][c], bias[1][c]) : bias[0][c];
    for (size_t t = 0; t < r.kh * r.kw; t++)
      sum += (int64_t)(element(is_wide, x, from + tap(&r, t)) - p.x_zero_point) * w[t * r.channels + c];
    const float real = (is_wide ? zoo_wide_float(sum) : (float)(int32_t)sum) * multipliers[c];
    const int want = requantized(real, p.lower, p.upper, zero_point), got = element(is_wide, y, at);
    if (got != want)
      return report(kernel, &r, at, got, want);
  }
}
static void depthwise_i8(const zoo_ukernel *kernel) { depthwise(kernel, 0); }
static void depthwise_i16(const zoo_ukernel *kernel) { depthwise(kernel, 1); }

static void pool_floats(const zoo_ukernel *kernel) {
  const rectangle r = some_rectangle(4);
  float *x = noise_floats(input_count(&r)), *y = noise_floats(output_count(&r));
  const zoo_f32_pool_params p = {WINDOWS,          LINES,          .kind = (zoo_f32_pool_kind)below(3),
                                 .scale = noise(), .lower = -0.5f, .upper = INFINITY};
  ((zoo_f32_pool_ukernel)kernel->function)(r.pixels, &p);
  for (size_t at = 0; at < output_count(&r); at++) {
    const size_t from = window(&r, at);
    float result = p.kind == ZOO_POOL_SUM ? 0 : x[from];
    for (size_t t = 0; t < r.kh * r.kw; t++) {
      const float value = x[from + tap(&r, t)];
      result = p.kind == ZOO_POOL_SUM   ? result + value
               : p.kind == ZOO_POOL_MAX ? fmaxf(result, value)
                                        : fminf(result, value);
    }
    result = clamped(result * p.scale, p.lower, p.upper);
    if (!is_same(result, y[at]))
      return report(kernel, &r, at, (double)y[at], (double)result);
  }
}

static void pool(const zoo_ukernel *kernel, int is_wide) {
  const rectangle r = some_rectangle(1);
  const void *x = noise_elements(is_wide, input_count(&r), some_mixture());
  void *y = noise_elements(is_wide, output_count(&r), ALL);
  const int zero_point = is_wide ? 0 : between(-128, 127), least = is_wide ? -32768 : -128;
  const zoo_integer_pool_params p = {WINDOWS,
                                     .kind = (zoo_f32_pool_kind)below(3),
                                     .x_zero_point = is_wide ? 0 : between(-128, 127),
                                     .multiplier = noise(),
                                     .y_zero_point = zero_point,
                                     .lower = (float)(least - zero_point),
                                     .upper = (float)(-1 - least - zero_point)};
  ((zoo_integer_pool_ukernel)kernel->function)(r.pixels, &p);
  for (size_t at = 0; at < output_count(&r); at++) {
    const size_t from = window(&r, at);
    int result = p.kind == ZOO_POOL_SUM ? 0 : element(is_wide, x, from) - p.x_zero_point;
    for (size_t t = 0; t < r.kh * r.kw; t++) {
      const int value = element(is_wide, x, from + tap(&r, t)) - p.x_zero_point;
      result = p.kind == ZOO_POOL_SUM ? result + value : (p.kind == ZOO_POOL_MAX) == (value > result) ? value : result;
    }
    const int want = requantized((float)result * p.multiplier, p.lower, p.upper, zero_point);
    const int got = element(is_wide, y, at);
    if (got != want)
      return report(kernel, &r, at, got, want);
  }
}
static void pool_i8(const zoo_ukernel *kernel) { pool(kernel, 0); }
static void pool_i16(const zoo_ukernel *kernel) { pool(kernel, 1); }

int main(void) {
  each("f32_dwconv", depthwise_floats, 400);
  each("i8_dwconv", depthwise_i8, 600);
  each("i16_dwconv", depthwise_i16, 400);
  each("f32_pool", pool_floats, 300);
  each("i8_pool", pool_i8, 300);
  each("i16_pool", pool_i16, 300);
  return failures != 0;
}
