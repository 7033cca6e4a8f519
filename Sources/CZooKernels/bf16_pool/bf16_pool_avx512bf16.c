// bf16_pool for avx512bf16.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#include <simd/bf16.h>

#define ELEMENT uint16_t
#define X(p) ((p)->rounded_x)
#define x_take(p, partial, mask) v_load_bf16_part(p, mask, 0)
// Floats where the layer after reads floats.
INLINE void y_put(size_t at, const int partial, vmask mask, vf y, const zoo_f32_pool_params *p) {
  (void)partial;
  if (p->rounded_y)
    v_store_bf16_part(p->rounded_y + at, mask, y);
  else
    v_store_part(p->y + at, mask, y);
}
#include <f32_pool/body.h>

// Extremes are numbers of bf16 already: of 32 channels those of even and of odd place by themselves, a shift and a mask.
INLINE vf extreme(const int is_max, vf value, vf result) {
  return is_max ? v_max(value, result) : v_min(value, result);
}

// `vectors` vectors of 32 channels from c on, those in the mask, for all pixels.
INLINE void extreme_block(const int is_max, const int vectors, __mmask32 mask, size_t pixels, size_t line, size_t c,
                          const zoo_f32_pool_params *p) {
  const vf lower = v_set(p->lower), upper = v_set(p->upper);
  const uint16_t *x = p->rounded_x + line * p->x_line_stride + c;
  uint16_t *y = p->rounded_y + line * p->y_line_stride + c;
  for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
    vf even[2], odd[2];
    for (int v = 0; v < vectors; v++) {
      const vi pairs = _mm512_maskz_loadu_epi16(mask, x + 32 * v);
      even[v] = v_half(pairs, 0);
      odd[v] = v_half(pairs, 1);
    }
    for (size_t i = 0; i < p->kh; i++)
      for (size_t j = 0; j < p->kw; j++)
        for (int v = 0; v < vectors; v++) {
          const vi pairs = _mm512_maskz_loadu_epi16(mask, x + i * p->x_row_stride + j * p->x_col_stride + 32 * v);
          even[v] = extreme(is_max, v_half(pairs, 0), even[v]);
          odd[v] = extreme(is_max, v_half(pairs, 1), odd[v]);
        }
    for (int v = 0; v < vectors; v++) // bounds may have more digits than bf16
      _mm512_mask_storeu_epi16(y + 32 * v, mask,
                               v_rounded_pairs(v_clamp(even[v], lower, upper), v_clamp(odd[v], lower, upper)));
  }
}

INLINE void extremes(const int is_max, size_t pixels, const zoo_f32_pool_params *p) {
  for (size_t line = 0; line < p->lines; line++) {
    size_t c = 0;
    for (; c + 64 <= p->channels; c += 64)
      extreme_block(is_max, 2, ~(__mmask32)0, pixels, line, c, p);
    for (; c < p->channels; c += 32) {
      const size_t rest = p->channels - c;
      extreme_block(is_max, 1, rest < 32 ? ((__mmask32)1 << rest) - 1 : ~(__mmask32)0, pixels, line, c, p);
    }
  }
}

void zoo_bf16_pool_ukernel__avx512bf16(size_t pixels, const zoo_f32_pool_params *params) {
  if (params->kind == ZOO_POOL_SUM || !params->rounded_y)
    pool(pixels, params);
  else if (params->kind == ZOO_POOL_MAX)
    extremes(1, pixels, params);
  else
    extremes(0, pixels, params);
}

#pragma clang attribute pop
#endif
