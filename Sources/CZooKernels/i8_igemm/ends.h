// What all bodies of i8_igemm share, for any vector width: biases, weights, and sums that become bytes.
#include <simd/requantize.h>
#include <zoo_kernels.h>

#ifndef WIDE
#define WIDE PANELS
#endif
#define PER_PANEL (16 / VL) // vectors per panel
#define VECTORS (WIDE * PER_PANEL)

// The biases of columns from `column` on, for `rows` rows of `vectors` vectors, of the last of which the lanes in `mask` count if `partial`.
INLINE void begin(const int rows, const int vectors, const int partial, vmask mask, vi (*sum)[VECTORS],
                  const int32_t *biases) {
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const int32_t *bias = biases + v * VL;
    const vi b = partial && v == vectors - 1 ? i_load_part(bias, mask) : i_load(bias);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      sum[i][v] = b;
  }
}

// One quad of rows of all columns; the quads of panel v start at w + v * panel.
INLINE void load_weights(const int vectors, const int partial, vmask mask, vi *b, const int8_t *w, size_t panel) {
#pragma clang loop unroll(full)
  for (int v = 0; v < vectors; v++) {
    const int32_t *from = (const int32_t *)(const void *)(w + (size_t)(v / PER_PANEL) * panel) + v % PER_PANEL * VL;
    b[v] = partial && v == vectors - 1 ? i_load_part(from, mask) : i_load(from);
  }
}

// Sums as bytes. `rest`: how many lanes are in the mask.
INLINE void finish(const int rows, const int vectors, const int partial, size_t rest, vmask mask, vi (*sum)[VECTORS],
                   const zoo_integer_igemm_params *p, size_t column) {
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
