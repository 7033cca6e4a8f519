// Floats rounded to bf16: AVX-512 BF16. After simd/avx512.h.
#ifndef ZOO_SIMD_BF16_H
#define ZOO_SIMD_BF16_H

// To nearest, ties to even; of the part only the lanes of the mask are written.
INLINE void v_store_bf16(uint16_t *p, vf x) { _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh(x)); }
INLINE void v_store_bf16_part(uint16_t *p, vmask m, vf x) {
  _mm256_mask_storeu_epi16(p, m, (__m256i)_mm512_cvtneps_pbh(x));
}

// Of 32 neighbours those of even and those of odd place, rounded and side by side again.
INLINE __m512i v_rounded_pairs(vf even, vf odd) {
  const __m512i apart = (__m512i)_mm512_cvtne2ps_pbh(odd, even); // 16 of even place, 16 of odd
  const __m512i places =
      _mm512_setr_epi32(0x100000, 0x110001, 0x120002, 0x130003, 0x140004, 0x150005, 0x160006, 0x170007, 0x180008,
                        0x190009, 0x1a000a, 0x1b000b, 0x1c000c, 0x1d000d, 0x1e000e, 0x1f000f);
  return _mm512_permutexvar_epi16(places, apart);
}
#endif
