// f32_dwconv and bf16_dwconv where pixels lie a multiple of 1 KB apart: they fall on the same few lines of the cache and evict each other.
//
// Windows are copied, 64 channels at a time, to where pixels lie side by side; the copy costs less than a third of what
// it saves. (Zen 4, 14x14x512: 20 GFLOP/s in place, 67 packed; with 576 channels 95 in place.)
#include <f32_dwconv/body.h>

#define PACKED_CHANNELS 64
#define PACKED_TAPS 25
#define PACKED_PIXELS 96 // 24 KB of floats, which stay in L1
#define ALIASING (1024 / sizeof(ELEMENT))

INLINE size_t least(size_t a, size_t b) { return a < b ? a : b; }

// The size of equal parts of `count`, of at most as many windows `step` apart as `room` holds; of one at least.
INLINE size_t part(size_t count, size_t room, size_t taps, size_t step) {
  const size_t most = room > taps ? (room - taps) / step + 1 : 1, parts = (count + most - 1) / most;
  return (count + parts - 1) / parts;
}

INLINE void copy(const ELEMENT *from, size_t from_stride, ELEMENT *to, size_t pixels) {
  for (size_t q = 0; q < pixels; q++, from += from_stride, to += PACKED_CHANNELS)
    __builtin_memcpy(to, from, PACKED_CHANNELS * sizeof(ELEMENT));
}

INLINE int is_better_packed(size_t pixels, const zoo_f32_dwconv_params *p) {
  return p->x_col_stride % ALIASING == 0 && p->channels % PACKED_CHANNELS == 0 && pixels * p->lines > 2 && p->kh <= 5 &&
         p->kw <= 5 && p->x_pixel_stride % p->x_col_stride == 0 && p->x_line_stride % p->x_row_stride == 0;
}

static void packed(size_t pixels, const zoo_f32_dwconv_params *p) {
  _Alignas(64) ELEMENT x[PACKED_PIXELS * PACKED_CHANNELS];
  _Alignas(64) float w[PACKED_TAPS * PACKED_CHANNELS];
  const size_t right = p->x_pixel_stride / p->x_col_stride, down = p->x_line_stride / p->x_row_stride;
  // Three lines share most of their input rows: rather shorter lines than fewer.
  const size_t width = part(pixels, PACKED_PIXELS / (p->kh + least(p->lines - 1, 2) * down), p->kw, right);
  const size_t columns = (width - 1) * right + p->kw;
  const size_t height = part(p->lines, PACKED_PIXELS / columns, p->kh, down);

  zoo_f32_dwconv_params q = *p;
  q.channels = PACKED_CHANNELS;
  X(&q) = x;
  q.x_col_stride = PACKED_CHANNELS;
  q.x_pixel_stride = right * PACKED_CHANNELS;
  q.x_row_stride = columns * PACKED_CHANNELS;
  q.x_line_stride = down * q.x_row_stride;
  q.w = w;
  q.w_col_stride = PACKED_CHANNELS;
  q.w_row_stride = p->kw * PACKED_CHANNELS;
  for (size_t c = 0; c < p->channels; c += PACKED_CHANNELS) {
    for (size_t i = 0; i < p->kh; i++)
      for (size_t j = 0; j < p->kw; j++)
        __builtin_memcpy(w + i * q.w_row_stride + j * PACKED_CHANNELS,
                         p->w + i * p->w_row_stride + j * p->w_col_stride + c, PACKED_CHANNELS * sizeof(float));
    q.bias = p->bias ? p->bias + c : NULL;
    for (size_t top = 0; top < p->lines; top += height)
      for (size_t left = 0; left < pixels; left += width) {
        const size_t count = least(width, pixels - left);
        q.lines = least(height, p->lines - top);
        const ELEMENT *from = X(p) + top * p->x_line_stride + left * p->x_pixel_stride + c;
        for (size_t i = 0; i < (q.lines - 1) * down + p->kh; i++)
          copy(from + i * p->x_row_stride, p->x_col_stride, x + i * q.x_row_stride, (count - 1) * right + p->kw);
        Y(&q) = Y(p) + top * p->y_line_stride + left * p->y_stride + c;
        in_place(count, &q);
      }
  }
}

INLINE void dwconv(size_t pixels, const zoo_f32_dwconv_params *p) {
  if (is_better_packed(pixels, p))
    packed(pixels, p);
  else
    in_place(pixels, p);
}
