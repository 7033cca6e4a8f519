// i8_igemm by an emulated matrix unit.
#include <emulated_tiles.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,fma"))), \
                             apply_to = function)
#define TILES_ARE_EMULATED "unit.h"
#include <simd/avx512.h>
#include <i8_igemm/tiles.h>

static void run(size_t m, size_t n, const zoo_integer_igemm_params *params) { product_by_tiles(m, n, params); }
#pragma clang attribute pop
#endif

zoo_integer_igemm_ukernel emulated_i8_igemm(void) {
#if ZOO_X86_64
  if (zoo_kernels_supported(ZOO_KERNELS_AVX512VNNI))
    return run;
#endif
  return NULL;
}

size_t emulated_fetched_lines(const void **first) {
#if ZOO_X86_64
  const size_t lines = fetched.lines;
  *first = fetched.first;
  fetched.lines = 0;
  return lines;
#else
  *first = NULL;
  return 0;
#endif
}
