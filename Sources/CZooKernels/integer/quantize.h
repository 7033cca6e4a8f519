// i8_quantize and i16_quantize for any vector width.
#include <simd/requantize.h>
#include <zoo_kernels.h>

INLINE void quantize(size_t count, const zoo_integer_quantize_params *p) {
  const requantization r = make_requantization(p->lower, p->upper, p->zero_point);
  const vf scale = v_set(p->scale);
  element *y = p->y;
  size_t i = 0;
  for (; i + VL <= count; i += VL)
    e_store(y + i, requantize(v_div(v_load(p->x + i), scale), r));
  const size_t rest = count - i;
  if (rest > 0)
    e_store_part(y + i, rest, requantize(v_div(v_load_part(p->x + i, v_mask(rest)), scale), r));
}
