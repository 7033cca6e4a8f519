// i8_igemm for any vector width: MR rows by vectors of VL columns, one 32-bit sum per lane.
//
// The including file defines MR, PANELS (most panels of 16 columns per tile), WIDE (of one row, if more) and the words of one dot product:
//   QX, q_input(state, bits): four bytes of the input, the same for all lanes, as the dot product wants them
//   q_state(): what q_input needs, made once
//   q_dot(sum, x, w): sum + the dot product of four bytes in each lane
//   Q_BIAS: which row of biases the sums start from
#include <i8_igemm/ends.h>
#include <simd/ahead.h>

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
  load_weights(vectors, partial, mask, b, w, panel);
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
  begin(rows, vectors, partial, mask, sum, p->bias[Q_BIAS] + column);
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
  finish(rows, vectors, partial, rest, mask, sum, p, column);
}

#define ELEMENT int8_t
#include <integer/tiles.h>
