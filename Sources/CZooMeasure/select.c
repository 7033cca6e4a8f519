// Which loops run on which instruction set.
#include <zoo_kernels.h>
#include <zoo_measure.h>

extern const zoo_measure_loops zoo_measure_loops_portable;
#if ZOO_X86_64
extern const zoo_measure_loops zoo_measure_loops_avx2, zoo_measure_loops_avx512, zoo_measure_loops_avx512vnni,
    zoo_measure_loops_amx;
#elif ZOO_AARCH64
extern const zoo_measure_loops zoo_measure_loops_neon, zoo_measure_loops_neondot;
#endif

const zoo_measure_loops *zoo_measure_loops_for(uint32_t isa) {
  switch (isa) {
#if ZOO_X86_64
  case ZOO_KERNELS_AVX2:
    return &zoo_measure_loops_avx2;
  case ZOO_KERNELS_AVX512:
    return &zoo_measure_loops_avx512;
  case ZOO_KERNELS_AVX512VNNI:
  case ZOO_KERNELS_AVX512BF16:
    return &zoo_measure_loops_avx512vnni;
  case ZOO_KERNELS_AMX:
    return &zoo_measure_loops_amx;
#elif ZOO_AARCH64
  case ZOO_KERNELS_NEON:
    return &zoo_measure_loops_neon;
  case ZOO_KERNELS_NEONDOT:
    return &zoo_measure_loops_neondot;
#endif
  default:
    return &zoo_measure_loops_portable;
  }
}
