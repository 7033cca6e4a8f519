// i8_igemm by a matrix unit.
#include <simd/requantize.h>
#include <simd/requantize512.h>
#include <zoo_kernels.h>

#define PARAMS zoo_integer_igemm_params
#define ELEMENT int8_t
#define WHOLE_GROUPS 1
#define T_DOT(sums, a, b) T_DOT_I8(sums, a, b)
#define VECTORS zoo_i8_igemm_ukernel_6x64__avx512vnni
void VECTORS(size_t, size_t, const PARAMS *);

typedef struct finish {
  requantization one;
  packed_requantization pair;
} finish;
INLINE finish finish_state(const PARAMS *p) {
  return (finish){make_requantization(p->lower, p->upper, p->zero_point),
                  make_packed_requantization(p->lower, p->upper, p->zero_point)};
}

INLINE const void *start_row(const PARAMS *p, size_t column) { return p->bias[0] + column; }

INLINE void finish_pair(const int32_t *sums, size_t row, size_t column, finish state, const PARAMS *p) {
  vf real[2];
  for (int v = 0; v < 2; v++) {
    real[v] = v_mul(i_float(i_load(sums + v * VL)), v_load(p->multipliers + column + v * VL));
    if (p->addend) {
      const vi addend = i_load8((const int8_t *)p->addend + row * p->addend_stride + column + v * VL);
      const vf zeroed = i_float(i_sub(addend, i_set(p->addend_zero_point)));
      real[v] = v_add(real[v], v_mul(zeroed, v_set(p->addend_multiplier)));
    }
  }
  store_requantized((int8_t *)p->c + row * p->c_stride + column, 2, real, state.pair);
}

INLINE void finish_row(const int32_t *sums, size_t row, size_t column, size_t width, finish state, const PARAMS *p) {
  const vmask mask = v_mask(width);
  vf real = v_mul(i_float(i_load_part(sums, mask)), v_load_part(p->multipliers + column, mask));
  if (p->addend) {
    const vi addend = i_load8_part((const int8_t *)p->addend + row * p->addend_stride + column, width);
    const vi zero = i_set(p->addend_zero_point);
    real = v_add(real, v_mul(i_float(i_sub(addend, zero)), v_set(p->addend_multiplier)));
  }
  i_store8_part((int8_t *)p->c + row * p->c_stride + column, width, requantize(real, state.one));
}

#include <tiles/product.h>
