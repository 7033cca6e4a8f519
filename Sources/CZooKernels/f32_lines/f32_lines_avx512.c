// f32_lines for avx512: 32 pixels at a time.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)
#include <simd/avx512.h>
#define VECTORS(most) 2
INLINE __m256 eighth(vf x, const int i) { return i ? _mm512_extractf32x8_ps(x, 1) : _mm512_castps512_ps256(x); }
INLINE void store_eighth(float *y, size_t n, __m256 x) { _mm256_mask_storeu_ps(y, (__mmask8)((1u << n) - 1u), x); }
#include <f32_lines/body.h>

void zoo_f32_lines_ukernel__avx512(size_t count, const zoo_f32_lines_params *params) { lines(count, params); }

#pragma clang attribute pop
#endif
