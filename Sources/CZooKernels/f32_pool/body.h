// f32_pool for any vector width: a block of channels at a time.
#include <simd/partial.h>
#include <zoo_kernels.h>

INLINE void block(const zoo_f32_pool_kind kind, const int partial, vmask mask, size_t pixels, size_t c,
                  const zoo_f32_pool_params *p) {
  const vf lower = v_set(p->lower), upper = v_set(p->upper), scale = v_set(p->scale);
  const float *x = p->x + c;
  float *y = p->y + c;
  for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
    vf result = kind == ZOO_POOL_SUM ? v_set(0) : take(x, partial, mask);
    for (size_t i = 0; i < p->kh; i++)
      for (size_t j = 0; j < p->kw; j++) {
        const float *from = x + i * p->x_row_stride + j * p->x_col_stride;
        const vf value = take(from, partial, mask);
        result = kind == ZOO_POOL_MAX   ? v_max(value, result)
                 : kind == ZOO_POOL_MIN ? v_min(value, result)
                                        : v_add(value, result);
      }
    put(y, partial, mask, v_clamp(v_mul(result, scale), lower, upper));
  }
}

INLINE void pool_kind(const zoo_f32_pool_kind kind, size_t pixels, const zoo_f32_pool_params *p) {
  size_t c = 0;
  for (; c + VL <= p->channels; c += VL)
    block(kind, 0, v_mask(0), pixels, c, p);
  if (c < p->channels)
    block(kind, 1, v_mask(p->channels - c), pixels, c, p);
}

INLINE void pool(size_t pixels, const zoo_f32_pool_params *p) {
  switch (p->kind) {
  case ZOO_POOL_MAX:
    pool_kind(ZOO_POOL_MAX, pixels, p);
    break;
  case ZOO_POOL_MIN:
    pool_kind(ZOO_POOL_MIN, pixels, p);
    break;
  case ZOO_POOL_SUM:
    pool_kind(ZOO_POOL_SUM, pixels, p);
    break;
  default:
    break;
  }
}
