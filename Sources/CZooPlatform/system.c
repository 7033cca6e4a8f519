// Memory, clock, CPUs and counters of the machine the process runs on.
#define _GNU_SOURCE // sched_getaffinity and its sets
#include "zoo_system.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif

// calloc, since memory fresh from the system is zero and takes no page until it is used. The address that free wants stands before the block.
// Large blocks ask for large pages where the system leaves that to programs: one fault instead of 512.
void *zoo_platform_allocate(size_t size) {
  const size_t huge_page = (size_t)2 << 20, alignment = size < huge_page ? ZOO_PLATFORM_ALIGNMENT : huge_page;
  if (size == 0 || size > PTRDIFF_MAX - 2 * huge_page)
    return NULL;
  char *start = calloc(1, size + alignment + sizeof start);
  if (!start)
    return NULL;
  char *memory = start + sizeof start;
  memory += -(uintptr_t)memory % alignment;
  memcpy(memory - sizeof start, &start, sizeof start);
#if defined(MADV_HUGEPAGE)
  if (size >= huge_page)
    madvise(memory, size / huge_page * huge_page, MADV_HUGEPAGE);
#endif
  return memory;
}

void zoo_platform_free(void *memory) {
  if (!memory)
    return;
  void *start;
  memcpy(&start, (char *)memory - sizeof start, sizeof start);
  free(start);
}

uint64_t zoo_platform_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

#if defined(__linux__)
// The kernel refuses a set smaller than its own, whose size it does not tell: grow until it fits.
static int allowed_cpu_count(void) {
  for (int capacity = 1024; capacity <= 1 << 20; capacity *= 4) {
    cpu_set_t *set = CPU_ALLOC(capacity);
    if (!set)
      return 0;
    size_t size = CPU_ALLOC_SIZE(capacity);
    CPU_ZERO_S(size, set);
    int count = sched_getaffinity(0, size, set) == 0 ? CPU_COUNT_S(size, set) : 0;
    CPU_FREE(set);
    if (count > 0)
      return count;
  }
  return 0;
}
#else
static int allowed_cpu_count(void) { return 0; }
#endif

uint32_t zoo_platform_cpu_count(void) {
  int allowed = allowed_cpu_count();
  if (allowed > 0)
    return (uint32_t)allowed;
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  return online > 0 ? (uint32_t)online : 1;
}

uint64_t zoo_platform_peak_memory(void) {
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage) != 0)
    return 0;
#if defined(__APPLE__)
  return (uint64_t)usage.ru_maxrss; // bytes there, kibibytes elsewhere
#else
  return (uint64_t)usage.ru_maxrss * 1024u;
#endif
}

uint32_t zoo_platform_atomic_add(uint32_t *counter, int32_t delta) {
  return __atomic_add_fetch(counter, (uint32_t)delta, __ATOMIC_ACQ_REL);
}
