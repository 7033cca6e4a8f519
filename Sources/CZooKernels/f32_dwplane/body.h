// f32_dwplane and bf16_dwplane for vectors of 16 floats: images are copied with the padding around them.
//
// The including file defines ELEMENT, the type of inputs and outputs, X(p) and Y(p), where they are, and plane_take(p, mask) and
// plane_put(p, mask, y) for the 16 of a pixel.
#include <simd/hard_swish.h>
#include <zoo_kernels.h>

#define TAPS 5
// Lines and pixels of output at a time: fewer sums would wait for themselves. (Images of 224 pixels end with 28, 14 and 7.)
#define DOWN 2
#define ACROSS ZOO_PLANE_LEAST
#define COPIED (24 << 10)

// The lines of a copy that the windows of `lines` lines of output reach, from line `first` of output on.
static void copy_plane(float *to, size_t first, size_t lines, vmask mask, const zoo_f32_dwplane_params *p) {
  const vf zero = v_set(0);
  const size_t width = p->pixels + TAPS - 1;
  for (size_t i = 0; i < lines + TAPS - 1; i++) {
    const size_t row = first + i - p->top; // wraps around above the image
    if (row >= p->height) {
      for (size_t q = 0; q < width; q++, to += VL)
        v_store(to, zero);
      continue;
    }
    const ELEMENT *x = X(p) + row * p->x_line_stride;
    for (size_t q = 0; q < p->left; q++, to += VL)
      v_store(to, zero);
    const size_t inside = p->width < width - p->left ? p->width : width - p->left;
    for (size_t q = 0; q < inside; q++, to += VL, x += p->x_pixel_stride)
      v_store(to, plane_take(x, mask));
    for (size_t q = p->left + inside; q < width; q++, to += VL)
      v_store(to, zero);
  }
}

typedef struct plane_state {
  vf bias, lower, upper, floor;
  vmask mask;
} plane_state;

// DOWN x ACROSS windows, the first one at x, `line` floats from line to line. The upper line of output is written last.
INLINE void windows(const plane_state *s, const vf *w, const float *x, size_t line, ELEMENT *y, size_t y_line,
                    size_t y_stride) {
  vf sums[DOWN][ACROSS];
#pragma clang loop unroll(full)
  for (int r = 0; r < DOWN; r++)
#pragma clang loop unroll(full)
    for (int q = 0; q < ACROSS; q++)
      sums[r][q] = s->bias;
#pragma clang loop unroll(full)
  for (int row = 0; row < DOWN + TAPS - 1; row++)
#pragma clang loop unroll(full)
    for (int column = 0; column < ACROSS + TAPS - 1; column++) {
      const vf v = v_load(x + row * line + column * VL);
#pragma clang loop unroll(full)
      for (int r = 0; r < DOWN; r++)
#pragma clang loop unroll(full)
        for (int q = 0; q < ACROSS; q++)
          if (row >= r && row < r + TAPS && column >= q && column < q + TAPS)
            sums[r][q] = v_fma(v, w[(row - r) * TAPS + column - q], sums[r][q]);
    }
#pragma clang loop unroll(full)
  for (int r = DOWN - 1; r >= 0; r--)
#pragma clang loop unroll(full)
    for (int q = 0; q < ACROSS; q++) {
      const vf sum = v_clamp(sums[r][q], s->lower, s->upper);
      plane_put(y + r * y_line + q * y_stride, s->mask, v_hard_swish_above(sum, s->floor));
    }
}

// The last windows, of a line as of a column, are computed together with those before them, some of which have been already.
INLINE void plane(const zoo_f32_dwplane_params *p) {
  _Alignas(64) float copy[COPIED / sizeof(float)];
  const size_t width = p->pixels + TAPS - 1, room = COPIED / sizeof(float) / VL / width - (TAPS - 1);
  plane_state s = {.lower = v_set(p->lower), .upper = v_set(p->upper), .mask = v_mask(p->channels)};
  s.floor = v_set(p->hard_swish ? 0 : 1); // of the factor
  s.bias = p->bias ? v_load_part(p->bias, s.mask) : v_set(0);
  vf w[TAPS * TAPS];
#pragma clang loop unroll(full)
  for (int t = 0; t < TAPS * TAPS; t++)
    w[t] = v_load_part(p->w + t * p->w_stride, s.mask);
  // Equal parts share the fewest lines. A line alone is written over the one below it.
  const size_t parts = (p->lines + room - 1) / room;
  const size_t y_line = p->lines == 1 ? 0 : p->y_line_stride, all = p->lines == 1 ? DOWN : p->lines;
  for (size_t part = 0; part < parts; part++) {
    const size_t end = all * (part + 1) / parts, begin = all * part / parts, lines = end - begin;
    copy_plane(copy, begin, lines, s.mask, p);
    for (size_t r = 0; r < lines; r = r + 2 * DOWN <= lines || r + DOWN == lines ? r + DOWN : lines - DOWN)
      for (size_t q = 0; q < p->pixels;
           q = q + 2 * ACROSS <= p->pixels || q + ACROSS == p->pixels ? q + ACROSS : p->pixels - ACROSS)
        windows(&s, w, copy + (r * width + q) * VL, width * VL, Y(p) + (begin + r) * y_line + q * p->y_stride, y_line,
                p->y_stride);
  }
}
