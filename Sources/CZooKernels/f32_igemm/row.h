// The last columns of one row of f32_igemm, fewer than 8 panels, for AVX-512: together, since the sums of one panel after the other would
// each wait for themselves. (LeNet-5, 400 x 120: 3.2 us to 1.6.)

#include <f32_igemm/place.h>

#define TOGETHER 8

// `rest` columns from `column` on, 1 ... 127.
INLINE void last_columns(size_t rest, place row, const zoo_f32_igemm_params *p, size_t column) {
  const size_t depth = p->tap_count * p->kc;
  const float *const panels = (const float *)p->w + column * depth;
  const size_t whole = (rest - 1) / VL, width = rest - whole * VL; // before the last panel, and its own
  const vmask mask = v_mask(width);
  const float *last = panels + whole * VL * depth, *w[TOGETHER - 1];
  vf sum[TOGETHER - 1], sum_of_last = p->bias ? v_load_part(p->bias + column + whole * VL, mask) : v_set(0);
#pragma clang loop unroll(full)
  for (size_t v = 0; v < TOGETHER - 1; v++) { // past the columns, those of the first panel again, which nobody looks at
    w[v] = v < whole ? panels + v * VL * depth : panels;
    sum[v] = v < whole && p->bias ? v_load(p->bias + column + v * VL) : v_set(0);
  }
  size_t offset = 0;
  for (size_t t = 0; t < p->tap_count; t++) {
    const float *a = row.a[t * p->a_tap_stride];
    for (size_t k = 0; k<p->kc; k++, offset += whole> 0 ? VL : 0, last += width) {
      const vf x = v_broadcast(a + k);
#pragma clang loop unroll(full)
      for (size_t v = 0; v < TOGETHER - 1; v++)
        sum[v] = v_fma(x, v_load(w[v] + offset), sum[v]);
      sum_of_last = v_fma(x, v_load_part(last, mask), sum_of_last);
    }
  }
  const vf lower = v_set(p->lower), upper = v_set(p->upper);
  const float *addend = row.addend;
#pragma clang loop unroll(full)
  for (size_t v = 0; v < TOGETHER - 1; v++) {
    const size_t at = column + v * VL;
    if (v < whole)
      v_store(row.c + at, v_clamp(addend ? v_add(sum[v], v_load(addend + at)) : sum[v], lower, upper));
  }
  const size_t at = column + whole * VL;
  const vf y = addend ? v_add(sum_of_last, v_load_part(addend + at, mask)) : sum_of_last;
  v_store_part(row.c + at, mask, v_clamp(y, lower, upper));
}
