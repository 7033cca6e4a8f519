// A word that says who works in a piece of scratch memory: taken by one thread at a time.
#ifndef ZOO_SLOTS_H
#define ZOO_SLOTS_H

#include <stdint.h>

#define ZOO_SLOT_TAKEN UINT32_MAX

// What the slot says.
static inline uint32_t zoo_slot_content(const uint32_t *slot) { return __atomic_load_n(slot, __ATOMIC_RELAXED); }

// Takes the slot and returns what it said; ZOO_SLOT_TAKEN if somebody else has it.
static inline uint32_t zoo_slot_take(uint32_t *slot) {
  return __atomic_exchange_n(slot, ZOO_SLOT_TAKEN, __ATOMIC_ACQUIRE);
}

// Leaves it with what was written in its memory.
static inline void zoo_slot_give_back(uint32_t *slot, uint32_t content) {
  __atomic_store_n(slot, content, __ATOMIC_RELEASE);
}

#endif
