// bf16_binary for avx512bf16.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#include <simd/bf16.h>

#define ELEMENT uint16_t
#define A(p) ((p)->rounded_a)
#define Y(p) ((p)->rounded_y)
#define a_take(p, partial, mask) v_load_bf16_part(p, mask, 0)
#define a_set(p) _mm512_castsi512_ps(_mm512_set1_epi32(*(p) << 16))
#define y_put(p, partial, mask, y) v_store_bf16_part(p, mask, y)
#include <f32_binary/body.h>

void zoo_bf16_binary_ukernel__avx512bf16(size_t count, const zoo_f32_binary_params *params) {
  binary_kind(ZOO_BINARY_MUL, count, params);
}

#pragma clang attribute pop
#endif
