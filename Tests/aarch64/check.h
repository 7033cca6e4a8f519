/* What the tests of kernels share: memory before protected pages, noise, and the variants that this processor runs. */
#ifndef CHECK_H
#define CHECK_H
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zoo_kernels.h>

#define MOST_MAPS 256

static struct {
  char *base;
  size_t size;
} maps[MOST_MAPS];
static size_t map_count;

/* Memory of zeros whose last byte is the last before a page that may not be touched. */
static void *guarded(size_t size) {
  const size_t page = (size_t)sysconf(_SC_PAGESIZE), used = (size + page - 1) / page * page;
  char *base = mmap(NULL, used + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED || map_count == MOST_MAPS || mprotect(base + used, page, PROT_NONE))
    exit(printf("no memory\n"));
  maps[map_count].base = base;
  maps[map_count++].size = used + page;
  return base + used - size;
}

static inline void release(void) {
  while (map_count > 0) {
    map_count--;
    munmap(maps[map_count].base, maps[map_count].size);
  }
}

/* Noise: a linear congruential generator, its upper bits. */
static uint64_t noise_state = 1;
static uint32_t bits(void) {
  noise_state = noise_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(noise_state >> 32);
}
static inline int below(int n) { return (int)(bits() % (uint32_t)n); }
static inline int between(int low, int high) { return low + below(high - low + 1); }
/* In -1...1. */
static inline float noise(void) { return (float)((int32_t)bits()) * 0x1p-31f; }
static inline float *noise_floats(size_t count) {
  float *p = guarded(count * sizeof *p);
  for (size_t i = 0; i < count; i++)
    p[i] = noise();
  return p;
}
/* What numbers a case consists of. Sums of products of the largest and the least ones show what saturates. */
typedef enum mixture { ALL = 0, EXTREME, LEAST } mixture;
static inline mixture some_mixture(void) {
  const int n = below(6);
  return n > 2 ? ALL : (mixture)n;
}
static inline int noise_integer(mixture of, int least, int most) {
  return of == ALL ? between(least, most) : of == LEAST || below(8) == 0 ? least : most;
}
static inline int8_t *noise_bytes(size_t count, int least, mixture of) {
  int8_t *p = guarded(count);
  for (size_t i = 0; i < count; i++)
    p[i] = (int8_t)noise_integer(of, least, 127);
  return p;
}
/* Elements of 16 bits, or of 8. */
static inline void *noise_elements(int is_wide, size_t count, mixture of) {
  if (!is_wide)
    return noise_bytes(count, -128, of);
  int16_t *p = guarded(count * sizeof *p);
  for (size_t i = 0; i < count; i++)
    p[i] = (int16_t)noise_integer(of, -32768, 32767);
  return p;
}
static inline int element(int is_wide, const void *p, size_t at) {
  return is_wide ? ((const int16_t *)p)[at] : ((const int8_t *)p)[at];
}

/* min(max(x, lower), upper), and NaN for NaN. */
static inline float clamped(float x, float lower, float upper) { return x < lower ? lower : x > upper ? upper : x; }

/* The last step of integer kernels; NaN gives the lower bound. */
static inline int requantized(float real, float lower, float upper, int zero_point) {
  real = real > lower ? real : lower;
  return (int)rintf(real < upper ? real : upper) + zero_point;
}

static inline int is_same(float a, float b) { return isnan(a) ? isnan(b) : a == b; }

static int failures;
/* One line for each case that fails. */
__attribute__((format(printf, 1, 2))) static void fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  failures++;
  printf("FAILED  ");
  vprintf(format, arguments);
  printf("\n");
  va_end(arguments);
}

/* Whether a variant is of `family` and runs here. */
static inline int is_variant(const zoo_ukernel *kernel, const char *family) {
  return strcmp(kernel->family, family) == 0 && zoo_kernels_supported(kernel->isa);
}

/* Runs `test` for all variants of a family `count` times, and says how many variants there are. */
static inline int each(const char *family, void (*test)(const zoo_ukernel *), int count) {
  size_t all, variants = 0;
  const zoo_ukernel *list = zoo_ukernel_list(&all);
  for (size_t i = 0; i < all; i++) {
    if (!is_variant(&list[i], family))
      continue;
    variants++;
    const int before = failures;
    for (int k = 0; k < count && failures < before + 3; k++, release())
      test(&list[i]);
    printf("%s  %s: %d cases\n", failures == before ? "ok    " : "FAILED", list[i].name, count);
  }
  if (variants == 0)
    fail("%s: no variant runs here", family);
  return failures;
}
#endif
