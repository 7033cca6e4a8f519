// The last columns of one row of f32_igemm, fewer than 8 vectors: together, since the sums of one panel after the other would each wait for
// themselves. (LeNet-5, 400 x 120: AVX-512 3.2 us to 1.6, AVX2 3.1 to 2.6.)

#include <f32_igemm/place.h>

#define TOGETHER 8                 // vectors
#define ITS_OWN (16 / VL)          // those of the last panel, some of which may be empty
#define WHOLE (TOGETHER - ITS_OWN) // those of the panels before it

// `rest` columns from `column` on, 1 ... TOGETHER * VL - 1.
INLINE void last_columns(size_t rest, place row, const zoo_f32_igemm_params *p, size_t column) {
  const size_t depth = p->tap_count * p->kc;
  const float *const panels = (const float *)p->w + column * depth;
  const size_t before = (rest - 1) / 16 * 16,
               width = rest - before; // columns of the panels before the last, and its own
  const float *last = panels + before * depth, *w[WHOLE];
  vmask mask[ITS_OWN];
  vf sum[WHOLE], sum_of_last[ITS_OWN];
#pragma clang loop unroll(full)
  for (size_t v = 0; v < WHOLE; v++) { // past the columns, those of the first panel again, which nobody looks at
    const int counts = v * VL < before;
    w[v] = counts ? panels + v * VL / 16 * 16 * depth + v * VL % 16 : panels;
    sum[v] = counts && p->bias ? v_load(p->bias + column + v * VL) : v_set(0);
  }
#pragma clang loop unroll(full)
  for (size_t v = 0; v < ITS_OWN; v++) {
    const size_t lanes = width < v * VL ? 0 : width - v * VL;
    mask[v] = v_mask(lanes < VL ? lanes : VL);
    sum_of_last[v] = p->bias ? v_load_part(p->bias + column + before + v * VL, mask[v]) : v_set(0);
  }
  size_t offset = 0;
  for (size_t t = 0; t < p->tap_count; t++) {
    const float *a = row.a[t * p->a_tap_stride];
    for (size_t k = 0; k<p->kc; k++, offset += before> 0 ? 16 : 0, last += width) {
      const vf x = v_broadcast(a + k);
#pragma clang loop unroll(full)
      for (size_t v = 0; v < WHOLE; v++)
        sum[v] = v_fma(x, v_load(w[v] + offset), sum[v]);
#pragma clang loop unroll(full)
      for (size_t v = 0; v < ITS_OWN; v++)
        sum_of_last[v] = v_fma(x, v_load_part(last + v * VL, mask[v]), sum_of_last[v]);
    }
  }
  const vf lower = v_set(p->lower), upper = v_set(p->upper);
  const float *addend = row.addend;
#pragma clang loop unroll(full)
  for (size_t v = 0; v < WHOLE; v++) {
    const size_t at = column + v * VL;
    if (v * VL < before)
      v_store(row.c + at, v_clamp(addend ? v_add(sum[v], v_load(addend + at)) : sum[v], lower, upper));
  }
#pragma clang loop unroll(full)
  for (size_t v = 0; v < ITS_OWN; v++) {
    const size_t at = column + before + v * VL;
    const vf y = addend ? v_add(sum_of_last[v], v_load_part(addend + at, mask[v])) : sum_of_last[v];
    v_store_part(row.c + at, mask[v], v_clamp(y, lower, upper));
  }
}
