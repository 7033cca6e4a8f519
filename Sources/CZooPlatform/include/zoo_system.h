// Memory, clock, CPUs and counters of the machine the process runs on.
#ifndef ZOO_SYSTEM_H
#define ZOO_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Least alignment, in bytes, of what zoo_platform_allocate returns: a cache line, and the widest vector.
#define ZOO_PLATFORM_ALIGNMENT 64

// `size` bytes, aligned and zero, of which large ones become resident where they are first written; NULL if there is no memory or `size`
// is 0.
void *zoo_platform_allocate(size_t size);

// Frees what zoo_platform_allocate returned. NULL is welcome.
void zoo_platform_free(void *memory);

// Nanoseconds since an arbitrary moment; never goes back.
uint64_t zoo_platform_nanoseconds(void);

// CPUs this process may run on, as taskset and containers' CPU sets limit them; at least 1.
uint32_t zoo_platform_cpu_count(void);

// Most memory the process ever had resident, in bytes; 0 where the system does not say.
uint64_t zoo_platform_peak_memory(void);

// Adds `delta` to *counter and returns the new value, atomically: releases what the thread did
// before, acquires what others released. For reference counts and flags shared between sessions.
uint32_t zoo_platform_atomic_add(uint32_t *counter, int32_t delta);

#ifdef __cplusplus
}
#endif
#endif
