// f32_pool of few channels for AVX-512: neighbouring pixels share a vector. (LeNet-5, 28 x 28 x 6: 1.9 us to 1.2.)

// Vectors that the windows of the pixels of one vector lie in.
#define SPAN (2 * VL)

// False if the windows of two pixels are too far apart; nothing is done then.
INLINE int few_channels(size_t pixels, const zoo_f32_pool_params *p) {
  const size_t most = VL / p->channels;
  const size_t reach = (p->kw - 1) * p->x_col_stride + p->channels;
  if (most < 2 || p->y_stride != p->channels || (most - 1) * p->x_pixel_stride + reach > SPAN)
    return 0;
  int32_t places[VL] = {0}; // of the first tap
  for (size_t q = 0, l = 0; q < most; q++)
    for (size_t c = 0; c < p->channels; c++, l++)
      places[l] = (int32_t)(q * p->x_pixel_stride + c);
  const vi first = i_load(places);
  const vf lower = v_set(p->lower), upper = v_set(p->upper), scale = v_set(p->scale);
  for (size_t q = 0; q < pixels; q += most) {
    const size_t count = pixels - q < most ? pixels - q : most, span = (count - 1) * p->x_pixel_stride + reach;
    const vmask low = v_mask(span < VL ? span : VL), high = v_mask(span > VL ? span - VL : 0);
    const float *x = p->x + q * p->x_pixel_stride;
    vf result = v_set(0);
    for (size_t i = 0; i < p->kh; i++, x += p->x_row_stride) {
      const vf a = v_load_part(x, low), b = v_load_part(span > VL ? x + VL : x, high);
      for (size_t j = 0; j < p->kw; j++) {
        const vi place = i_add(first, i_set((int32_t)(j * p->x_col_stride)));
        const vf value = _mm512_permutex2var_ps(a, place, b);
        if (i + j == 0 && p->kind != ZOO_POOL_SUM)
          result = value;
        result = p->kind == ZOO_POOL_MAX   ? v_max(value, result)
                 : p->kind == ZOO_POOL_MIN ? v_min(value, result)
                                           : v_add(value, result);
      }
    }
    v_store_part(p->y + q * p->channels, v_mask(count * p->channels), v_clamp(v_mul(result, scale), lower, upper));
  }
  return 1;
}
