// SIMD microkernels: the contract every variant keeps, and how one is chosen.
//
// Names are grammar: zoo_<type>_<family>_ukernel_<tile>__<isa>. Each family has one list,
// <type>_<family>/<type>_<family>.inc, whose rows declare, select and publish its variants (so tests
// and benchmarks follow from it): add a variant = one C file and one row.
//
// Rules for all kernels: no libc but memcpy/memset, no allocation, no global mutable state; unaligned
// pointers welcome; never read or write outside the stated elements (tails are handled inside, by
// masks); results do not depend on how a caller splits m or the pixel count between calls.
//
// The scalar meaning of each family is portable Swift in Sources/Zoo: a NULL entry in the table
// below says "use that".
#ifndef ZOO_KERNELS_H
#define ZOO_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zoo_float_kernels.h"
#include "zoo_integer_kernels.h"

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__x86_64__) && defined(__linux__)
#define ZOO_X86_64 1
#endif
#if defined(__aarch64__) && defined(__AARCH64EL__) && defined(__ARM_NEON)
#define ZOO_AARCH64 1
#endif

// Instruction-set families in the order of preference. Numbers equal `zoo_isa` of zoo.h.
enum {
  ZOO_KERNELS_SCALAR = 1,
  ZOO_KERNELS_AVX2 = 2,
  ZOO_KERNELS_AVX512 = 3,
  ZOO_KERNELS_AVX512VNNI = 4,
  ZOO_KERNELS_AVX512BF16 = 5,
  ZOO_KERNELS_AMX = 6,
  ZOO_KERNELS_NEON = 16, // AArch64, from here on
  ZOO_KERNELS_NEONDOT = 17,
};

// Width of one packed panel of output channels, for every type and ISA (see zoo/FORMAT.md).
#define ZOO_PANEL_WIDTH 16

// Pointer tables may point here for padding pixels: zeros, never written.
#define ZOO_ZERO_ROW_COUNT 8192
extern const float zoo_f32_zero_row[ZOO_ZERO_ROW_COUNT];

// The same as a pointer; NULL where only portable kernels are built, which need no such row.
static inline const float *zoo_f32_zero_row_address(void) {
#if ZOO_X86_64 || ZOO_AARCH64
  return zoo_f32_zero_row;
#else
  return NULL;
#endif
}

// Memory of `zoo_with_memory`.
#define ZOO_MEMORY_BYTES 32768
#define ZOO_MEMORY_POINTERS 1024

// Copies `bytes` bytes: mostly short runs of one length again and again, where a call of memcpy would cost more than it moves.
// Overlapping copies of a fixed size, so that nothing outside is touched.
static inline void zoo_copy_run(char *to, const char *from, size_t bytes) {
  if (bytes >= 256) {
    __builtin_memcpy(to, from, bytes);
  } else if (bytes >= 16) {
    size_t at = 0;
    for (; at + 16 <= bytes; at += 16)
      __builtin_memcpy(to + at, from + at, 16);
    if (at < bytes)
      __builtin_memcpy(to + bytes - 16, from + bytes - 16, 16);
  } else if (bytes >= 8) {
    __builtin_memcpy(to, from, 8);
    __builtin_memcpy(to + bytes - 8, from + bytes - 8, 8);
  } else if (bytes >= 4) {
    __builtin_memcpy(to, from, 4);
    __builtin_memcpy(to + bytes - 4, from + bytes - 4, 4);
  } else {
    for (size_t k = 0; k < bytes; k++)
      to[k] = from[k];
  }
}

// `bytes` bytes of one value, short runs as above.
static inline void zoo_fill_run(char *to, char value, size_t bytes) {
  if (bytes >= 16) {
    for (size_t at = 0; at + 16 <= bytes; at += 16)
      __builtin_memset(to + at, value, 16);
    __builtin_memset(to + bytes - 16, value, 16);
  } else {
    for (size_t k = 0; k < bytes; k++)
      to[k] = value;
  }
}

// Calls `run` with memory that nothing has been written to, which costs nothing: clearing it would take longer than some layers.
static inline void zoo_with_memory(void *context, void (*run)(void *context, void *bytes, const void **pointers)) {
  char bytes[ZOO_MEMORY_BYTES] __attribute__((aligned(64)));
  const void *pointers[ZOO_MEMORY_POINTERS];
  run(context, bytes, pointers);
}

// Addresses `step` bytes apart.
static inline void zoo_fill_addresses(const void **to, const char *from, ptrdiff_t step, size_t count) {
  for (size_t k = 0; k < count; k++)
    to[k] = from + (ptrdiff_t)k * step;
}

// The windows of `pixels` neighbouring outputs, each of `lines` runs of `run_bytes`, one window after the other. Runs of at most
// `whole` bytes, a constant, are copied with what follows them, which the next one overwrites, as long as windows follow that
// reach as far.
static inline void zoo_gather_by(const size_t whole, char *to, size_t window_bytes, const char *from,
                                 size_t pixel_bytes, size_t pixels, size_t lines, size_t line_bytes, size_t run_bytes) {
  size_t p = 0;
  if (run_bytes <= whole)
    for (const size_t spare = (whole - run_bytes + pixel_bytes - 1) / pixel_bytes; p + spare < pixels;
         p++, to += window_bytes, from += pixel_bytes)
      for (size_t i = 0; i < lines; i++)
        __builtin_memcpy(to + i * run_bytes, from + i * line_bytes, whole);
  for (; p < pixels; p++, to += window_bytes, from += pixel_bytes)
    for (size_t i = 0; i < lines; i++)
      zoo_copy_run(to + i * run_bytes, from + i * line_bytes, run_bytes);
}

static inline void zoo_gather(char *to, size_t window_bytes, const char *from, size_t pixel_bytes, size_t pixels,
                              size_t lines, size_t line_bytes, size_t run_bytes) {
  if (run_bytes <= 8)
    zoo_gather_by(8, to, window_bytes, from, pixel_bytes, pixels, lines, line_bytes, run_bytes);
  else if (run_bytes <= 16)
    zoo_gather_by(16, to, window_bytes, from, pixel_bytes, pixels, lines, line_bytes, run_bytes);
  else if (run_bytes > 32) // 7 x 3 numbers of bf16 are 42
    zoo_gather_by(48, to, window_bytes, from, pixel_bytes, pixels, lines, line_bytes, run_bytes);
  else
    zoo_gather_by(32, to, window_bytes, from, pixel_bytes, pixels, lines, line_bytes, run_bytes);
}

// --- the table -------------------------------------------------------------------------------------

// One choice per family. NULL members mean the portable Swift kernel.
typedef struct zoo_kernels {
  uint32_t isa;
  bool has_wide_fma; // zoo_has_wide_fma, and the instruction set is one of 512 bits
  const char *isa_name;
  zoo_f32_igemm_kernel f32_igemm;
  zoo_f32_igemm_kernel f16w_igemm;
  zoo_f32_igemm_kernel bf16w_igemm;
  zoo_f32_igemm_kernel bf16_igemm;
  zoo_bf16_pack_ukernel bf16_pack;
  zoo_f32_igemm_kernel i8w_igemm;
  zoo_f32_lines_ukernel f32_lines;
  zoo_f32_winograd_ukernel f32_winograd;
  zoo_f32_winograd_ukernel bf16_winograd;
  zoo_f32_dwconv_ukernel f32_dwconv;
  zoo_f32_dwconv_ukernel bf16_dwconv;
  zoo_f32_dwplane_ukernel f32_dwplane;
  zoo_f32_dwplane_ukernel bf16_dwplane;
  zoo_f32_pool_ukernel f32_pool;
  zoo_f32_pool_ukernel bf16_pool;
  zoo_f32_binary_ukernel f32_binary;
  zoo_f32_binary_ukernel bf16_binary;
  zoo_f32_unary_ukernel f32_unary;
  zoo_integer_igemm_kernel i8_igemm;
  zoo_i8_lines_ukernel i8_lines;
  zoo_i8_winograd_ukernel i8_winograd;
  zoo_integer_dwconv_ukernel i8_dwconv;
  zoo_i8_dwplane_ukernel i8_dwplane;
  zoo_integer_pool_ukernel i8_pool;
  zoo_integer_binary_ukernel i8_binary;
  zoo_integer_quantize_ukernel i8_quantize;
  zoo_i8_lookup_ukernel i8_lookup;
  zoo_integer_igemm_kernel i16_igemm;
  zoo_integer_dwconv_ukernel i16_dwconv;
  zoo_integer_pool_ukernel i16_pool;
  zoo_integer_binary_ukernel i16_binary;
  zoo_integer_quantize_ukernel i16_quantize;
} zoo_kernels;

// True if this CPU (and its operating system) can run kernels of `isa`.
bool zoo_kernels_supported(uint32_t isa);

// The best ISA this CPU supports.
uint32_t zoo_kernels_best(void);

// Whether this CPU multiplies as many vectors of 512 bits in a cycle as of 256; false where that is not known.
bool zoo_has_wide_fma(void);

// The table for `isa`: for each family the best variant whose ISA is at most `isa`; for a value that is unknown, the
// scalar table. The caller has checked zoo_kernels_supported.
zoo_kernels zoo_kernels_for(uint32_t isa);

// Every variant of every family, for tests and benchmarks.
typedef struct zoo_ukernel {
  const char *family; // "f32_igemm"
  const char *name;   // "zoo_f32_igemm_ukernel_7x32__avx512"
  uint32_t isa;
  uint32_t mr, nr;        // 0 where the family has no tile
  void (*function)(void); // cast to the family's type
} zoo_ukernel;

const zoo_ukernel *zoo_ukernel_list(size_t *count);

#ifdef __cplusplus
}
#endif
#endif
