// Where a tile of f32_igemm begins: what moves on from tile to tile while the rest of the parameters stays.
#ifndef ZOO_F32_IGEMM_PLACE_H
#define ZOO_F32_IGEMM_PLACE_H
#include <zoo_kernels.h>

typedef struct place {
  const float *const *a;
  float *c;
  uint16_t *rounded;              // instead of c, or NULL
  const float *addend;            // or NULL
  const uint16_t *rounded_addend; // likewise
} place;

INLINE place place_of(const zoo_f32_igemm_params *p) {
  return (place){p->a, p->c, p->rounded, p->addend, p->rounded_addend};
}
INLINE place below(place at, size_t rows, const zoo_f32_igemm_params *p) {
  const size_t c = rows * p->c_stride, addend = rows * p->addend_stride;
  return (place){at.a + rows, at.rounded ? at.c : at.c + c, at.rounded ? at.rounded + c : 0,
                 at.addend ? at.addend + addend : 0, at.rounded_addend ? at.rounded_addend + addend : 0};
}
#endif
