// i16_igemm for avx2: 4 rows by 16 columns.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#define MR 4
#define PANELS 1

// Bytes go to the upper halves of 16-bit lanes; the shift back extends their signs.
INLINE vi w_pair(vi w, const int second) {
  const __m128i places = second ? _mm_setr_epi32(0x03800280, 0x07800680, 0x0b800a80, 0x0f800e80)
                                : _mm_setr_epi32(0x01800080, 0x05800480, 0x09800880, 0x0d800c80);
  return _mm256_srai_epi16(_mm256_shuffle_epi8(w, _mm256_broadcastsi128_si256(places)), 8);
}
INLINE vi pair_dot(vi sum, vi x, vi w) { return _mm256_add_epi32(sum, _mm256_madd_epi16(x, w)); }
#include <i16_igemm/body.h>

void zoo_i16_igemm_ukernel_4x16__avx2(size_t m, size_t n, const zoo_integer_igemm_params *params) {
  product(m, n, params);
}

#pragma clang attribute pop
#endif
