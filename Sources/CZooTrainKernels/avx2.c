// The training kernels for avx2.
#include <zoo_kernels.h>
#include <zoo_train_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#define ROWS1 8
#define ROWS2 6
#define SET zoo_train_kernels_avx2
#define ISA_NAME "avx2"
#include "body/set.h"
#pragma clang attribute pop
#endif
