// bf16_dwconv for avx512bf16: 32 channels at a time.
//
// Of 32 neighbouring channels those of even place make one vector of floats, a shift, and those of odd place another, a mask: one
// instruction for 16 channels, where widening neighbours would take two. Weights are parted likewise, which many pixels share.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#include <simd/bf16.h>
#include <simd/partial.h>

#define CL 32
typedef struct cv {
  vf even, odd;
} cv;
typedef __mmask32 cmask;

INLINE cmask c_mask(size_t n) { return (cmask)(((uint64_t)1 << n) - 1); }
INLINE cv c_set(float x) { return (cv){v_set(x), v_set(x)}; }
INLINE cv c_fma(cv a, cv b, cv c) { return (cv){v_fma(a.even, b.even, c.even), v_fma(a.odd, b.odd, c.odd)}; }
INLINE cv c_clamp(cv x, cv lower, cv upper) {
  return (cv){v_clamp(x.even, lower.even, upper.even), v_clamp(x.odd, lower.odd, upper.odd)};
}
// 0, 2, ... 30: of two vectors side by side.
INLINE __m512i even_places(void) {
  return _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}
INLINE cv c_floats(const float *p, const int partial, cmask mask) {
  const vf low = partial ? v_load_part(p, (vmask)mask) : v_load(p);
  const vf high = partial ? v_load_part(p + VL, (vmask)(mask >> VL)) : v_load(p + VL);
  const __m512i even = even_places();
  return (cv){_mm512_permutex2var_ps(low, even, high),
              _mm512_permutex2var_ps(low, _mm512_or_si512(even, _mm512_set1_epi32(1)), high)};
}
INLINE cv c_take(const uint16_t *p, const int partial, cmask mask) {
  const __m512i pairs = partial ? _mm512_maskz_loadu_epi16(mask, p) : _mm512_loadu_si512(p);
  return (cv){v_half(pairs, 0), v_half(pairs, 1)};
}
INLINE void c_put(uint16_t *y, const int partial, cmask mask, cv x) {
  const __m512i together = v_rounded_pairs(x.even, x.odd);
  if (partial)
    _mm512_mask_storeu_epi16(y, mask, together);
  else
    _mm512_storeu_si512(y, together);
}

#define ELEMENT uint16_t
#define MOST_TAPS 9
#define X(p) ((p)->rounded_x)
#define Y(p) ((p)->rounded_y)
#include <f32_dwconv/packed.h>

void zoo_bf16_dwconv_ukernel__avx512bf16(size_t pixels, const zoo_f32_dwconv_params *params) { dwconv(pixels, params); }

#pragma clang attribute pop
#endif
