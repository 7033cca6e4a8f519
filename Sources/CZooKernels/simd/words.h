// Up to eight bytes of memory as a word, without a loop: by two smaller words that overlap. After INLINE is defined.
#ifndef ZOO_SIMD_WORDS_H
#define ZOO_SIMD_WORDS_H
#include <stddef.h>
#include <stdint.h>

// The first n bytes, n in 1...8; the others are 0.
INLINE uint64_t load_word_part(const void *p, size_t n) {
  const char *const last = (const char *)p + n;
  if (n >= 4) {
    uint32_t low, high;
    __builtin_memcpy(&low, p, 4);
    __builtin_memcpy(&high, last - 4, 4);
    return low | (uint64_t)high << 8 * (n - 4);
  }
  if (n >= 2) {
    uint16_t low, high;
    __builtin_memcpy(&low, p, 2);
    __builtin_memcpy(&high, last - 2, 2);
    return low | (uint64_t)high << 8 * (n - 2);
  }
  return *(const uint8_t *)p;
}

INLINE void store_word_part(void *p, size_t n, uint64_t word) {
  char *const last = (char *)p + n;
  if (n >= 4) {
    const uint32_t low = (uint32_t)word, high = (uint32_t)(word >> 8 * (n - 4));
    __builtin_memcpy(p, &low, 4);
    __builtin_memcpy(last - 4, &high, 4);
  } else if (n >= 2) {
    const uint16_t low = (uint16_t)word, high = (uint16_t)(word >> 8 * (n - 2));
    __builtin_memcpy(p, &low, 2);
    __builtin_memcpy(last - 2, &high, 2);
  } else {
    *(char *)p = (char)word;
  }
}
#endif
