// i16_igemm for AVX-512 VNNI: 4 rows by 32 columns: with their two words 24 sums, all in registers.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#define MR 4
#define PANELS 2

// Bytes go to the upper halves of 16-bit lanes; the shift back extends their signs.
INLINE vi w_pair(vi w, const int second) {
  const __m128i places = second ? _mm_setr_epi32(0x03800280, 0x07800680, 0x0b800a80, 0x0f800e80)
                                : _mm_setr_epi32(0x01800080, 0x05800480, 0x09800880, 0x0d800c80);
  return _mm512_srai_epi16(_mm512_shuffle_epi8(w, _mm512_broadcast_i32x4(places)), 8);
}
INLINE vi pair_dot(vi sum, vi x, vi w) { return _mm512_dpwssd_epi32(sum, x, w); }
#include <i16_igemm/body.h>

void zoo_i16_igemm_ukernel_4x32__avx512vnni(size_t m, size_t n, const zoo_integer_igemm_params *params) {
  product(m, n, params);
}

#pragma clang attribute pop
#endif
