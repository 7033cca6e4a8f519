// i16_binary for avx512.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)
#include <simd/avx512.h>
#include <integer/i16.h>
#include <integer/binary.h>

void zoo_i16_binary_ukernel__avx512(size_t count, const zoo_integer_binary_params *params) { binary(count, params); }

#pragma clang attribute pop
#endif
