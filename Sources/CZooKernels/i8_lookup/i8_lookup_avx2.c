// i8_lookup for avx2: 16 answers at a time by the lower half of each byte, of which the bits of the upper half choose one.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#include <immintrin.h>

#define WIDTH 32
#define SIXTEENTHS 16

void zoo_i8_lookup_ukernel__avx2(size_t count, const int8_t *table, const int8_t *x, int8_t *y) {
  size_t i = 0;
  for (; i + WIDTH <= count; i += WIDTH) {
    const __m256i value = _mm256_loadu_si256((const __m256i *)(x + i));
    const __m256i place = _mm256_and_si256(value, _mm256_set1_epi8(15));
    __m256i answer[SIXTEENTHS];
#pragma clang loop unroll(full)
    for (int k = 0; k < SIXTEENTHS; k++)
      answer[k] =
          _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(table + 16 * k))), place);
      // A blend looks at the top bit of each byte: bits 4, 5, 6 and 7 come there one after the other.
#pragma clang loop unroll(full)
    for (int bit = 4; bit < 8; bit++) {
      const __m256i chooser = _mm256_slli_epi16(value, 7 - bit);
#pragma clang loop unroll(full)
      for (int k = 0; k < SIXTEENTHS >> (bit - 3); k++)
        answer[k] = _mm256_blendv_epi8(answer[2 * k], answer[2 * k + 1], chooser);
    }
    _mm256_storeu_si256((__m256i *)(y + i), answer[0]);
  }
  for (; i < count; i++)
    y[i] = table[(uint8_t)x[i]];
}

#pragma clang attribute pop
#endif
