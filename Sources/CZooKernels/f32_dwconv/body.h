// f32_dwconv for any vector width: a block of channels at a time, the weights of small kernels in registers.
#include <zoo_kernels.h>

// A constant kh x kw of at most 9 taps, with all weights in registers.
INLINE void block(const int kh, const int kw, const int partial, vmask mask, size_t pixels, size_t c,
                  const zoo_f32_dwconv_params *p) {
  vf w[9];
#pragma clang loop unroll(full)
  for (int i = 0; i < kh; i++)
#pragma clang loop unroll(full)
    for (int j = 0; j < kw; j++) {
      const float *from = p->w + i * p->w_row_stride + j * p->w_col_stride + c;
      w[i * kw + j] = partial ? v_load_part(from, mask) : v_load(from);
    }
  const vf lower = v_set(p->lower), upper = v_set(p->upper);
  const vf bias = !p->bias ? v_set(0) : partial ? v_load_part(p->bias + c, mask) : v_load(p->bias + c);
  const float *x = p->x + c;
  float *y = p->y + c;
#pragma clang loop unroll_count(2)
  for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
    vf sum = bias;
#pragma clang loop unroll(full)
    for (int i = 0; i < kh; i++)
#pragma clang loop unroll(full)
      for (int j = 0; j < kw; j++) {
        const float *from = x + i * p->x_row_stride + j * p->x_col_stride;
        sum = v_fma(partial ? v_load_part(from, mask) : v_load(from), w[i * kw + j], sum);
      }
    sum = v_clamp(sum, lower, upper);
    if (partial)
      v_store_part(y, mask, sum);
    else
      v_store(y, sum);
  }
}

// Any kernel: weights are read again for each pixel.
INLINE void block_any(const int partial, vmask mask, size_t pixels, size_t c, const zoo_f32_dwconv_params *p) {
  const vf lower = v_set(p->lower), upper = v_set(p->upper);
  const vf bias = !p->bias ? v_set(0) : partial ? v_load_part(p->bias + c, mask) : v_load(p->bias + c);
  const float *x = p->x + c;
  float *y = p->y + c;
  for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
    vf sum = bias;
    for (size_t i = 0; i < p->kh; i++)
      for (size_t j = 0; j < p->kw; j++) {
        const float *from = x + i * p->x_row_stride + j * p->x_col_stride;
        const float *w = p->w + i * p->w_row_stride + j * p->w_col_stride + c;
        sum = partial ? v_fma(v_load_part(from, mask), v_load_part(w, mask), sum) : v_fma(v_load(from), v_load(w), sum);
      }
    sum = v_clamp(sum, lower, upper);
    if (partial)
      v_store_part(y, mask, sum);
    else
      v_store(y, sum);
  }
}

#define FOR_BLOCKS(full, part)                  \
  for (; c + VL <= p->channels; c += VL)        \
    full;                                       \
  if (c < p->channels) {                        \
    const vmask mask = v_mask(p->channels - c); \
    part;                                       \
  }

INLINE void dwconv(size_t pixels, const zoo_f32_dwconv_params *p) {
  size_t c = 0;
  if (p->kh == 3 && p->kw == 3) {
    FOR_BLOCKS(block(3, 3, 0, v_mask(0), pixels, c, p), block(3, 3, 1, mask, pixels, c, p))
  } else if (p->kh == 2 && p->kw == 3) { // top and bottom rows of a padded 3x3
    FOR_BLOCKS(block(2, 3, 0, v_mask(0), pixels, c, p), block(2, 3, 1, mask, pixels, c, p))
  } else {
    FOR_BLOCKS(block_any(0, v_mask(0), pixels, c, p), block_any(1, mask, pixels, c, p))
  }
}
