// f32_dwplane and bf16_dwplane for any vector width: images are copied with the padding around them.
//
// The including file defines ELEMENT, the type of inputs and outputs, X(p) and Y(p), where they are, and plane_take(p, mask) and
// plane_put(p, mask, y) for VL channels of a pixel; and with ONLY_5X5, that windows have 5 x 5 taps, of which one line is made at a time.
#include <simd/hard_swish.h>
#include <zoo_kernels.h>

#ifdef ONLY_5X5
#define DOWN 1 // seven sums and five weights of a line: 14 sums would not fit 16 registers
#else
#define DOWN 2
#endif
#define MOST_VECTORS (ZOO_PLANE_CHANNELS / VL)
#define ACROSS ZOO_PLANE_LEAST // pixels of output at a time. (Images of 224 pixels end with 28, 14 and 7.)

// The lines of the image that are read, with padding, and what else all windows need.
typedef struct planes {
  _Alignas(64) float x[ZOO_PLANE_COPY / sizeof(float)]; // [vectors][lines][width][VL]
  float w[MOST_VECTORS][9][VL];                         // of 3 x 3 taps
  vf bias[MOST_VECTORS];
  vmask masks[MOST_VECTORS];
  size_t vectors, width;
  size_t line, plane;     // floats from line to line and from vector to vector
  vf lower, upper, floor; // of outputs, and of the factor of hard-swish: 1 without it
} planes;

// `count` pixels of a line from x on: `vectors`, a constant, from number `first` on. What of a pixel lies side by side is read together.
INLINE void copy_pixels(const int vectors, size_t first, float *to, const ELEMENT *x, size_t stride, size_t count,
                        const planes *s) {
  for (size_t q = 0; q < count; q++, to += VL, x += stride)
#pragma clang loop unroll(full)
    for (size_t v = first; v < first + vectors; v++)
      v_store(to + v * s->plane, plane_take(x + v * VL, s->masks[v]));
}

INLINE void copy_zeros(float *to, size_t count, const planes *s) {
  for (size_t v = 0; v < s->vectors; v++)
    for (size_t q = 0; q < count; q++)
      v_store(to + v * s->plane + q * VL, v_set(0));
}

// The lines that the windows of `lines` lines of output reach.
static void copy_lines(const size_t taps, size_t lines, planes *s, const zoo_f32_dwplane_params *p) {
  const size_t inside = p->width < s->width - p->left ? p->width : s->width - p->left;
  for (size_t i = 0; i < lines + taps - 1; i++) {
    float *to = s->x + i * s->line;
    const size_t row = p->first + i - p->top; // wraps around above the image
    if (row >= p->height) {
      copy_zeros(to, s->width, s);
      continue;
    }
    const ELEMENT *x = X(p) + row * p->x_line_stride;
    copy_zeros(to, p->left, s);
    to += p->left * VL;
    if (s->vectors == 4)
      copy_pixels(4, 0, to, x, p->x_pixel_stride, inside, s);
    else
      for (size_t v = 0; v < s->vectors; v++)
        copy_pixels(1, v, to, x, p->x_pixel_stride, inside, s);
    copy_zeros(to + inside * VL, s->width - p->left - inside, s);
  }
}

// `down` x ACROSS windows of `taps` x `taps` taps, whose weights are w, from line `first` and pixel `left` on, of one vector. The upper line
// is written last: a line alone is written over the one below it.
INLINE void windows(const int taps, const int down, const int hard_swish, const planes *s, const vf *w, size_t vector,
                    size_t first, size_t left, const zoo_f32_dwplane_params *p) {
  const float *x = s->x + vector * s->plane + first * s->line + left * VL;
  const size_t y_line = p->lines == 1 ? 0 : p->y_line_stride, y_stride = p->y_stride;
  ELEMENT *y = Y(p) + first * y_line + left * y_stride + vector * VL;
  const vmask mask = s->masks[vector];
  vf sums[2][ACROSS];
#pragma clang loop unroll(full)
  for (int r = 0; r < down; r++)
#pragma clang loop unroll(full)
    for (int q = 0; q < ACROSS; q++)
      sums[r][q] = s->bias[vector];
#pragma clang loop unroll(full)
  for (int row = 0; row < down + taps - 1; row++)
#pragma clang loop unroll(full)
    for (int column = 0; column < ACROSS + taps - 1; column++) {
      const vf v = v_load(x + row * s->line + column * VL);
#pragma clang loop unroll(full)
      for (int r = 0; r < down; r++)
#pragma clang loop unroll(full)
        for (int q = 0; q < ACROSS; q++)
          if (row >= r && row < r + taps && column >= q && column < q + taps)
            sums[r][q] = v_fma(v, w[(row - r) * taps + column - q], sums[r][q]);
    }
#pragma clang loop unroll(full)
  for (int r = down - 1; r >= 0; r--)
#pragma clang loop unroll(full)
    for (int q = 0; q < ACROSS; q++) {
      const vf sum = v_clamp(sums[r][q], s->lower, s->upper);
      plane_put(y + r * y_line + q * y_stride, mask, hard_swish ? v_hard_swish_above(sum, s->floor) : sum);
    }
}

// The next of `count` places after `at` where `step` of them begin: the last begin before the end, some a second time.
INLINE size_t after(size_t at, size_t step, size_t count) {
  return at + 2 * step <= count || at + step == count ? at + step : count - step;
}

// `lines`, at least `down`, of output: what all windows need.
INLINE void prepare(const int taps, size_t lines, planes *s, const zoo_f32_dwplane_params *p) {
  s->lower = v_set(p->lower), s->upper = v_set(p->upper);
  s->floor = v_set(p->hard_swish ? 0 : 1);
  s->width = p->pixels + taps - 1;
  s->line = s->width * VL;
  s->plane = (lines + taps - 1) * s->line;
  s->vectors = (p->channels + VL - 1) / VL;
  for (size_t v = 0; v < s->vectors; v++) {
    const size_t channels = p->channels - v * VL;
    s->masks[v] = v_mask(channels < VL ? channels : VL);
    s->bias[v] = p->bias ? v_load_part(p->bias + v * VL, s->masks[v]) : v_set(0);
  }
  copy_lines(taps, lines, s, p);
}

#ifndef ONLY_5X5
// One line of 7 windows at a time, whose 9 weights are soon loaded again: neighbouring channels are written one after the other.
INLINE void planes_3x3(const zoo_f32_dwplane_params *p) {
  planes s;
  prepare(3, p->lines, &s, p);
  for (size_t v = 0; v < s.vectors; v++)
    for (int t = 0; t < 9; t++)
      v_store(s.w[v][t], v_load_part(p->w + t * p->w_stride + v * VL, s.masks[v]));
  for (size_t r = 0; r < p->lines; r++)
    for (size_t q = 0; q < p->pixels; q = after(q, ACROSS, p->pixels))
      for (size_t v = 0; v < s.vectors; v++) {
        vf w[9];
#pragma clang loop unroll(full)
        for (int t = 0; t < 9; t++)
          w[t] = v_load(s.w[v][t]);
        windows(3, 1, 0, &s, w, v, r, q, p);
      }
}
#endif

// DOWN lines of 7 windows: two share more of the image. 25 weights are loaded once.
INLINE void planes_5x5(const zoo_f32_dwplane_params *p) {
  planes s;
  const size_t lines = p->lines < DOWN ? DOWN : p->lines;
  prepare(5, lines, &s, p);
  for (size_t v = 0; v < s.vectors; v++) {
    vf w[25];
#pragma clang loop unroll(full)
    for (int t = 0; t < 25; t++)
      w[t] = v_load_part(p->w + t * p->w_stride + v * VL, s.masks[v]);
    for (size_t r = 0; r < lines; r = after(r, DOWN, lines))
      for (size_t q = 0; q < p->pixels; q = after(q, ACROSS, p->pixels))
        windows(5, DOWN, 1, &s, w, v, r, q, p);
  }
}

static void plane(const zoo_f32_dwplane_params *p) {
#ifndef ONLY_5X5
  if (p->taps == 3)
    return planes_3x3(p);
#endif
  planes_5x5(p);
}
