// i16_dwconv for neon: 8 channels at a time. Sums of up to 128 products fit 32 bits; the bias joins in 48 bits at the end.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#include <simd/requantize.h>
#include <integer/i16.h>

#define BLOCK 8
#define MOST_TAPS 128

// Four channels: their biases and multipliers.
typedef struct finish {
  vi upper, lower;
  vf multipliers;
} finish;

INLINE finish finish_at(size_t c, const zoo_integer_dwconv_params *p) {
  return (finish){i_load(p->bias[0] + c), i_lower16(i_load(p->bias[1] + c)), v_load(p->multipliers + c)};
}

// The integers for sums of products and a bias in 48 bits.
INLINE vi finished(vi sum, const finish *f, requantization r) {
  const vi lower = i_add(f->lower, i_lower16(sum));
  const vi upper = i_add(i_add(f->upper, i_upper16(sum)), i_upper16(lower));
  return requantize(v_mul(i_wide_float(upper, i_lower16(lower)), f->multipliers), r);
}

INLINE void block(size_t count, const size_t *taps, size_t pixels, size_t c, const zoo_integer_dwconv_params *p) {
  int16x8_t w[MOST_TAPS];
  for (size_t t = 0; t < count; t++)
    w[t] = vmovl_s8(vld1_s8(p->w + t / p->kw * p->w_row_stride + t % p->kw * p->w_col_stride + c));
  const requantization r = make_requantization(p->lower, p->upper, p->y_zero_point);
  const finish first = finish_at(c, p), second = finish_at(c + 4, p);
  for (size_t l = 0; l < p->lines; l++) {
    const int16_t *x = (const int16_t *)p->x + l * p->x_line_stride + c;
    int16_t *y = (int16_t *)p->y + l * p->y_line_stride + c;
    for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
      vi low = i_set(0), high = i_set(0);
      for (size_t t = 0; t < count; t++) {
        const int16x8_t v = vld1q_s16(x + taps[t]);
        low = vmlal_s16(low, vget_low_s16(v), vget_low_s16(w[t]));
        high = vmlal_high_s16(high, v, w[t]);
      }
      i_store16(y, finished(low, &first, r));
      i_store16(y + 4, finished(high, &second, r));
    }
  }
}

#include <integer/dwconv.h>

void zoo_i16_dwconv_ukernel__neon(size_t pixels, const zoo_integer_dwconv_params *p) { by_table(pixels, p); }
#endif
