// Operands of products of bf16.
#include <zoo_kernels.h>
#include <zoo_train_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>

// (a, b) of every lane, rounded.
INLINE vi paired(vf a, vf b) {
  const vi order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5,
                                    20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
  return _mm512_permutexvar_epi16(order, (vi)_mm512_cvtne2ps_pbh(b, a));
}

INLINE vf numbers(const float *row, size_t at, const int partial, vmask mask) {
  if (!row)
    return v_set(0);
  return partial ? v_load_part(row + at, mask) : v_load(row + at);
}

// `count` neighbouring columns of all rows, which lie in one panel of `width` and come from one pointer.
INLINE void pair_columns(const int partial, const zoo_train_pairs *p, const float *const *a, size_t from, size_t count,
                         size_t width, uint16_t *y) {
  const vmask mask = v_mask(count);
  size_t r = 0;
  for (; r + 2 <= p->rows; r += 2) {
    const vi x = paired(numbers(a[r], from, partial, mask), numbers(a[r + 1], from, partial, mask));
    if (partial)
      _mm512_mask_storeu_epi32(y + r * width, mask, x);
    else
      _mm512_storeu_si512(y + r * width, x);
  }
}

static void pairs(const zoo_train_pairs *p) {
  for (size_t at = 0, count; at < p->columns; at += count) {
    const size_t tap = (p->column + at) / p->channels, from = (p->column + at) % p->channels;
    const size_t panel = at / ZOO_PANEL_WIDTH * ZOO_PANEL_WIDTH, rest = p->columns - panel;
    const size_t width = rest < ZOO_PANEL_WIDTH ? rest : ZOO_PANEL_WIDTH;
    count = panel + width - at;
    if (count > p->channels - from)
      count = p->channels - from;
    const float *const *a = p->a + tap * p->a_tap_stride;
    uint16_t *y = p->y + panel * p->rows;
    if (count == VL)
      pair_columns(0, p, a, from, count, width, y);
    else
      pair_columns(1, p, a, from, count, width, y + 2 * (at - panel));
    if (p->rows % 2) {
      const size_t last = p->rows - 1;
      const vmask mask = v_mask(count);
      const __m256bh x = _mm512_cvtneps_pbh(numbers(a[last], from, 1, mask));
      _mm256_mask_storeu_epi16(y + last * width + (at - panel), mask, (__m256i)x);
    }
  }
}

// Lane j of a[i] becomes lane i of a[j].
INLINE void transpose_lanes(vi *a) {
  vi b[16];
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 2) {
    b[i] = _mm512_unpacklo_epi32(a[i], a[i + 1]);
    b[i + 1] = _mm512_unpackhi_epi32(a[i], a[i + 1]);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 16; i += 4) {
    a[i] = _mm512_unpacklo_epi64(b[i], b[i + 2]);
    a[i + 1] = _mm512_unpackhi_epi64(b[i], b[i + 2]);
    a[i + 2] = _mm512_unpacklo_epi64(b[i + 1], b[i + 3]);
    a[i + 3] = _mm512_unpackhi_epi64(b[i + 1], b[i + 3]);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) { // 128 bits of a[4 k + i]: column 4 l + i of rows 4 k to 4 k + 3
    b[i] = _mm512_shuffle_i32x4(a[i], a[4 + i], 0x88);
    b[4 + i] = _mm512_shuffle_i32x4(a[i], a[4 + i], 0xdd);
    b[8 + i] = _mm512_shuffle_i32x4(a[8 + i], a[12 + i], 0x88);
    b[12 + i] = _mm512_shuffle_i32x4(a[8 + i], a[12 + i], 0xdd);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++) {
    a[i] = _mm512_shuffle_i32x4(b[i], b[8 + i], 0x88);
    a[4 + i] = _mm512_shuffle_i32x4(b[4 + i], b[12 + i], 0x88);
    a[8 + i] = _mm512_shuffle_i32x4(b[i], b[8 + i], 0xdd);
    a[12 + i] = _mm512_shuffle_i32x4(b[4 + i], b[12 + i], 0xdd);
  }
}

// 32 rows, or `rows` of them and zeros, of at most 16 columns.
INLINE void transpose_block(const int partial, size_t rows, size_t columns, const float *x, size_t x_stride,
                            uint16_t *y, size_t y_stride) {
  const vmask mask = v_mask(columns);
  vi lines[16];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 16; i++) {
    const float *a = partial && 2 * i >= rows ? NULL : x + 2 * i * x_stride;
    const float *b = partial && 2 * i + 1 >= rows ? NULL : x + (2 * i + 1) * x_stride;
    lines[i] = paired(numbers(a, 0, partial, mask), numbers(b, 0, partial, mask));
  }
  transpose_lanes(lines);
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 16; i++)
    if (!partial || i < columns)
      _mm512_storeu_si512(y + i * y_stride, lines[i]);
}

static void transpose(size_t rows, size_t columns, const float *x, size_t x_stride, uint16_t *y, size_t y_stride) {
  for (size_t r = 0; r < rows; r += 32) {
    const size_t height = rows - r < 32 ? rows - r : 32;
    for (size_t c = 0; c < columns; c += VL) {
      const size_t width = columns - c < VL ? columns - c : VL;
      if (height == 32 && width == VL)
        transpose_block(0, height, width, x + r * x_stride + c, x_stride, y + c * y_stride + r, y_stride);
      else
        transpose_block(1, height, width, x + r * x_stride + c, x_stride, y + c * y_stride + r, y_stride);
    }
  }
}

const zoo_train_bf16_kernels zoo_train_bf16_kernels_avx512bf16 = {.pairs = pairs, .transpose = transpose};
#pragma clang attribute pop
#endif
