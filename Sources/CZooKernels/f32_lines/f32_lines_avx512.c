// f32_lines for avx512: 32 neighbouring pixels by up to 8 outputs in registers.
//
// A product with one input channel and few outputs would leave most lanes of a row of outputs empty and copy, or point at, each
// window for little work. Here lanes are pixels: a line of the image is read where it lies, once for each tap.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,fma"))), apply_to = function)
#include <simd/avx512.h>

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

// Stores sum[j] lane by lane: `pixels` of them, each with as many of its `most` numbers as are outputs.
INLINE void store_pixels(const int most, size_t outputs, size_t pixels, const vf *sum, float *y, size_t y_stride) {
  const __mmask8 mask = (__mmask8)((1u << outputs) - 1u);
#pragma clang loop unroll(full)
  for (int half = 0; half < 2; half++) {
    if (pixels <= (size_t)(half * EIGHT))
      return;
    __m256 part[EIGHT], pixel[EIGHT];
#pragma clang loop unroll(full)
    for (int j = 0; j < EIGHT; j++)
      part[j] = j >= most ? _mm256_setzero_ps()
                : half    ? _mm512_extractf32x8_ps(sum[j], 1)
                          : _mm512_castps512_ps256(sum[j]);
    transpose(part, pixel);
    const size_t left = pixels - (size_t)(half * EIGHT);
#pragma clang loop unroll(full)
    for (int i = 0; i < EIGHT; i++)
      if ((size_t)i < left)
        _mm256_mask_storeu_ps(y + (size_t)(half * EIGHT + i) * y_stride, mask, pixel[i]);
  }
}

// `pixels` pixels from `first` on, in `vectors` vectors, and `most` outputs, of which the last may stand there several times; both counts
// are constants after inlining.
INLINE void block(const int most, const int vectors, size_t first, size_t pixels, const zoo_f32_lines_params *p) {
  vf sum[2][EIGHT];
  vmask mask[2];
  size_t output[EIGHT];
#pragma clang loop unroll(full)
  for (int j = 0; j < most; j++)
    output[j] = (size_t)j < p->outputs ? (size_t)j : p->outputs - 1;
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const size_t left = pixels - (size_t)v * VL;
    mask[v] = v_mask(left < VL ? left : VL);
#pragma clang loop unroll(full)
    for (int j = 0; j < most; j++)
      sum[v][j] = v_set(p->bias ? p->bias[output[j]] : 0);
  }
  const float *w = p->w;
  for (size_t i = 0; i < p->kh; i++) {
    const float *x = p->x + i * p->x_stride + first;
    for (size_t j = 0; j < p->kw; j++, x++, w += p->outputs) {
      vf value[2];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++)
        value[v] = v_load_part(x + v * VL, mask[v]);
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
    const size_t left = pixels - (size_t)v * VL;
    store_pixels(most, p->outputs, left < VL ? left : VL, sum[v], p->y + (first + (size_t)v * VL) * p->y_stride,
                 p->y_stride);
  }
}

INLINE void line(const int most, size_t count, const zoo_f32_lines_params *p) {
  size_t first = 0;
  for (; count - first > VL; first += 2 * VL) {
    const size_t left = count - first;
    block(most, 2, first, left < 2 * VL ? left : 2 * VL, p);
    if (left <= 2 * VL)
      return;
  }
  if (first < count)
    block(most, 1, first, count - first, p);
}

void zoo_f32_lines_ukernel__avx512(size_t count, const zoo_f32_lines_params *params) {
  if (params->outputs <= 4)
    line(4, count, params);
  else if (params->outputs <= 6)
    line(6, count, params);
  else
    line(8, count, params);
}

#pragma clang attribute pop
#endif
