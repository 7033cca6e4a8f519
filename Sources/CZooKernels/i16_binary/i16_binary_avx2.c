// i16_binary for avx2.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include <simd/avx2.h>
#include <integer/i16.h>
#include <integer/binary.h>

void zoo_i16_binary_ukernel__avx2(size_t count, const zoo_integer_binary_params *params) { binary(count, params); }

#pragma clang attribute pop
#endif
