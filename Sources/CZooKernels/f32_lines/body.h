// f32_lines for any vector width: neighbouring pixels by up to 8 outputs in registers.
//
// A product with one input channel and few outputs would leave most lanes of a row of outputs empty and copy, or point at, each
// window for little work. Here lanes are pixels: a line of the image is read where it lies, once for each tap.
//
// The including file defines the vector words of simd/*.h, and
//   VECTORS(most): how many vectors of pixels a block has, of so many outputs, that its sums stay in registers
//   eighth(x, i): lanes 8 i ... 8 i + 7
//   store_eighth(y, n, x): the first n of 8 lanes
#include <zoo_kernels.h>

#define EIGHT 8

// Lanes of 8 vectors become lines: to[i][j] = from[j][i].
INLINE void transpose(const __m256 *from, __m256 *to) {
  __m256 pairs[EIGHT], quads[EIGHT];
#pragma clang loop unroll(full)
  for (int j = 0; j < EIGHT; j += 2) {
    pairs[j] = _mm256_unpacklo_ps(from[j], from[j + 1]);
    pairs[j + 1] = _mm256_unpackhi_ps(from[j], from[j + 1]);
  }
#pragma clang loop unroll(full)
  for (int j = 0; j < EIGHT; j += 4) {
    quads[j] = _mm256_shuffle_ps(pairs[j], pairs[j + 2], 0x44);
    quads[j + 1] = _mm256_shuffle_ps(pairs[j], pairs[j + 2], 0xee);
    quads[j + 2] = _mm256_shuffle_ps(pairs[j + 1], pairs[j + 3], 0x44);
    quads[j + 3] = _mm256_shuffle_ps(pairs[j + 1], pairs[j + 3], 0xee);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    to[i] = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x20);
    to[i + 4] = _mm256_permute2f128_ps(quads[i], quads[i + 4], 0x31);
  }
}

// Stores sum[j] lane by lane: of `pixels`, VL or fewer, as many of their `most` numbers as are outputs.
INLINE void store_pixels(const int most, size_t pixels, const vf *sum, float *y, const zoo_f32_lines_params *p) {
#pragma clang loop unroll(full)
  for (int i = 0; i < VL / EIGHT; i++, y += EIGHT * p->y_stride) {
    __m256 part[EIGHT], pixel[EIGHT];
#pragma clang loop unroll(full)
    for (int j = 0; j < EIGHT; j++)
      part[j] = j < most ? eighth(sum[j], i) : _mm256_setzero_ps();
    transpose(part, pixel);
#pragma clang loop unroll(full)
    for (int q = 0; q < EIGHT; q++)
      if ((size_t)(i * EIGHT + q) < pixels)
        store_eighth(y + (size_t)q * p->y_stride, p->outputs, pixel[q]);
  }
}

// `vectors` vectors of pixels, from first[v] on, or, of one vector, only `pixels` if `partial`; and `most` outputs, of which the last may
// stand there several times. `most`, `vectors` and `partial` are constants after inlining.
INLINE void block(const int most, const int vectors, const int partial, const size_t *first, size_t pixels,
                  const zoo_f32_lines_params *p) {
  vf sum[2][EIGHT];
  const vmask mask = v_mask(partial ? pixels : VL);
  size_t output[EIGHT];
#pragma clang loop unroll(full)
  for (int j = 0; j < most; j++) {
    output[j] = (size_t)j < p->outputs ? (size_t)j : p->outputs - 1;
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++)
      sum[v][j] = v_set(p->bias ? p->bias[output[j]] : 0);
  }
  const float *w = p->w;
  for (size_t i = 0; i < p->kh; i++) {
    const float *x = p->x + i * p->x_stride;
    for (size_t j = 0; j < p->kw; j++, x++, w += p->outputs) {
      vf value[2];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++)
        value[v] = partial ? v_load_part(x + first[v], mask) : v_load(x + first[v]);
#pragma clang loop unroll(full)
      for (int c = 0; c < most; c++) {
        const vf weight = v_broadcast(w + output[c]);
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++)
          sum[v][c] = v_fma(value[v], weight, sum[v][c]);
      }
    }
  }
  const vf lower = v_set(p->lower), upper = v_set(p->upper);
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
#pragma clang loop unroll(full)
    for (int j = 0; j < most; j++)
      sum[v][j] = v_clamp(sum[v][j], lower, upper);
    store_pixels(most, partial ? pixels : VL, sum[v], p->y + first[v] * p->y_stride, p);
  }
}

// Past the last whole vector of pixels, the last pixels of the line, VL or more, some of them once more.
INLINE void line(const int most, size_t count, const zoo_f32_lines_params *p) {
  for (size_t pixel = 0; pixel < count; pixel += VECTORS(most) * VL) {
    size_t first[2];
    for (size_t v = 0; v < VECTORS(most); v++)
      first[v] = pixel + v * VL < count - VL ? pixel + v * VL : count - VL;
    block(most, VECTORS(most), 0, first, VL, p);
  }
}

INLINE void lines(size_t count, const zoo_f32_lines_params *p) {
  const size_t first = 0;
  if (count < VL)
    block(EIGHT, 1, 1, &first, count, p);
  else if (p->outputs <= 6)
    line(6, count, p);
  else
    line(8, count, p);
}
