// What this CPU and its operating system can run.
#include <zoo_kernels.h>

#if ZOO_X86_64
#include <cpuid.h>
#include <stdatomic.h>

#define FIRST ZOO_KERNELS_AVX2

// Which register files the operating system saves: XCR0.
static uint64_t saved_state(void) {
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return ((uint64_t)high << 32) | low;
}

// Whether there are AMX tiles with products of bytes and of bf16, and this process may use them: the kernel of the system keeps room
// for their state, 8 KiB for each thread, once it was asked to, and may refuse.
// Source: Linux, Documentation/arch/x86/xstate.rst.
static int has_tiles(uint32_t features, uint64_t state) {
  const uint32_t wanted = 1u << 22 | 1u << 24 | 1u << 25; // AMX-BF16, AMX-TILE, AMX-INT8
  const uint64_t tile_state = 3ull << 17;                 // their configuration and their data
  if ((features & wanted) != wanted || (state & tile_state) != tile_state)
    return 0;
  const long arch_prctl = 158, request_permission = 0x1023, tile_data = 18;
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(arch_prctl), "D"(request_permission), "S"(tile_data)
                   : "rcx", "r11", "memory");
  return result == 0;
}

typedef struct leaf {
  uint32_t a, b, c, d;
} leaf;

// Zeros if the CPU does not know it; `most` is the last one that it does.
static leaf cpuid(uint32_t most, uint32_t number, uint32_t part) {
  leaf r = {0, 0, 0, 0};
  if (number <= most)
    __cpuid_count(number, part, r.a, r.b, r.c, r.d);
  return r;
}

static uint32_t detect_kernels(uint32_t most, leaf basic) {
  const uint32_t c = basic.c;
  const int has_fma = (c >> 12) & 1, has_f16c = (c >> 29) & 1, has_xsave = (c >> 27) & 1, has_avx = (c >> 28) & 1;
  if (!has_fma || !has_f16c || !has_xsave || !has_avx)
    return ZOO_KERNELS_SCALAR;
  const uint64_t state = saved_state();
  const leaf more = cpuid(most, 7, 0);
  if ((state & 0x6) != 0x6 || !((more.b >> 5) & 1))
    return ZOO_KERNELS_SCALAR;
  // F, DQ, BW, VL and the three ZMM state components.
  const uint32_t avx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
  if ((more.b & avx512) != avx512 || (state & 0xe0) != 0xe0)
    return ZOO_KERNELS_AVX2;
  if (!((more.c >> 11) & 1))
    return ZOO_KERNELS_AVX512;
  // i8_lookup wants VBMI, which of all CPUs with bf16 only those of 2020 for four sockets (Cooper Lake) do not have.
  const int has_vbmi = (more.c >> 1) & 1;
  const int has_bf16 = more.a >= 1 && (cpuid(most, 7, 1).a >> 5) & 1;
  if (!has_vbmi || !has_bf16)
    return ZOO_KERNELS_AVX512VNNI;
  return has_tiles(more.d, state) ? ZOO_KERNELS_AMX : ZOO_KERNELS_AVX512BF16;
}

enum { KERNELS = 0xff, WIDE_FMA = 0x100, KNOWN = 0x200 };

// What this CPU is, found once: in a virtual machine each CPUID is an exit to its host, 4 us, and a model is opened in 200. Threads that
// ask at the same time find the same.
static uint32_t this_cpu(void) {
  static _Atomic uint32_t known = 0;
  uint32_t cpu = atomic_load_explicit(&known, memory_order_relaxed);
  if (cpu)
    return cpu;
  const leaf vendor = cpuid(0, 0, 0), basic = cpuid(vendor.a, 1, 0);
  const uint32_t kernels = detect_kernels(vendor.a, basic), family = ((basic.a >> 8) & 0xf) + ((basic.a >> 20) & 0xff);
  // CPUs with AMX, and AMD's from family 1Ah (Zen 5) on; Zen 4 takes two cycles for such a vector, some of Intel's have one unit for it.
  const int is_wide = vendor.b == signature_AMD_ebx ? family >= 0x1a : kernels == ZOO_KERNELS_AMX;
  cpu = KNOWN | (is_wide ? WIDE_FMA : 0) | kernels;
  atomic_store_explicit(&known, cpu, memory_order_relaxed);
  return cpu;
}

uint32_t zoo_kernels_best(void) { return this_cpu() & KERNELS; }
bool zoo_has_wide_fma(void) { return this_cpu() & WIDE_FMA; }
#elif ZOO_AARCH64

#define FIRST ZOO_KERNELS_NEON

// Whether there are dot products of bytes. Linux lets programs read this register; elsewhere only the compiler's flags tell.
// Source: Linux, Documentation/arch/arm64/cpu-feature-registers.rst.
static int has_dot_products(void) {
#if defined(__ARM_FEATURE_DOTPROD)
  return 1;
#elif defined(__linux__)
  uint64_t features;
  __asm__("mrs %0, ID_AA64ISAR0_EL1" : "=r"(features));
  return (features >> 44 & 0xf) != 0;
#else
  return 0;
#endif
}

uint32_t zoo_kernels_best(void) { return has_dot_products() ? ZOO_KERNELS_NEONDOT : ZOO_KERNELS_NEON; }
bool zoo_has_wide_fma(void) { return false; }
#else

#define FIRST ZOO_KERNELS_AVX2

uint32_t zoo_kernels_best(void) { return ZOO_KERNELS_SCALAR; }
bool zoo_has_wide_fma(void) { return false; }
#endif

// FIRST: the least of this architecture's kinds of vectors.
bool zoo_kernels_supported(uint32_t isa) {
  return isa == ZOO_KERNELS_SCALAR || (isa >= FIRST && isa <= zoo_kernels_best());
}
