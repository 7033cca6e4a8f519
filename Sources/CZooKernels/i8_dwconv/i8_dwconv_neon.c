// i8_dwconv for neon: 8 channels at a time, taps in pairs.
//
// The products of two taps are added in 16 bits, which hold them: weights are at least -127, so that a pair stays within
// 2 * 128 * 127 = 32512. The zero point is taken off once: sum of (x - zero) w = sum of x w - zero sum of w.
#include <zoo_kernels.h>
#if ZOO_AARCH64
#include <simd/neon.h>
#include <simd/requantize.h>
#include <integer/i8.h>

#define LANES 16
#define BLOCK 8
#define MOST_TAPS 128

// Eight channels of 32 bits.
typedef struct sums {
  vi low, high;
} sums;

INLINE sums add(sums sum, int16x8_t x) {
  return (sums){vaddw_s16(sum.low, vget_low_s16(x)), vaddw_high_s16(sum.high, x)};
}

INLINE void block(size_t count, const size_t *taps, size_t pixels, size_t c, const zoo_integer_dwconv_params *p) {
  int8x8_t w[MOST_TAPS];
  sums bias = {i_load(p->bias[0] + c), i_load(p->bias[0] + c + 4)}, weight_sum = {i_set(0), i_set(0)};
  for (size_t t = 0; t < count; t++) {
    w[t] = vld1_s8(p->w + t / p->kw * p->w_row_stride + t % p->kw * p->w_col_stride + c);
    weight_sum = add(weight_sum, vmovl_s8(w[t]));
  }
  bias.low = vmlsq_n_s32(bias.low, weight_sum.low, p->x_zero_point);
  bias.high = vmlsq_n_s32(bias.high, weight_sum.high, p->x_zero_point);
  const requantization r = make_requantization(p->lower, p->upper, p->y_zero_point);
  const vf multipliers = v_load(p->multipliers + c), more_multipliers = v_load(p->multipliers + c + 4);
  for (size_t l = 0; l < p->lines; l++) {
    const int8_t *x = (const int8_t *)p->x + l * p->x_line_stride + c;
    int8_t *y = (int8_t *)p->y + l * p->y_line_stride + c;
    for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
      sums sum = bias;
      size_t t = 0;
      for (; t + 2 <= count; t += 2) {
        const int16x8_t first = vmull_s8(vld1_s8(x + taps[t]), w[t]);
        sum = add(sum, vmlal_s8(first, vld1_s8(x + taps[t + 1]), w[t + 1]));
      }
      if (t < count)
        sum = add(sum, vmull_s8(vld1_s8(x + taps[t]), w[t]));
      i_store8(y, requantize(v_mul(i_float(sum.low), multipliers), r));
      i_store8(y + 4, requantize(v_mul(i_float(sum.high), more_multipliers), r));
    }
  }
}

#include <integer/dwconv.h>

static void blocks(size_t pixels, const zoo_integer_dwconv_params *p) { by_table(pixels, p); }

#include <i8_dwconv/side_by_side.h>

void zoo_i8_dwconv_ukernel__neon(size_t pixels, const zoo_integer_dwconv_params *p) {
  if (is_better_side_by_side(pixels, p))
    side_by_side(pixels, p);
  else
    blocks(pixels, p);
}
#endif
