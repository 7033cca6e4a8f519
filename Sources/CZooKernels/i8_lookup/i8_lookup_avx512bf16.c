// i8_lookup for CPUs with VBMI, as those with products of bf16 are taken to be (cpu.c): half of the table answers in one instruction.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512vbmi"))), apply_to = function)
#include <immintrin.h>

#define WIDTH 64

void zoo_i8_lookup_ukernel__avx512bf16(size_t count, const int8_t *table, const int8_t *x, int8_t *y) {
  __m512i part[4];
  for (int k = 0; k < 4; k++)
    part[k] = _mm512_loadu_si512(table + WIDTH * k);
  for (size_t i = 0; i < count; i += WIDTH) {
    const size_t rest = count - i;
    const __mmask64 mask = rest < WIDTH ? ((__mmask64)1 << rest) - 1 : ~(__mmask64)0;
    const __m512i value = _mm512_maskz_loadu_epi8(mask, x + i);
    const __m512i lower = _mm512_permutex2var_epi8(part[0], value, part[1]);
    const __m512i upper = _mm512_permutex2var_epi8(part[2], value, part[3]);
    _mm512_mask_storeu_epi8(y + i, mask, _mm512_mask_blend_epi8(_mm512_movepi8_mask(value), lower, upper));
  }
}

#pragma clang attribute pop
#endif
