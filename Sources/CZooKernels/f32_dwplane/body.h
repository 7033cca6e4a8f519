// f32_dwplane and bf16_dwplane for vectors of 16 floats: images are copied with the padding around them.
//
// The including file defines ELEMENT, the type of inputs and outputs, X(p) and Y(p), where they are, and plane_take(p, mask) and
// plane_put(p, mask, y) for the 16 of a pixel.
#include <zoo_kernels.h>

#define TAPS 5
#define DOWN 2   // lines and
#define ACROSS 7 // pixels of output at a time: fewer sums would wait for themselves. (Images of 224 pixels end with 28, 14 and 7.)
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

// `down` x `across` windows, the first one at x, `line` floats from line to line.
INLINE void windows(const int down, const int across, const plane_state *s, const vf *w, const float *x, size_t line,
                    ELEMENT *y, const zoo_f32_dwplane_params *p) {
  vf sums[DOWN][ACROSS];
#pragma clang loop unroll(full)
  for (int r = 0; r < down; r++)
#pragma clang loop unroll(full)
    for (int q = 0; q < across; q++)
      sums[r][q] = s->bias;
#pragma clang loop unroll(full)
  for (int row = 0; row < down + TAPS - 1; row++)
#pragma clang loop unroll(full)
    for (int column = 0; column < across + TAPS - 1; column++) {
      const vf v = v_load(x + row * line + column * VL);
#pragma clang loop unroll(full)
      for (int r = 0; r < down; r++)
#pragma clang loop unroll(full)
        for (int q = 0; q < across; q++)
          if (row >= r && row < r + TAPS && column >= q && column < q + TAPS)
            sums[r][q] = v_fma(v, w[(row - r) * TAPS + column - q], sums[r][q]);
    }
#pragma clang loop unroll(full)
  for (int r = 0; r < down; r++)
#pragma clang loop unroll(full)
    for (int q = 0; q < across; q++) {
      const vf sum = v_clamp(sums[r][q], s->lower, s->upper);
      const vf factor = v_clamp(v_fma(sum, v_set(1.0f / 6.0f), v_set(0.5f)), s->floor, v_set(1.0f));
      plane_put(y + r * p->y_line_stride + q * p->y_stride, s->mask, v_mul(sum, factor));
    }
}

// The last windows of a line are computed together with those before them, some of which have been already.
INLINE void plane_lines(const int down, const plane_state *s, const vf *w, const float *x, ELEMENT *y,
                        const zoo_f32_dwplane_params *p) {
  const size_t line = (p->pixels + TAPS - 1) * VL;
  if (p->pixels < ACROSS) {
    for (size_t q = 0; q < p->pixels; q++)
      windows(down, 1, s, w, x + q * VL, line, y + q * p->y_stride, p);
    return;
  }
  for (size_t q = 0;; q = q + 2 * ACROSS <= p->pixels ? q + ACROSS : p->pixels - ACROSS) {
    windows(down, ACROSS, s, w, x + q * VL, line, y + q * p->y_stride, p);
    if (q + ACROSS == p->pixels)
      return;
  }
}

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
  // Even parts, which share the fewest lines.
  const size_t parts = (p->lines + room - 1) / room, each = ((p->lines + parts - 1) / parts + 1) / 2 * 2;
  for (size_t first = 0, lines; first < p->lines; first += lines) {
    lines = each < p->lines - first && each <= room ? each : p->lines - first < room ? p->lines - first : room;
    copy_plane(copy, first, lines, s.mask, p);
    ELEMENT *y = Y(p) + first * p->y_line_stride;
    size_t r = 0;
    for (; r + DOWN <= lines; r += DOWN)
      plane_lines(DOWN, &s, w, copy + r * width * VL, y + r * p->y_line_stride, p);
    if (r < lines)
      plane_lines(1, &s, w, copy + r * width * VL, y + r * p->y_line_stride, p);
  }
}
