// i8_igemm where only unsigned by signed bytes multiply, with rows taken apart before they are multiplied: |x|, and where x is negative.
//
// Where it is, ~w = -w - 1 takes the place of w, and |x| ~w = x w - |x|: what all columns lack of a row is one number. The usual way, to
// give w the sign of x, takes an instruction that fewer units have than the exclusive or with the mask (Zen 3: 12.6 cycles for 256
// products, 10.3 so), but is how small products are made, for which it does not pay to take rows apart. A pair of products stays within
// 2 * 128 * 128 = 32768, which is only reached below zero: nothing saturates.
//
// The including file, which is compiled for AVX2, defines PANELS and WIDE as for body.h.
#include <i8_igemm/ends.h>
#include <simd/ahead.h>

#define MR 4

// Depth that is taken apart at a time: where there is more, once for every tile of columns.
#define MOST_DEPTH 2304
// Depth times columns of the least products whose rows are taken apart (28 x 32: direct 46, so 44 products in a ns; 32 x 64: 47 and 51).
#define LEAST_APART 1536

// The rows of a tile. Lines of the cache from row to row are odd, so that rows share no places in it.
typedef struct magnitudes {
  _Alignas(32) uint8_t of[MR][MOST_DEPTH + 64]; // |x|
  uint8_t signs[MR][MOST_DEPTH + 64];           // ~0 where x is negative, else 0
  int32_t lack[MR];                             // the sum of those |x|
  int is_direct;                                // rows are not taken apart
} magnitudes;

// The next 32 bytes of x, or with `partial` `count` of them and zeros.
INLINE __m256i load_bytes(const int partial, const int8_t *x, size_t count) {
  if (!partial)
    return i_load((const int32_t *)(const void *)x);
  if (count >= 4)
    return i_load_part((const int32_t *)(const void *)x, v_mask(count / 4));
  int32_t quad = 0;
  __builtin_memcpy(&quad, x, count);
  return _mm256_zextsi128_si256(_mm_cvtsi32_si128(quad));
}

// Such bytes of all rows, from column `from` of the image to column `to` of the tile.
INLINE void take_bytes_apart(const int rows, const int partial, const void *const *a, size_t from, size_t count,
                             size_t to, __m256i *lack, magnitudes *m) {
  const __m256i zero = _mm256_setzero_si256();
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
    const __m256i x = load_bytes(partial, (const int8_t *)a[i] + from, count);
    const __m256i magnitude = _mm256_abs_epi8(x), sign = _mm256_cmpgt_epi8(zero, x);
    _mm256_storeu_si256((__m256i *)(void *)(m->of[i] + to), magnitude);
    _mm256_storeu_si256((__m256i *)(void *)(m->signs[i] + to), sign);
    lack[i] = _mm256_add_epi64(lack[i], _mm256_sad_epu8(_mm256_and_si256(magnitude, sign), zero));
  }
}

INLINE __m256i evens(__m256i a, __m256i b) {
  return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88));
}

// `count` columns of a tile from column `first` on, both multiples of 4.
INLINE void take_rows_apart(const int rows, size_t first, size_t count, magnitudes *m,
                            const zoo_integer_igemm_params *p) {
  __m256i lack[MR];
#pragma clang loop unroll(full)
  for (int i = 0; i < MR; i++)
    lack[i] = _mm256_setzero_si256();
  const size_t first_tap = first == 0 ? 0 : first / p->kc;
  const void *const *a = p->a + first_tap * p->a_tap_stride;
  size_t k = first - first_tap * p->kc;
  for (size_t to = 0; to < count; a += p->a_tap_stride, k = 0) {
    size_t left = p->kc - k < count - to ? p->kc - k : count - to;
    for (; left >= 32; left -= 32, k += 32, to += 32)
      take_bytes_apart(rows, 0, a, k, left, to, lack, m);
    while (left > 0) { // whole quads, then the last one, which is not
      const size_t n = left < 4 ? left : left / 4 * 4;
      take_bytes_apart(rows, 1, a, k, n, to, lack, m);
      left -= n, k += n, to += (n + 3) / 4 * 4;
    }
  }
  // Of each row four numbers below 2^31, in every other lane.
  const __m256i pairs = _mm256_hadd_epi32(evens(lack[0], lack[1]), evens(lack[2], lack[3]));
  _mm_storeu_si128((__m128i *)(void *)m->lack,
                   _mm_add_epi32(_mm256_castsi256_si128(pairs), _mm256_extracti128_si256(pairs, 1)));
}

// Not inlined, since every kind of tile takes rows apart with its first columns.
__attribute__((noinline)) static void take_apart(int rows, size_t first, size_t count, magnitudes *m,
                                                 const zoo_integer_igemm_params *p) {
  if (rows == 4)
    take_rows_apart(4, first, count, m, p);
  else if (rows == 2)
    take_rows_apart(2, first, count, m, p);
  else
    take_rows_apart(1, first, count, m, p);
}

INLINE vi quad_at(const void *p) { return _mm256_castps_si256(_mm256_broadcast_ss(p)); }

// sum += one quad of the rows, column k of what is taken apart or with `direct` of x, times weights of all columns; the quads of panel v
// start at w + v * panel.
INLINE void multiply(const int direct, const int rows, const int vectors, const int partial, vmask mask,
                     vi (*sum)[VECTORS], const int8_t *const *x, const magnitudes *m, size_t k, const int8_t *w,
                     size_t panel) {
  const __m256i ones = _mm256_set1_epi16(1);
  vi b[VECTORS];
  load_weights(vectors, partial, mask, b, w, panel);
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++) {
    const vi sign = quad_at(direct ? (const void *)(x[i] + k) : m->signs[i] + k); // direct: x itself
    const vi magnitude = direct ? _mm256_abs_epi8(sign) : quad_at(m->of[i] + k);
#pragma clang loop unroll(full)
    for (int v = 0; v < vectors; v++) {
      const vi signed_weights = direct ? _mm256_sign_epi8(b[v], sign) : _mm256_xor_si256(b[v], sign);
      sum[i][v] = i_add(sum[i][v], _mm256_madd_epi16(_mm256_maddubs_epi16(magnitude, signed_weights), ones));
    }
  }
}

// One tile of `rows` x (`vectors` * VL) columns; all three counts are constants after inlining. `rest` lanes of the last
// vector count if `partial`. Rows are taken apart with their first columns.
INLINE void tile(const int rows, const int vectors, const int partial, size_t rest, const int8_t *w, size_t step,
                 size_t panel, ahead next, const zoo_integer_igemm_params *p, size_t column) {
  magnitudes *const m = p->workspace;
  const vmask mask = v_mask(partial ? rest : 0);
  vi sum[MR][VECTORS];
  begin(rows, vectors, partial, mask, sum, p->bias[0] + column);
  const size_t depth = (p->tap_count * p->kc + 3) / 4 * 4;
  for (size_t t = 0; m->is_direct && t < p->tap_count; t++) {
    const int8_t *x[MR];
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
      x[i] = (const int8_t *)p->a[t * p->a_tap_stride + i];
    for (size_t k = 0; k < p->kc; k += 4, w += step)
      multiply(1, rows, vectors, partial, mask, sum, x, m, k, w, panel);
  }
  for (size_t first = 0; !m->is_direct && first < depth; first += MOST_DEPTH) {
    const size_t count = depth - first < MOST_DEPTH ? depth - first : MOST_DEPTH;
    if (column == 0 || depth > MOST_DEPTH)
      take_apart(rows, first, count, m, p);
    for (size_t k = 0; k < count; k += 4, w += step, next.at += next.step) {
      if (rows > 1 && !partial)
        fetch_ahead(vectors / PER_PANEL, next.at);
      multiply(0, rows, vectors, partial, mask, sum, NULL, m, k, w, panel);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
      for (int v = 0; v < vectors; v++)
        sum[i][v] = i_add(sum[i][v], i_set(m->lack[i]));
  }
  finish(rows, vectors, partial, rest, mask, sum, p, column);
}

#define ELEMENT int8_t
#include <integer/tiles.h>

static void apart_or_direct(size_t m, size_t n, const zoo_integer_igemm_params *params) {
  magnitudes rows;
  zoo_integer_igemm_params p = *params;
  p.workspace = &rows;
  rows.is_direct = p.kc % 4 == 0 && p.tap_count * p.kc * n < LEAST_APART;
  product(m, n, &p);
}
