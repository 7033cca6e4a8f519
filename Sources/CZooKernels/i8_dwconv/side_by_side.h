// Pixels without gaps between them look like channels: as many of them as fill `LANES` are done at once, the weights
// repeated for each. Included after `blocks`, which does one rectangle.
#include <zoo_kernels.h>

INLINE int is_better_side_by_side(size_t pixels, const zoo_integer_dwconv_params *p) {
  return 2 * p->channels <= LANES && pixels > 1 && p->x_pixel_stride == p->channels && p->y_stride == p->channels &&
         p->kh * p->kw <= MOST_TAPS;
}

static void side_by_side(size_t pixels, const zoo_integer_dwconv_params *p) {
  const size_t fitting = LANES / p->channels, group = fitting < pixels ? fitting : pixels;
  int8_t w[MOST_TAPS * LANES];
  int32_t bias[LANES];
  float multipliers[LANES];
  for (size_t g = 0; g < group; g++) {
    const size_t to = g * p->channels;
    __builtin_memcpy(bias + to, p->bias[0], p->channels * sizeof *bias);
    __builtin_memcpy(multipliers + to, p->multipliers, p->channels * sizeof *multipliers);
    for (size_t i = 0; i < p->kh; i++)
      for (size_t j = 0; j < p->kw; j++)
        __builtin_memcpy(w + (i * p->kw + j) * LANES + to, p->w + i * p->w_row_stride + j * p->w_col_stride,
                         p->channels);
  }
  zoo_integer_dwconv_params wide = *p;
  wide.w = w;
  wide.w_row_stride = p->kw * LANES;
  wide.w_col_stride = LANES;
  wide.bias[0] = bias;
  wide.multipliers = multipliers;
  wide.channels = wide.x_pixel_stride = wide.y_stride = group * p->channels;
  blocks(pixels / group, &wide);
  const size_t rest = pixels % group, done = (pixels - rest) * p->channels;
  wide.channels = rest * p->channels;
  wide.x = (const int8_t *)wide.x + done;
  wide.y = (int8_t *)wide.y + done;
  if (rest)
    blocks(1, &wide);
}
