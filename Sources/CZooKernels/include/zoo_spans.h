// Numbers first..<end that a thread goes through, as one word: others may take some of them while it does, but on CPUs that cannot exchange a
// word in one step (Cortex-M0).
#ifndef ZOO_SPANS_H
#define ZOO_SPANS_H

#include <stdbool.h>
#include <stdint.h>

// Numbers are below this.
#define ZOO_SPAN_END 65536u

// `first` <= `end` < ZOO_SPAN_END.
static inline uint32_t zoo_span(uint32_t first, uint32_t end) { return first | end << 16; }
static inline uint32_t zoo_span_first(uint32_t span) { return span & 0xffffu; }
static inline uint32_t zoo_span_count(uint32_t span) { return (span >> 16) - (span & 0xffffu); }

#if __GCC_ATOMIC_INT_LOCK_FREE == 2
static inline uint32_t zoo_span_load(const uint32_t *span) { return __atomic_load_n(span, __ATOMIC_RELAXED); }
static inline void zoo_span_store(uint32_t *span, uint32_t content) {
  __atomic_store_n(span, content, __ATOMIC_RELAXED);
}
static inline bool zoo_span_exchange(uint32_t *span, uint32_t *expected, uint32_t content) {
  return __atomic_compare_exchange_n(span, expected, content, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

// How many of them others may take; that may change at any time.
static inline uint32_t zoo_span_count_for_others(const uint32_t *span) { return zoo_span_count(zoo_span_load(span)); }
#else
static inline uint32_t zoo_span_load(const uint32_t *span) { return *span; }
static inline void zoo_span_store(uint32_t *span, uint32_t content) { *span = content; }
static inline bool zoo_span_exchange(uint32_t *span, uint32_t *expected, uint32_t content) {
  (void)expected;
  *span = content;
  return true;
}
static inline uint32_t zoo_span_count_for_others(const uint32_t *span) {
  (void)span;
  return 0;
}
#endif

// By the owner of an empty one, which nobody else changes.
static inline void zoo_span_fill(uint32_t *span, uint32_t content) { zoo_span_store(span, content); }

// By the owner: takes the first number; false if there is none.
static inline bool zoo_span_take_first(uint32_t *span, uint32_t *number) {
  uint32_t content = zoo_span_load(span);
  do {
    if (zoo_span_count(content) == 0)
      return false;
  } while (!zoo_span_exchange(span, &content, content + 1));
  *number = zoo_span_first(content);
  return true;
}

// By others: takes the later half of what is left, one more of an odd count; false if nothing is.
static inline bool zoo_span_take_half(uint32_t *span, uint32_t *half) {
  uint32_t content = zoo_span_load(span), middle;
  do {
    if (zoo_span_count(content) == 0)
      return false;
    middle = zoo_span_first(content) + zoo_span_count(content) / 2;
  } while (!zoo_span_exchange(span, &content, zoo_span(zoo_span_first(content), middle)));
  *half = zoo_span(middle, content >> 16);
  return true;
}

#endif
