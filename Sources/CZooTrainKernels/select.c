// Which set runs on which instruction set.
#include <zoo_kernels.h>
#include <zoo_train_kernels.h>

extern const zoo_train_kernels zoo_train_kernels_scalar;
#if ZOO_X86_64
extern const zoo_train_kernels zoo_train_kernels_avx2, zoo_train_kernels_avx512;
extern const zoo_train_bf16_kernels zoo_train_bf16_kernels_avx512bf16;
#endif

const zoo_train_kernels *zoo_train_kernels_for(uint32_t isa) {
#if ZOO_X86_64
  if (isa >= ZOO_KERNELS_AVX512)
    return &zoo_train_kernels_avx512;
  if (isa >= ZOO_KERNELS_AVX2)
    return &zoo_train_kernels_avx2;
#endif
  (void)isa;
  return &zoo_train_kernels_scalar;
}

const zoo_train_bf16_kernels *zoo_train_bf16_kernels_for(uint32_t isa) {
#if ZOO_X86_64
  if (isa == ZOO_KERNELS_AVX512BF16 || isa == ZOO_KERNELS_AMX)
    return &zoo_train_bf16_kernels_avx512bf16;
#endif
  (void)isa;
  return NULL;
}
