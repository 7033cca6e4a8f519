// Floats rounded to bf16: AVX-512 BF16. After simd/avx512.h.
#ifndef ZOO_SIMD_BF16_H
#define ZOO_SIMD_BF16_H

// To nearest, ties to even; of the part only the lanes of the mask are written.
INLINE void v_store_bf16(uint16_t *p, vf x) { _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh(x)); }
INLINE void v_store_bf16_part(uint16_t *p, vmask m, vf x) {
  _mm256_mask_storeu_epi16(p, m, (__m256i)_mm512_cvtneps_pbh(x));
}
#endif
