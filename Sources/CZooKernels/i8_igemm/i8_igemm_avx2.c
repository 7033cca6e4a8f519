// i8_igemm for avx2: 4 rows by 16 columns.
//
// maddubs multiplies unsigned by signed bytes and adds pairs in 16 bits. |x| times w with the sign of x is x w, and since
// weights are at least -127 a pair stays within 2 * 128 * 127 = 32512: nothing saturates.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#include <simd/requantize256.h>
#define MR 4
#define PANELS 1
#define WIDE 4
#define Q_BIAS 0
#define QX __m256i

INLINE QX q_state(void) { return _mm256_setzero_si256(); }
INLINE QX q_input(QX state, int32_t bits) {
  (void)state;
  return _mm256_set1_epi32(bits);
}
INLINE vi q_dot(vi sum, QX x, __m256i w) {
  const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(w, x));
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}
#include <i8_igemm/body.h>

void zoo_i8_igemm_ukernel_4x16__avx2(size_t m, size_t n, const zoo_integer_igemm_params *params) {
  product(m, n, params);
}

#pragma clang attribute pop
#endif
