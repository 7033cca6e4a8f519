// f32_winograd and bf16_winograd for any vector width: the three transforms of F(4x4, 3x3), lane by lane.
//
// For images that are not floats the including file defines ELEMENT, their type, and e_load(p), e_load_part(p, mask), e_store(p, x).
#include <zoo_kernels.h>

#ifndef ELEMENT
#define ELEMENT float
#define e_load v_load
#define e_load_part v_load_part
#define e_store v_store
#endif

// Six numbers of a line of the input: B^T d.
INLINE void input_line(const vf *d, const size_t step, vf *y, const size_t y_step) {
  const vf four = v_set(4), five = v_set(5), two = v_set(2);
  const vf d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step], d5 = d[5 * step];
  const vf a = v_sub(d4, v_mul(four, d2)), b = v_sub(d3, v_mul(four, d1));
  const vf c = v_sub(d4, d2), e = v_mul(two, v_sub(d3, d1));
  y[0] = v_fma(four, d0, v_sub(d4, v_mul(five, d2)));
  y[y_step] = v_add(a, b);
  y[2 * y_step] = v_sub(a, b);
  y[3 * y_step] = v_add(c, e);
  y[4 * y_step] = v_sub(c, e);
  y[5 * y_step] = v_fma(four, d1, v_sub(d5, v_mul(five, d3)));
}

// Three weights of a line: G g.
INLINE void weight_line(const vf *g, const size_t step, vf *y, const size_t y_step) {
  const vf sixth = v_set(1.0f / 6), twelfth = v_set(1.0f / 12), part = v_set(1.0f / 24);
  const vf g0 = g[0], g1 = g[step], g2 = g[2 * step];
  const vf s = v_mul(sixth, v_add(g0, g2)), t = v_mul(sixth, g1);
  const vf q = v_fma(part, g0, v_mul(sixth, g2)), r = v_mul(twelfth, g1);
  y[0] = v_mul(v_set(0.25f), g0);
  y[y_step] = v_sub(v_set(0), v_add(s, t));
  y[2 * y_step] = v_sub(t, s);
  y[3 * y_step] = v_add(q, r);
  y[4 * y_step] = v_sub(q, r);
  y[5 * y_step] = g2;
}

// Six products of a line: A^T m.
INLINE void output_line(const vf *m, const size_t step, vf *y, const size_t y_step) {
  const vf m1 = m[step], m2 = m[2 * step], m3 = m[3 * step], m4 = m[4 * step];
  const vf a = v_add(m1, m2), b = v_sub(m1, m2), c = v_add(m3, m4), d = v_sub(m3, m4);
  y[0] = v_add(v_add(m[0], a), c);
  y[y_step] = v_fma(v_set(2), d, b);
  y[2 * y_step] = v_fma(v_set(4), c, a);
  y[3 * y_step] = v_add(v_fma(v_set(8), d, b), m[5 * step]);
}

// Lanes from `at` on of rows of 16 columns, which lie in pairs.
INLINE vf take_bf16(const uint16_t *p, size_t at) {
  return v_half(i_load((const int32_t *)(const void *)(p + at / 32 * 32) + at % 16), at / 16 % 2 == 1);
}

// Edges take no branches, which differ from tile to tile: of rows that do not exist no lane is read, and columns that do not exist
// are zeros from elsewhere. Addresses are always those of something: reading no lane of an unmapped page can take hundreds of cycles.
// `whole`: every pixel and lane is there.
INLINE void input_lanes(const int whole, const ELEMENT *x, vmask lanes, const zoo_f32_winograd_params *p,
                        float *spectrum, size_t stride) {
  const size_t row_count = p->end_row - p->first_row, column_count = p->end_column - p->first_column;
  vmask rows[6];
  size_t offsets[6];
  vf d[6], t[36], v[6];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 6; i++) { // one comparison each: numbers without sign
    const int exists = i - p->first_row < row_count;
    rows[i] = exists ? lanes : v_mask(0);
    offsets[i] = (exists ? i : p->first_row) * p->row_stride;
  }
#pragma clang loop unroll(full)
  for (size_t j = 0; j < 6; j++, x += p->pixel_stride) {
    const int exists = j - p->first_column < column_count;
    const ELEMENT *column = exists ? x : (const ELEMENT *)(const void *)zoo_f32_zero_row;
    const size_t within = exists ? ~(size_t)0 : 0;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 6; i++) {
      d[i] = whole ? e_load(x + i * p->row_stride) : e_load_part(column + (offsets[i] & within), rows[i]);
      __builtin_prefetch(x + i * p->row_stride + 8 * p->pixel_stride); // two tiles on: batches do not fit in any cache
    }
    input_line(d, 1, t + j, 6);
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 6; i++) {
    input_line(t + 6 * i, 1, v, 1);
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 6; j++)
      v_store(spectrum + (6 * i + j) * stride, v[j]);
  }
}

// The last lanes go by way of a spectrum of whole vectors: the long code above is there once.
INLINE void inputs(size_t count, const zoo_f32_winograd_params *p) {
  const ELEMENT *x = p->x;
  size_t at = 0;
  if (p->end_row - p->first_row == 6 && p->end_column - p->first_column == 6)
    for (; at + VL <= count; at += VL)
      input_lanes(1, x + at, v_mask(VL), p, p->spectrum + at, p->spectrum_stride);
  for (; at + VL <= count; at += VL)
    input_lanes(0, x + at, v_mask(VL), p, p->spectrum + at, p->spectrum_stride);
  if (at == count)
    return;
  float last[36 * VL];
  input_lanes(0, x + at, v_mask(count - at), p, last, VL);
  for (size_t s = 0; s < 36; s++)
    v_store_part(p->spectrum + s * p->spectrum_stride + at, v_mask(count - at), v_load(last + s * VL));
}

// `is_bf16`: what the weights are.
INLINE void weight_lanes(const int is_bf16, size_t at, const zoo_f32_winograd_params *p) {
  vf g[3], t[18], v[6];
#pragma clang loop unroll(full)
  for (size_t j = 0; j < 3; j++) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 3; i++) {
      const size_t tap = i * p->row_stride + j * p->pixel_stride;
      g[i] = is_bf16 ? take_bf16((const uint16_t *)p->x + tap, at) : v_load((const float *)p->x + tap + at);
    }
    weight_line(g, 1, t + j, 3);
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 6; i++) {
    weight_line(t + 3 * i, 1, v, 1);
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 6; j++)
      v_store(p->spectrum + (6 * i + j) * p->spectrum_stride + at, v[j]);
  }
}

INLINE void output_pixel(vf y, const int adds, vf bias, size_t i, size_t j, size_t at,
                         const zoo_f32_winograd_params *p) {
  const ELEMENT *addend = p->addend;
  ELEMENT *to = p->y;
  vf sum = v_add(y, bias);
  if (adds)
    sum = v_add(sum, e_load(addend + i * p->addend_row_stride + j * p->addend_pixel_stride + at));
  e_store(to + i * p->row_stride + j * p->pixel_stride + at, v_clamp(sum, v_set(p->lower), v_set(p->upper)));
}

// `whole`: every pixel of the tile is there.
INLINE void output_lanes(const int whole, const int adds, size_t at, const zoo_f32_winograd_params *p) {
  vf m[6], t[24], y[4];
#pragma clang loop unroll(full)
  for (size_t j = 0; j < 6; j++) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 6; i++)
      m[i] = v_load(p->spectrum + (6 * i + j) * p->spectrum_stride + at);
    output_line(m, 1, t + j, 6);
  }
  const vf bias = p->bias ? v_load(p->bias + at) : v_set(0);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 4; i++) {
    if (!whole && i == p->end_row)
      return;
    output_line(t + 6 * i, 1, y, 1);
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 4; j++)
      if (whole || j < p->end_column)
        output_pixel(y[j], adds, bias, i, j, at, p);
  }
}

#define EACH(lanes)                         \
  for (size_t at = 0; at < count; at += VL) \
  lanes

INLINE void outputs(size_t count, const zoo_f32_winograd_params *p) {
  if (p->end_row < 4 || p->end_column < 4)
    EACH(output_lanes(0, p->addend != 0, at, p));
  else if (p->addend)
    EACH(output_lanes(1, 1, at, p));
  else
    EACH(output_lanes(1, 0, at, p));
}

INLINE void transform(size_t count, const zoo_f32_winograd_params *p) {
  switch (p->kind) {
  case ZOO_WINOGRAD_INPUT:
    inputs(count, p);
    break;
  case ZOO_WINOGRAD_WEIGHTS:
    EACH(weight_lanes(0, at, p));
    break;
  case ZOO_WINOGRAD_BF16_WEIGHTS:
    EACH(weight_lanes(1, at, p));
    break;
  case ZOO_WINOGRAD_OUTPUT:
    outputs(count, p);
    break;
  default:
    break;
  }
}
