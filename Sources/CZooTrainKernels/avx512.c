// The training kernels for avx512.
#include <zoo_kernels.h>
#include <zoo_train_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)
#include <simd/avx512.h>
#define ROWS1 16
#define ROWS2 8
#define SET zoo_train_kernels_avx512
#define ISA_NAME "avx512"
#include "body/set.h"
#pragma clang attribute pop
#endif
