// The last panel of f32_igemm for AVX-512 where it has at most 8 columns: vectors of 256 bits, which lose no lanes and of
// which every CPU multiplies two in a cycle; of 512 bits some multiply one.

#define NARROW 8

// `rows` rows, a constant after inlining, by `width` columns of the panel `w`, 1...8.
INLINE void narrow_tile(const int rows, size_t width, const float *w, const zoo_f32_igemm_params *p, size_t column) {
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
      a[i] = p->a[t * p->a_tap_stride + i];
    for (size_t k = 0; k < p->kc; k++, w += width) {
      const __m256 b = _mm256_maskz_loadu_ps(mask, w);
#pragma clang loop unroll(full)
      for (int i = 0; i < rows; i++)
        sum[i] = _mm256_fmadd_ps(_mm256_set1_ps(a[i][k]), b, sum[i]);
    }
  }
  const __m256 lower = _mm256_set1_ps(p->lower), upper = _mm256_set1_ps(p->upper);
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
    __m256 y = sum[i];
    if (p->addend)
      y = _mm256_add_ps(y, _mm256_maskz_loadu_ps(mask, p->addend + i * p->addend_stride + column));
    // As v_clamp: a NaN stays one.
    y = _mm256_min_ps(upper, _mm256_max_ps(lower, y));
    _mm256_mask_storeu_ps(p->c + i * p->c_stride + column, mask, y);
  }
}
