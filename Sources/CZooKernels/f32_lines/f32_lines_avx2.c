// f32_lines for avx2: 16 pixels of up to 6 outputs at a time, or 8.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#define VECTORS(most) ((most) <= 6 ? 2 : 1)
INLINE __m256 eighth(vf x, const int i) {
  (void)i;
  return x;
}
// By two stores that overlap: to store by a mask takes AMD's CPUs twelve cycles (Zen 3).
INLINE void store_eighth(float *y, size_t n, __m256 x) {
  if (n > 4) {
    const __m256i lanes = _mm256_add_epi32(_mm256_set1_epi32((int)n - 4), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    _mm_storeu_ps(y, _mm256_castps256_ps128(x));
    _mm_storeu_ps(y + n - 4, _mm256_castps256_ps128(_mm256_permutevar8x32_ps(x, lanes)));
  } else
    v_store_part(y, v_mask(n), x);
}
#include <f32_lines/body.h>

void zoo_f32_lines_ukernel__avx2(size_t count, const zoo_f32_lines_params *params) { lines(count, params); }

#pragma clang attribute pop
#endif
