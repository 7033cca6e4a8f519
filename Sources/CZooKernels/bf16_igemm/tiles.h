// bf16_igemm by a matrix unit: pairs of products are added up for 32 rows of weights at a time, and these sums to the sum.
#include <simd/hard_swish.h>
#include <zoo_kernels.h>

#define PARAMS zoo_f32_igemm_params
#define ELEMENT uint16_t
#define WHOLE_GROUPS 0
#define T_DOT(sums, a, b) T_DOT_BF16(sums, a, b)
#define VECTORS zoo_bf16_igemm_ukernel_8x32__avx512bf16
void VECTORS(size_t, size_t, const PARAMS *);

typedef struct finish {
  vf lower, upper;
} finish;
INLINE finish finish_state(const PARAMS *p) { return (finish){v_set(p->lower), v_set(p->upper)}; }

INLINE const void *start_row(const PARAMS *p, size_t column) { return p->bias ? p->bias + column : zoo_f32_zero_row; }

INLINE void finish_row(const int32_t *sums, size_t row, size_t column, size_t width, finish state, const PARAMS *p) {
  const vmask mask = v_mask(width);
  vf y = v_load_part((const float *)(const void *)sums, mask);
  if (p->addend)
    y = v_add(y, v_load_part(p->addend + row * p->addend_stride + column, mask));
  if (p->rounded_addend)
    y = v_add(y, v_load_bf16_part(p->rounded_addend + row * p->addend_stride + column, mask, width));
  y = v_clamp(y, state.lower, state.upper);
  if (p->hard_swish)
    y = v_hard_swish(y);
  if (p->rounded)
    v_store_bf16_part(p->rounded + row * p->c_stride + column, mask, y);
  else
    v_store_part(p->c + row * p->c_stride + column, mask, y);
}

INLINE void finish_pair(const int32_t *sums, size_t row, size_t column, finish state, const PARAMS *p) {
  finish_row(sums, row, column, VL, state, p);
  finish_row(sums + VL, row, column + VL, VL, state, p);
}

#include <tiles/product.h>
