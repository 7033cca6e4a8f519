// f32_pool of few channels for AVX-512: neighbouring pixels share a vector. (LeNet-5, 28 x 28 x 6: 1.9 us to 0.6.)

// Vectors that the windows of the pixels of one vector lie in.
#define SPAN (2 * VL)

// `most` pixels at a time, whose windows reach over `reach` numbers each; `kind` is a constant after inlining.
INLINE void few_of_kind(const zoo_f32_pool_kind kind, size_t most, size_t reach, size_t pixels,
                        const zoo_f32_pool_params *p) {
  int32_t places[VL] = {0}; // of the first tap
  for (size_t q = 0, l = 0; q < most; q++)
    for (size_t c = 0; c < p->channels; c++, l++)
      places[l] = (int32_t)(q * p->x_pixel_stride + c);
  const vi first = i_load(places);
  const vf lower = v_set(p->lower), upper = v_set(p->upper), scale = v_set(p->scale);
  for (size_t line = 0; line < p->lines; line++) {
    const float *x = p->x + line * p->x_line_stride;
    float *y = p->y + line * p->y_line_stride;
    for (size_t q = 0; q < pixels; q += most, x += most * p->x_pixel_stride, y += most * p->channels) {
      const size_t count = pixels - q < most ? pixels - q : most, span = (count - 1) * p->x_pixel_stride + reach;
      const vmask low = v_mask(span < VL ? span : VL), high = v_mask(span > VL ? span - VL : 0);
      vf result = v_set(0);
      for (size_t i = 0; i < p->kh; i++) {
        const float *row = x + i * p->x_row_stride;
        const vf a = v_load_part(row, low), b = v_load_part(row + VL, high);
        vi place = first;
        for (size_t j = 0; j < p->kw; j++, place = i_add(place, i_set((int32_t)p->x_col_stride))) {
          const vf value = _mm512_permutex2var_ps(a, place, b);
          result = i + j == 0 && kind != ZOO_POOL_SUM ? value : combine(kind, value, result);
        }
      }
      v_store_part(y, v_mask(count * p->channels), v_clamp(v_mul(result, scale), lower, upper));
    }
  }
}

// False if the windows of two pixels are too far apart; nothing is done then.
INLINE int few_channels(size_t pixels, const zoo_f32_pool_params *p) {
  const size_t most = VL / p->channels, reach = (p->kw - 1) * p->x_col_stride + p->channels;
  if (most < 2 || p->y_stride != p->channels || (most - 1) * p->x_pixel_stride + reach > SPAN)
    return 0;
  if (p->kind == ZOO_POOL_MAX)
    few_of_kind(ZOO_POOL_MAX, most, reach, pixels, p);
  else if (p->kind == ZOO_POOL_MIN)
    few_of_kind(ZOO_POOL_MIN, most, reach, pixels, p);
  else
    few_of_kind(ZOO_POOL_SUM, most, reach, pixels, p);
  return 1;
}
