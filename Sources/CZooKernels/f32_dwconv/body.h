// f32_dwconv and bf16_dwconv for any vector width: output pixels side by side share the loads of inputs and weights.
//
// A sum is added in the order of the taps whatever is computed together with it: its bits depend on its window alone.
//
// For inputs that are not floats the including file defines ELEMENT, their type and that of outputs, X(p) and Y(p),
// where they are, and
//   CL, channels of one vector cv, and cmask, those of a part of one: c_mask(n)
//   c_set, c_fma, c_clamp: as v_set, v_fma, v_clamp
//   c_floats(p, partial, mask): floats of weights and biases; c_take: inputs; c_put(y, partial, mask, x): outputs
#include <simd/partial.h>
#include <zoo_kernels.h>

#ifndef ELEMENT
#define ELEMENT float
#define X(p) ((p)->x)
#define CL VL
typedef vf cv;
typedef vmask cmask;
#define c_mask v_mask
#define c_set v_set
#define c_fma v_fma
#define c_clamp v_clamp
#define c_floats take
#define c_take take
#define Y(p) ((p)->y)
#define c_put put
#endif

#define TOGETHER 4 // pixels
#ifndef MOST_TAPS
#define MOST_TAPS 25 // of windows with code of their own
#endif

// The channels of one vector: c ... c + CL - 1, or with `partial` those in the mask.
typedef struct lanes {
  size_t c;
  cmask mask;
  cv bias, lower, upper;
} lanes;

INLINE cv weights(const int partial, const lanes *l, const float *p) { return c_floats(p + l->c, partial, l->mask); }
INLINE cv load(const int partial, const lanes *l, const ELEMENT *p) { return c_take(p + l->c, partial, l->mask); }

INLINE void finish(const int partial, const lanes *l, cv sum, ELEMENT *y) {
  c_put(y + l->c, partial, l->mask, c_clamp(sum, l->lower, l->upper));
}

// `count` windows `step` columns apart: a column is loaded once for all windows that cover it. `w`: the taps' weights.
INLINE void sliding(const int count, const int kh, const int kw, const int step, const int partial, const lanes *l,
                    const cv *w, const ELEMENT *x, ELEMENT *y, const zoo_f32_dwconv_params *p) {
  cv sums[TOGETHER];
#pragma clang loop unroll(full)
  for (int q = 0; q < count; q++)
    sums[q] = l->bias;
#pragma clang loop unroll(full)
  for (int i = 0; i < kh; i++)
#pragma clang loop unroll(full)
    for (int column = 0; column < (count - 1) * step + kw; column++) {
      const cv v = load(partial, l, x + i * p->x_row_stride + column * p->x_col_stride);
#pragma clang loop unroll(full)
      for (int q = 0; q < count; q++) {
        const int j = column - q * step;
        if (j >= 0 && j < kw)
          sums[q] = c_fma(v, w[i * kw + j], sums[q]);
      }
    }
#pragma clang loop unroll(full)
  for (int q = 0; q < count; q++)
    finish(partial, l, sums[q], y + q * p->y_stride);
}

// `count` windows of a known size, however far apart.
INLINE void apart(const int count, const int kh, const int kw, const int partial, const lanes *l, const ELEMENT *x,
                  ELEMENT *y, const zoo_f32_dwconv_params *p) {
  cv sums[TOGETHER];
#pragma clang loop unroll(full)
  for (int q = 0; q < count; q++)
    sums[q] = l->bias;
#pragma clang loop unroll(full)
  for (int i = 0; i < kh; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < kw; j++) {
      const cv w = weights(partial, l, p->w + i * p->w_row_stride + j * p->w_col_stride);
      const ELEMENT *tap = x + i * p->x_row_stride + j * p->x_col_stride;
#pragma clang loop unroll(full)
      for (int q = 0; q < count; q++)
        sums[q] = c_fma(load(partial, l, tap + q * p->x_pixel_stride), w, sums[q]);
    }
#pragma clang loop unroll(full)
  for (int q = 0; q < count; q++)
    finish(partial, l, sums[q], y + q * p->y_stride);
}

// A line of output in the channels of one vector. step 0: not in steps of one or two columns.
INLINE void line(const int kh, const int kw, const int step, const int partial, const lanes *l, size_t pixels,
                 const ELEMENT *x, ELEMENT *y, const zoo_f32_dwconv_params *p) {
  size_t q = 0;
  if (!step) {
    for (; q + TOGETHER <= pixels; q += TOGETHER, x += TOGETHER * p->x_pixel_stride, y += TOGETHER * p->y_stride)
      apart(TOGETHER, kh, kw, partial, l, x, y, p);
    for (; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride)
      apart(1, kh, kw, partial, l, x, y, p);
    return;
  }
  cv w[MOST_TAPS];
#pragma clang loop unroll(full)
  for (int i = 0; i < kh; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < kw; j++)
      w[i * kw + j] = weights(partial, l, p->w + i * p->w_row_stride + j * p->w_col_stride);
  const int together = step == 1 ? TOGETHER : 2; // windows two columns apart have little in common
  for (; q + together <= pixels; q += together, x += together * p->x_pixel_stride, y += together * p->y_stride)
    sliding(together, kh, kw, step, partial, l, w, x, y, p);
  for (; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride)
    sliding(1, kh, kw, step, partial, l, w, x, y, p);
}

// `count` windows of any size, in `vectors` vectors of channels from c on: as many sums at a time as hide that each waits for itself.
INLINE void any(const int count, const int vectors, const int partial, size_t c, const ELEMENT *x, ELEMENT *y,
                const zoo_f32_dwconv_params *p) {
  const cmask mask = c_mask(partial ? p->channels - c : 0);
  cv sums[TOGETHER][4];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const cv bias = p->bias ? c_floats(p->bias + c + v * CL, partial, mask) : c_set(0);
#pragma clang loop unroll(full)
    for (int q = 0; q < count; q++)
      sums[q][v] = bias;
  }
  const ELEMENT *x_row = x + c;
  const float *w_row = p->w + c;
  for (size_t i = 0; i < p->kh; i++, x_row += p->x_row_stride, w_row += p->w_row_stride) {
    const ELEMENT *tap = x_row;
    const float *weight = w_row;
    for (size_t j = 0; j < p->kw; j++, tap += p->x_col_stride, weight += p->w_col_stride) {
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) {
        const cv w = c_floats(weight + v * CL, partial, mask);
#pragma clang loop unroll(full)
        for (int q = 0; q < count; q++)
          sums[q][v] = c_fma(c_take(tap + q * p->x_pixel_stride + v * CL, partial, mask), w, sums[q][v]);
      }
    }
  }
  const cv lower = c_set(p->lower), upper = c_set(p->upper);
#pragma clang loop unroll(full)
  for (int q = 0; q < count; q++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++)
      c_put(y + c + q * p->y_stride + v * CL, partial, mask, c_clamp(sums[q][v], lower, upper));
}

// The channels from c on, fewer than a vector, of windows of any size.
static void any_rest(size_t c, size_t pixels, const ELEMENT *x, ELEMENT *y, const zoo_f32_dwconv_params *p) {
  for (; pixels >= TOGETHER; pixels -= TOGETHER, x += TOGETHER * p->x_pixel_stride, y += TOGETHER * p->y_stride)
    any(TOGETHER, 1, 1, c, x, y, p);
  for (; pixels > 0; pixels--, x += p->x_pixel_stride, y += p->y_stride)
    any(1, 1, 1, c, x, y, p);
}

// Some pixels of a line in all channels.
INLINE void channels(const int kh, const int kw, const int step, size_t pixels, const ELEMENT *x, ELEMENT *y,
                     const zoo_f32_dwconv_params *p) {
  lanes l = {.lower = c_set(p->lower), .upper = c_set(p->upper)};
  for (l.c = 0; l.c + CL <= p->channels; l.c += CL) {
    l.bias = p->bias ? weights(0, &l, p->bias) : c_set(0);
    line(kh, kw, step, 0, &l, pixels, x, y, p);
  }
  if (l.c < p->channels && !step)
    any_rest(l.c, pixels, x, y, p);
  else if (l.c < p->channels) {
    l.mask = c_mask(p->channels - l.c);
    l.bias = p->bias ? weights(1, &l, p->bias) : c_set(0);
    line(kh, kw, step, 1, &l, pixels, x, y, p);
  }
}

// How many of `pixels` pixels are computed in all channels before the next ones. A line of one vector of channels after the other reads all
// pixels again for each vector: where whole lines of the cache lie between pixels, which then share few places in it, rather as many as are
// NEAR bytes (Zen 3: 56x56x128 283 to 143 us, with stride 2 124 to 54, 112x112x32 154 to 122; with 144 channels 139 to 145).
__attribute__((noinline)) static size_t pixels_near(size_t lines, int step, size_t pixels,
                                                    const zoo_f32_dwconv_params *p) {
#ifdef NEAR
  const size_t pitch = p->x_col_stride * sizeof(ELEMENT);
  if (pitch % 128 == 0) {
    const size_t near = NEAR / (pitch * lines * (step == 2 ? 2 : 1)) / TOGETHER * TOGETHER;
    if (near >= 2 * TOGETHER)
      return near;
    if (pitch % 512 == 0)
      return TOGETHER;
  }
#else
  (void)lines, (void)step, (void)p;
#endif
  return pixels;
}

INLINE void lines(const int kh, const int kw, const int step, size_t pixels, const zoo_f32_dwconv_params *p) {
  const size_t most = pixels_near((size_t)kh, step, pixels, p);
  for (size_t r = 0; r < p->lines; r++) {
    const ELEMENT *x = X(p) + r * p->x_line_stride;
    ELEMENT *y = Y(p) + r * p->y_line_stride;
    for (size_t q = 0; q < pixels; q += most)
      channels(kh, kw, step, pixels - q < most ? pixels - q : most, x + q * p->x_pixel_stride, y + q * p->y_stride, p);
  }
}

// The channels of `count` windows of any size that fill vectors.
INLINE void any_channels(const int count, const int vectors, const ELEMENT *x, ELEMENT *y,
                         const zoo_f32_dwconv_params *p) {
  size_t c = 0;
  for (; c + (size_t)vectors * CL <= p->channels; c += (size_t)vectors * CL)
    any(count, vectors, 0, c, x, y, p);
  for (; c + CL <= p->channels; c += CL)
    any(count, 1, 0, c, x, y, p);
}

static void any_lines(size_t pixels, const zoo_f32_dwconv_params *p) {
  for (size_t r = 0; r < p->lines; r++) {
    const ELEMENT *x = X(p) + r * p->x_line_stride;
    ELEMENT *y = Y(p) + r * p->y_line_stride;
    size_t q = 0;
    for (; q + TOGETHER <= pixels; q += TOGETHER)
      any_channels(TOGETHER, 2, x + q * p->x_pixel_stride, y + q * p->y_stride, p);
    for (; q < pixels; q++)
      any_channels(1, 4, x + q * p->x_pixel_stride, y + q * p->y_stride, p);
    if (p->channels % CL != 0)
      any_rest(p->channels / CL * CL, pixels, x, y, p);
  }
}

// With code of their own: 3x3, and 5x5 if their weights fit the registers, and what is left of a 3x3 at edges and in corners.
static void in_place(size_t pixels, const zoo_f32_dwconv_params *p) {
  if (pixels == 1 && p->lines > 1) { // a column: as a row, downwards
    zoo_f32_dwconv_params column = *p;
    column.lines = 1;
    column.x_pixel_stride = p->x_line_stride;
    column.y_stride = p->y_line_stride;
    return in_place(p->lines, &column);
  }
  const size_t step = p->x_pixel_stride == p->x_col_stride ? 1 : p->x_pixel_stride == 2 * p->x_col_stride ? 2 : 0;
  const size_t window = p->kh < 10 && p->kw < 10 ? 10 * p->kh + p->kw : 0;
  if (window == 33 && step == 1)
    lines(3, 3, 1, pixels, p);
  else if (window == 33 && step == 2)
    lines(3, 3, 2, pixels, p);
  else if (window == 23 && step == 1)
    lines(2, 3, 1, pixels, p);
  else if (window == 23)
    lines(2, 3, 0, pixels, p);
  else if (window == 32)
    lines(3, 2, 0, pixels, p);
  else if (window == 22)
    lines(2, 2, 0, pixels, p);
  else if (window == 55 && step == 1 && MOST_TAPS >= 25)
    lines(5, 5, 1, pixels, p);
  else if (window == 55 && step == 2 && MOST_TAPS >= 25)
    lines(5, 5, 2, pixels, p);
  else
    any_lines(pixels, p);
}
