// f32_pool and bf16_pool for any vector width: a block of channels at a time, for all pixels.
//
// For inputs that are not floats the including file defines ELEMENT, their type, X(p), where they are, x_take(p, partial, mask) and
// y_put(at, partial, mask, y, p) as below.
#include <simd/partial.h>
#include <zoo_kernels.h>

#ifndef ELEMENT
#define ELEMENT float
#define X(p) ((p)->x)
#define x_take take
#define y_put(at, partial, mask, value, p) put((p)->y + (at), partial, mask, value)
#endif

// Vectors of a block: neighbouring lines of memory. One line of every pixel, again and again, is not what processors fetch ahead.
#define WIDE 4

INLINE vf combine(const zoo_f32_pool_kind kind, vf value, vf result) {
  return kind == ZOO_POOL_MAX   ? v_max(value, result)
         : kind == ZOO_POOL_MIN ? v_min(value, result)
                                : v_add(value, result);
}

// Pixels first ..< end of a line, `width` vectors of channels from c on, or, of one, the lanes of the mask if `partial`.
INLINE void block(const zoo_f32_pool_kind kind, const int width, const int partial, vmask mask, size_t first,
                  size_t end, size_t line, size_t c, const zoo_f32_pool_params *p) {
  const vf lower = v_set(p->lower), upper = v_set(p->upper), scale = v_set(p->scale);
  const ELEMENT *x = X(p) + line * p->x_line_stride + first * p->x_pixel_stride + c;
  size_t y = line * p->y_line_stride + first * p->y_stride + c;
  for (size_t q = first; q < end; q++, x += p->x_pixel_stride, y += p->y_stride) {
    vf result[WIDE];
    for (int v = 0; v < width; v++)
      result[v] = kind == ZOO_POOL_SUM ? v_set(0) : x_take(x + v * VL, partial, mask);
    for (size_t i = 0; i < p->kh; i++)
      for (size_t j = 0; j < p->kw; j++)
        for (int v = 0; v < width; v++) {
          const vf value = x_take(x + i * p->x_row_stride + j * p->x_col_stride + v * VL, partial, mask);
          result[v] = combine(kind, value, result[v]);
        }
    for (int v = 0; v < width; v++)
      y_put(y + (size_t)v * VL, partial, mask, v_clamp(v_mul(result[v], scale), lower, upper), p);
  }
}

#ifdef STORES_BY_MASK_ARE_SLOW
// Stores whole vectors of the `rest` last channels where that is possible: the end of each is written again by the next pixels, but none may
// reach past the line. Returns how many pixels are done. (LeNet-5, 28 x 28 x 6, Zen 3: 2.1 us to 1.3.)
INLINE size_t whole_vectors(const zoo_f32_pool_kind kind, size_t rest, size_t pixels, size_t line, size_t c,
                            const zoo_f32_pool_params *p) {
  const size_t after = rest < VL ? (VL - 1) / rest : 0;
  if (pixels <= after || (after > 0 && (rest < p->channels || p->y_stride != rest || p->x_pixel_stride < rest)))
    return 0;
  block(kind, 1, 0, v_mask(VL), 0, pixels - after, line, c, p);
  return pixels - after;
}
#else
#define whole_vectors(kind, rest, pixels, line, c, p) 0
#endif

INLINE void pool_kind(const zoo_f32_pool_kind kind, size_t pixels, const zoo_f32_pool_params *p) {
  for (size_t line = 0; line < p->lines; line++) {
    size_t c = 0;
    for (; kind != ZOO_POOL_MIN && c + WIDE * VL <= p->channels; c += WIDE * VL)
      block(kind, WIDE, 0, v_mask(VL), 0, pixels, line, c, p);
    for (; c < p->channels; c += VL) {
      const size_t rest = p->channels - c, done = whole_vectors(kind, rest, pixels, line, c, p);
      if (done < pixels)
        block(kind, 1, 1, v_mask(rest < VL ? rest : VL), done, pixels, line, c, p);
    }
  }
}

INLINE void pool(size_t pixels, const zoo_f32_pool_params *p) {
  switch (p->kind) {
  case ZOO_POOL_MAX:
    pool_kind(ZOO_POOL_MAX, pixels, p);
    break;
  case ZOO_POOL_MIN:
    pool_kind(ZOO_POOL_MIN, pixels, p);
    break;
  case ZOO_POOL_SUM:
    pool_kind(ZOO_POOL_SUM, pixels, p);
    break;
  default:
    break;
  }
}
