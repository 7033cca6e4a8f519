// i16_igemm for any vector width: MR rows by vectors of VL columns.
//
// Each lane of weights holds four rows of one column. They are widened to 16 bits as two pairs, and each pair is multiplied by the
// same two elements of the input, which adds two products in 32 bits. A product is at most 2^15 * 127, so 512 of them fit 32
// bits; then what was summed moves on to two words, its upper and its lower 16 bits, each with room for 2^15 such blocks.
//
// The including file defines MR, PANELS (most panels of 16 columns per tile), WIDE (of one row, if more) and these words:
//   w_pair(w, second): rows 0 and 1, or 2 and 3, of each lane as 16-bit integers
//   pair_dot(sum, x, w): sum + the dot product of two 16-bit integers in each lane
#include <simd/ahead.h>
#include <simd/requantize.h>
#include <zoo_kernels.h>

#ifndef WIDE
#define WIDE PANELS
#endif
#define PER_PANEL (16 / VL) // vectors per panel
#define VECTORS (WIDE * PER_PANEL)
#define BLOCK_QUADS 128 // 512 products

// Two elements as a little-endian word.
INLINE vi broadcast_pair(const int16_t *p) {
  int32_t word;
  __builtin_memcpy(&word, p, 4);
  return i_set(word);
}

// sum += x times one quad of rows of all columns; the quads of panel v start at w + v * panel.
INLINE void multiply(const int rows, const int vectors, const int partial, vmask mask, vi (*sum)[VECTORS],
                     const int16_t *const *x, size_t k, const int8_t *w, size_t panel) {
  vi first[VECTORS], second[VECTORS];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const int32_t *from = (const int32_t *)(const void *)(w + (size_t)(v / PER_PANEL) * panel) + v % PER_PANEL * VL;
    const vi quads = partial && v == vectors - 1 ? i_load_part(from, mask) : i_load(from);
    first[v] = w_pair(quads, 0);
    second[v] = w_pair(quads, 1);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
    const vi x01 = broadcast_pair(x[i] + k), x23 = broadcast_pair(x[i] + k + 2);
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++)
      sum[i][v] = pair_dot(pair_dot(sum[i][v], x01, first[v]), x23, second[v]);
  }
}

// Moves the sums of a block on to the totals.
INLINE void flush(const int rows, const int vectors, vi (*sum)[VECTORS], vi (*upper)[VECTORS], vi (*lower)[VECTORS]) {
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      upper[i][v] = i_add(upper[i][v], i_upper16(sum[i][v]));
      lower[i][v] = i_add(lower[i][v], i_lower16(sum[i][v]));
      sum[i][v] = i_set(0);
    }
}

// One tile of `rows` x (`vectors` * VL) columns; all three counts are constants after inlining. `rest` lanes of the last
// vector count if `partial`.
INLINE void tile(const int rows, const int vectors, const int partial, size_t rest, const int8_t *w, size_t step,
                 size_t panel, ahead next, const zoo_integer_igemm_params *p, size_t column) {
  const vmask mask = v_mask(partial ? rest : 0);
  vi sum[MR][VECTORS], upper[MR][VECTORS], lower[MR][VECTORS];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const int cut = partial && v == vectors - 1;
    const int32_t *high = p->bias[0] + column + v * VL, *low = p->bias[1] + column + v * VL;
    const vi u = cut ? i_load_part(high, mask) : i_load(high);
    const vi l = i_lower16(cut ? i_load_part(low, mask) : i_load(low));
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      upper[i][v] = u;
      lower[i][v] = l;
      sum[i][v] = i_set(0);
    }
  }
  size_t room = BLOCK_QUADS;
  for (size_t t = 0; t < p->tap_count; t++) {
    const int16_t *a[MR];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      a[i] = (const int16_t *)p->a[t * p->a_tap_stride + i];
    size_t k = 0;
    while (k + 4 <= p->kc) {
      const size_t quads = (p->kc - k) / 4, run = quads < room ? quads : room;
      for (size_t q = 0; q < run; q++, k += 4, w += step, next.at += next.step) {
        if (rows > 1 && !partial)
          fetch_ahead(vectors / PER_PANEL, next.at);
        multiply(rows, vectors, partial, mask, sum, a, k, w, panel);
      }
      room -= run;
      if (room == 0) {
        flush(rows, vectors, sum, upper, lower);
        room = BLOCK_QUADS;
      }
    }
    if (k < p->kc) { // only of a single tap: the sum ends here, in a block that has room
      int16_t last[MR][4] = {{0}};
      for (int i = 0; i < rows; i++) {
        for (size_t j = 0; k + j < p->kc; j++)
          last[i][j] = a[i][k + j];
        a[i] = last[i];
      }
      multiply(rows, vectors, partial, mask, sum, a, 0, w, panel);
      w += step;
    }
  }
  flush(rows, vectors, sum, upper, lower);
  const requantization r = make_requantization(p->lower, p->upper, p->zero_point);
  const vf addend_multiplier = v_set(p->addend_multiplier);
  const vi addend_zero = i_set(p->addend_zero_point);
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const int cut = partial && v == vectors - 1;
    const size_t at = column + (size_t)v * VL;
    const vf multipliers = cut ? v_load_part(p->multipliers + at, mask) : v_load(p->multipliers + at);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      const vi carried = i_add(upper[i][v], i_upper16(lower[i][v]));
      vf real = v_mul(i_wide_float(carried, i_lower16(lower[i][v])), multipliers);
      if (p->addend) {
        const int16_t *from = (const int16_t *)p->addend + i * p->addend_stride + at;
        const vi addend = cut ? i_load16_part(from, rest) : i_load16(from);
        real = v_add(real, v_mul(i_float(i_sub(addend, addend_zero)), addend_multiplier));
      }
      int16_t *c = (int16_t *)p->c + i * p->c_stride + at;
      if (cut)
        i_store16_part(c, rest, requantize(real, r));
      else
        i_store16(c, requantize(real, r));
    }
  }
}

#define ELEMENT int16_t
#include <integer/tiles.h>
