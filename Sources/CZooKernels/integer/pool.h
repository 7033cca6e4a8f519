// i8_pool and i16_pool for any vector width: a block of channels at a time.
#include <simd/requantize.h>
#include <zoo_kernels.h>

INLINE void block(const zoo_f32_pool_kind kind, const int partial, size_t rest, size_t pixels, size_t c,
                  const zoo_integer_pool_params *p) {
  const requantization r = make_requantization(p->lower, p->upper, p->y_zero_point);
  const vf multiplier = v_set(p->multiplier);
  // A sum takes the zero points off at the end: the window's size times each.
  const vi zero = i_set(kind == ZOO_POOL_SUM ? p->x_zero_point * (int32_t)(p->kh * p->kw) : p->x_zero_point);
  const element *x = (const element *)p->x + c;
  element *y = (element *)p->y + c;
  for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
    vi result = kind == ZOO_POOL_SUM ? i_set(0) : partial ? e_load_part(x, rest) : e_load(x);
    for (size_t i = 0; i < p->kh; i++)
      for (size_t j = 0; j < p->kw; j++) {
        const element *from = x + i * p->x_row_stride + j * p->x_col_stride;
        const vi value = partial ? e_load_part(from, rest) : e_load(from);
        result = kind == ZOO_POOL_MAX   ? i_max(value, result)
                 : kind == ZOO_POOL_MIN ? i_min(value, result)
                                        : i_add(value, result);
      }
    const vi rounded = requantize(v_mul(i_float(i_sub(result, zero)), multiplier), r);
    if (partial)
      e_store_part(y, rest, rounded);
    else
      e_store(y, rounded);
  }
}

// A whole register of elements, before they are widened.
typedef element many __attribute__((vector_size(sizeof(vf))));
#define MANY (sizeof(many) / sizeof(element))

INLINE many load_many(const element *p) {
  many x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}

// The greatest of MANY channels, widened only when it is known.
INLINE void greatest(size_t pixels, size_t c, const zoo_integer_pool_params *p) {
  const requantization r = make_requantization(p->lower, p->upper, p->y_zero_point);
  const vf multiplier = v_set(p->multiplier);
  const vi zero = i_set(p->x_zero_point);
  const element *x = (const element *)p->x + c;
  element *y = (element *)p->y + c;
  for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
    many result = load_many(x);
    for (size_t i = 0; i < p->kh; i++)
      for (size_t j = 0; j < p->kw; j++)
        result = __builtin_elementwise_max(result, load_many(x + i * p->x_row_stride + j * p->x_col_stride));
    element elements[MANY];
    __builtin_memcpy(elements, &result, sizeof result);
    for (size_t v = 0; v < MANY; v += VL)
      e_store(y + v, requantize(v_mul(i_float(i_sub(e_load(elements + v), zero)), multiplier), r));
  }
}

// Whether outputs are inputs as they are: one scale and zero point for both, and no bounds within the type's. Only bytes have code for
// that: networks of 16 bits are too rare for what it would add to every program (3 KB).
INLINE int is_exact(const zoo_integer_pool_params *p) {
  const float zero = (float)p->y_zero_point;
  return sizeof(element) == 1 && p->multiplier == 1 && p->x_zero_point == p->y_zero_point && p->lower <= -128 - zero &&
         p->upper >= 127 - zero;
}

// The greatest of MANY channels, if they need no rounding, of windows of kh x kw.
INLINE void greatest_of(size_t kh, size_t kw, size_t pixels, size_t c, const zoo_integer_pool_params *p) {
  const element *x = (const element *)p->x + c;
  element *y = (element *)p->y + c;
  for (size_t q = 0; q < pixels; q++, x += p->x_pixel_stride, y += p->y_stride) {
    many result = load_many(x);
    for (size_t i = 0; i < kh; i++)
      for (size_t j = 0; j < kw; j++)
        result = __builtin_elementwise_max(result, load_many(x + i * p->x_row_stride + j * p->x_col_stride));
    __builtin_memcpy(y, &result, sizeof result);
  }
}

// Windows of known sizes need no loops: those of most networks.
INLINE void greatest_exactly(size_t pixels, size_t c, const zoo_integer_pool_params *p) {
  if (p->kh == 2 && p->kw == 2)
    greatest_of(2, 2, pixels, c, p);
  else if (p->kh == 3 && p->kw == 3)
    greatest_of(3, 3, pixels, c, p);
  else
    greatest_of(p->kh, p->kw, pixels, c, p);
}

INLINE void pool_kind(const zoo_f32_pool_kind kind, size_t pixels, const zoo_integer_pool_params *p) {
  size_t c = 0;
  if (kind == ZOO_POOL_MAX && p->channels >= MANY && is_exact(p)) {
    for (; c < p->channels; c += MANY) // the last ones with some that have been already
      greatest_exactly(pixels, c + MANY <= p->channels ? c : p->channels - MANY, p);
    return;
  }
  for (; kind == ZOO_POOL_MAX && c + MANY <= p->channels; c += MANY)
    greatest(pixels, c, p);
  for (; c + VL <= p->channels; c += VL)
    block(kind, 0, 0, pixels, c, p);
  if (c < p->channels)
    block(kind, 1, p->channels - c, pixels, c, p);
}

INLINE void pool(size_t pixels, const zoo_integer_pool_params *p) {
  switch (p->kind) {
  case ZOO_POOL_MAX:
    return pool_kind(ZOO_POOL_MAX, pixels, p);
  case ZOO_POOL_MIN:
    return pool_kind(ZOO_POOL_MIN, pixels, p);
  default:
    return pool_kind(ZOO_POOL_SUM, pixels, p);
  }
}
