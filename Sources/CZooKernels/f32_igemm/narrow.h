// The last panel of f32_igemm for AVX-512 where it has at most 8 columns: half of the lanes, or less, of a vector of 512 bits.
#include <f32_igemm/place.h>

#define NARROW 8

// `rows` rows, a constant after inlining, by `width` columns of the panel `w`, 1...8, in vectors of 256 bits: every CPU multiplies two of
// them in a cycle; of 512 bits some multiply one.
INLINE void narrow_tile(const int rows, size_t width, const float *w, place at, const zoo_f32_igemm_params *p,
                        size_t column) {
  const __mmask8 mask = (__mmask8)((1u << width) - 1u);
  const __m256 bias = p->bias ? _mm256_maskz_loadu_ps(mask, p->bias + column) : _mm256_setzero_ps();
  __m256 sum[MR];
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
    sum[i] = bias;
  for (size_t t = 0; t < p->tap_count; t++) {
    const float *a[MR];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      a[i] = at.a[t * p->a_tap_stride + i];
    for (size_t k = 0; k < p->kc; k++, w += width) {
      const __m256 b = _mm256_maskz_loadu_ps(mask, w);
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++)
        sum[i] = _mm256_fmadd_ps(_mm256_set1_ps(a[i][k]), b, sum[i]);
    }
  }
  const __m256 lower = _mm256_set1_ps(p->lower), upper = _mm256_set1_ps(p->upper);
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++, at = below(at, 1, p)) {
    __m256 y = sum[i];
    if (at.addend)
      y = _mm256_add_ps(y, _mm256_maskz_loadu_ps(mask, at.addend + column));
    // As v_clamp: a NaN stays one.
    y = _mm256_min_ps(upper, _mm256_max_ps(lower, y));
    _mm256_mask_storeu_ps(at.c + column, mask, y);
  }
}

// `count` tiles of MR rows by the last 24 columns, from `column` on: a whole panel, and one of 8 columns of which a vector has two rows, so that
// no lane is lost. (24 columns of 144 rows: 144 to 198 GFLOP/s.)
INLINE void seam_tiles(size_t count, place at, const zoo_f32_igemm_params *p, size_t column) {
  const size_t depth = p->tap_count * p->kc;
  const float *const panels = (const float *)p->w + column * depth;
  const vf bias = p->bias ? v_load(p->bias + column) : v_set(0);
  const vf narrow_bias = p->bias ? _mm512_broadcast_f32x8(_mm256_loadu_ps(p->bias + column + VL)) : v_set(0);
  const vf lower = v_set(p->lower), upper = v_set(p->upper);
  for (; count > 0; count--) {
    vf sum[MR], pair[MR / 2]; // rows 2i and 2i + 1
#pragma clang loop unroll(full)
    for (int i = 0; i < MR; i++) {
      sum[i] = bias;
      pair[i / 2] = narrow_bias;
    }
    const float *w = panels, *narrow = panels + VL * depth;
    for (size_t t = 0; t < p->tap_count; t++) {
      const float *a[MR];
#pragma clang loop unroll(full)
      for (int i = 0; i < MR; i++)
        a[i] = at.a[t * p->a_tap_stride + i];
      for (size_t k = 0; k < p->kc; k++, w += VL, narrow += NARROW) {
        const vf b = v_load(w), twice = _mm512_broadcast_f32x8(_mm256_loadu_ps(narrow));
#pragma clang loop unroll(full)
        for (int i = 0; i < MR; i += 2) {
          const vf x = v_broadcast(a[i] + k), y = v_broadcast(a[i + 1] + k);
          sum[i] = v_fma(x, b, sum[i]);
          sum[i + 1] = v_fma(y, b, sum[i + 1]);
          pair[i / 2] = v_fma(_mm512_mask_blend_ps(0xff00, x, y), twice, pair[i / 2]);
        }
      }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < MR; i++, at = below(at, 1, p)) {
      vf y = sum[i];
      __m256 z = i % 2 == 0 ? _mm512_castps512_ps256(pair[i / 2]) : _mm512_extractf32x8_ps(pair[i / 2], 1);
      if (at.addend) {
        y = v_add(y, v_load(at.addend + column));
        z = _mm256_add_ps(z, _mm256_loadu_ps(at.addend + column + VL));
      }
      z = _mm256_min_ps(_mm512_castps512_ps256(upper), _mm256_max_ps(_mm512_castps512_ps256(lower), z));
      v_store(at.c + column, v_clamp(y, lower, upper));
      _mm256_storeu_ps(at.c + column + VL, z);
    }
  }
}
