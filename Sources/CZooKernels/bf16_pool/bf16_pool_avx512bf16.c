// bf16_pool for avx512bf16.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#include <simd/bf16.h>

#define ELEMENT uint16_t
#define X(p) ((p)->rounded_x)
#define x_take(p, partial, mask) v_load_bf16_part(p, mask, 0)
// Floats where the layer after reads floats.
INLINE void y_put(size_t at, const int partial, vmask mask, vf y, const zoo_f32_pool_params *p) {
  (void)partial;
  if (p->rounded_y)
    v_store_bf16_part(p->rounded_y + at, mask, y);
  else
    v_store_part(p->y + at, mask, y);
}
#include <f32_pool/body.h>

void zoo_bf16_pool_ukernel__avx512bf16(size_t pixels, const zoo_f32_pool_params *params) { pool(pixels, params); }

#pragma clang attribute pop
#endif
