// Where a tile of f32_igemm begins: what moves on from tile to tile while the rest of the parameters stays.
#ifndef ZOO_F32_IGEMM_PLACE_H
#define ZOO_F32_IGEMM_PLACE_H
#include <zoo_kernels.h>

typedef struct place {
  const float *const *a;
  float *c;
  const float *addend; // or NULL
} place;

INLINE place place_of(const zoo_f32_igemm_params *p) { return (place){p->a, p->c, p->addend}; }
INLINE place below(place at, size_t rows, const zoo_f32_igemm_params *p) {
  return (place){at.a + rows, at.c + rows * p->c_stride, at.addend ? at.addend + rows * p->addend_stride : 0};
}
#endif
