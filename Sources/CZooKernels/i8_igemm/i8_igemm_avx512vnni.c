// i8_igemm for AVX-512 VNNI: 6 rows by 64 columns.
//
// dpbusd multiplies unsigned by signed bytes, so inputs are read as x + 128: the sign bit flipped.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#define MR 6
#define PANELS 4
#define Q_BIAS 1
#define QX __m512i

// The sign bits; hidden from the compiler, which would otherwise turn them in a general register for each broadcast.
INLINE QX q_state(void) {
  QX signs = _mm512_set1_epi8((char)0x80);
  __asm__("" : "+v"(signs));
  return signs;
}
INLINE QX q_input(QX signs, int32_t bits) { return _mm512_xor_si512(_mm512_set1_epi32(bits), signs); }
INLINE vi q_dot(vi sum, QX x, __m512i w) { return _mm512_dpbusd_epi32(sum, x, w); }
#include <simd/requantize512.h>

#include <i8_igemm/body.h>

void zoo_i8_igemm_ukernel_6x64__avx512vnni(size_t m, size_t n, const zoo_integer_igemm_params *params) {
  product(m, n, params);
}

#pragma clang attribute pop
#endif
