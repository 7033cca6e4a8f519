// i8_igemm for any vector width: MR rows by vectors of VL columns, one 32-bit sum per lane.
//
// The including file defines MR, PANELS (most panels of 16 columns per tile), WIDE (of one row, if more) and the words of one dot product:
//   QX, q_input(state, bits): four bytes of the input, the same for all lanes, as the dot product wants them
//   q_state(): what q_input needs, made once
//   q_dot(sum, x, w): sum + the dot product of four bytes in each lane
//   Q_BIAS: which row of biases the sums start from
#include <simd/ahead.h>
#include <simd/requantize.h>
#include <zoo_kernels.h>

#ifndef WIDE
#define WIDE PANELS
#endif
#define PER_PANEL (16 / VL) // vectors per panel
#define VECTORS (WIDE * PER_PANEL)

// Up to four bytes as a little-endian word.
INLINE int32_t quad_at(const int8_t *p) {
  int32_t word;
  __builtin_memcpy(&word, p, 4);
  return word;
}
INLINE int32_t quad_part(const int8_t *p, size_t n) {
  uint32_t word = 0;
  for (size_t k = 0; k < n; k++)
    word |= (uint32_t)(uint8_t)p[k] << 8 * k;
  return (int32_t)word;
}

// sum += x times one quad of rows of all columns; the quads of panel v start at w + v * panel.
INLINE void multiply(const int rows, const int vectors, const int partial, vmask mask, vi (*sum)[VECTORS],
                     const int8_t *const *x, size_t k, const int8_t *w, size_t panel, QX state) {
  vi b[VECTORS];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const int32_t *from = (const int32_t *)(const void *)(w + (size_t)(v / PER_PANEL) * panel) + v % PER_PANEL * VL;
    b[v] = partial && v == vectors - 1 ? i_load_part(from, mask) : i_load(from);
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
    const QX quad = q_input(state, quad_at(x[i] + k));
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++)
      sum[i][v] = q_dot(sum[i][v], quad, b[v]);
  }
}

// One tile of `rows` x (`vectors` * VL) columns; all three counts are constants after inlining. `rest` lanes of the last
// vector count if `partial`.
INLINE void tile(const int rows, const int vectors, const int partial, size_t rest, const int8_t *w, size_t step,
                 size_t panel, ahead next, const zoo_integer_igemm_params *p, size_t column) {
  const vmask mask = v_mask(partial ? rest : 0);
  vi sum[MR][VECTORS];
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const int32_t *bias = p->bias[Q_BIAS] + column + v * VL;
    const vi b = partial && v == vectors - 1 ? i_load_part(bias, mask) : i_load(bias);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      sum[i][v] = b;
  }
  const QX state = q_state();
  for (size_t t = 0; t < p->tap_count; t++) {
    const int8_t *a[MR];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      a[i] = (const int8_t *)p->a[t * p->a_tap_stride + i];
    size_t k = 0;
    for (; k + 4 <= p->kc; k += 4, w += step, next.at += next.step) {
      if (rows > 1 && !partial)
        fetch_ahead(vectors / PER_PANEL, next.at);
      multiply(rows, vectors, partial, mask, sum, a, k, w, panel, state);
    }
    if (k < p->kc) {
      int8_t last[MR][4];
      for (int i = 0; i < rows; i++) {
        const int32_t quad = quad_part(a[i] + k, p->kc - k);
        __builtin_memcpy(last[i], &quad, 4);
        a[i] = last[i];
      }
      multiply(rows, vectors, partial, mask, sum, a, 0, w, panel, state);
      w += step;
    }
  }
  const vf addend_multiplier = v_set(p->addend_multiplier);
  const vi addend_zero = i_set(p->addend_zero_point);
#ifdef ZOO_PACKS_REQUANTIZED
  if (!partial && vectors % 2 == 0) {
    const packed_requantization packed = make_packed_requantization(p->lower, p->upper, p->zero_point);
    vf multipliers[VECTORS];
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++)
      multipliers[v] = v_load(p->multipliers + column + v * VL);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      const int8_t *from = (const int8_t *)p->addend + i * p->addend_stride + column;
      vf real[VECTORS];
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++) {
        real[v] = v_mul(i_float(sum[i][v]), multipliers[v]);
        if (p->addend) {
          const vi addend = i_sub(i_load8(from + v * VL), addend_zero);
          real[v] = v_add(real[v], v_mul(i_float(addend), addend_multiplier));
        }
      }
      store_requantized((int8_t *)p->c + i * p->c_stride + column, vectors, real, packed);
    }
    return;
  }
#endif
  const requantization r = make_requantization(p->lower, p->upper, p->zero_point);
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const int cut = partial && v == vectors - 1;
    const size_t at = column + (size_t)v * VL;
    const vf multipliers = cut ? v_load_part(p->multipliers + at, mask) : v_load(p->multipliers + at);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      vf real = v_mul(i_float(sum[i][v]), multipliers);
      if (p->addend) {
        const int8_t *from = (const int8_t *)p->addend + i * p->addend_stride + at;
        const vi addend = cut ? i_load8_part(from, rest) : i_load8(from);
        real = v_add(real, v_mul(i_float(i_sub(addend, addend_zero)), addend_multiplier));
      }
      int8_t *c = (int8_t *)p->c + i * p->c_stride + at;
      if (cut)
        i_store8_part(c, rest, requantize(real, r));
      else
        i_store8(c, requantize(real, r));
    }
  }
}

#define ELEMENT int8_t
#include <integer/tiles.h>
