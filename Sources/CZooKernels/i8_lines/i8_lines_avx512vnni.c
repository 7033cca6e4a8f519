// i8_lines for AVX-512 VNNI: 16 rows by 16 columns, four rows in one vector.
//
// Each quarter of a vector has a row, and four of its columns. 16 bytes of each of four rows are loaded at once, and a shuffle
// within quarters makes the quad of each row that the next four vectors of sums take: a load, a flip of signs and a broadcast
// for each dot product, as in i8_igemm, would cost more than it where there are few columns. What a quarter has of four such
// vectors packs into 16 bytes of one row, in their order.
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#include <simd/requantize512.h>

#define MOST 4 // vectors of rows in a tile

// How rows whose quads straddle taps are put together: what 16 bytes of a row have of one tap.
typedef struct part {
  __m512i order; // of the bytes read, into their places; others are 0
  size_t tap;    // bytes from the first
} part;
#define MOST_PARTS (2 * ZOO_STRADDLED_TAPS)
typedef struct windows {
  int together; // rows of which one read of 16 bytes has all: 1, 2 or 4
  part parts[MOST_PARTS];
  uint8_t first[MOST_PARTS + 1]; // of each 16 bytes
} windows;

// What all tiles have in common.
typedef struct state {
  const zoo_i8_lines_params *p;
  const windows *windows; // NULL where every tap has whole quads
  packed_requantization packed;
  vf addend_multiplier;
  vi addend_zero;
} state;

// Columns of a tile. Functions below are for 4 * `columns` of them, of which 4 * `full` surely count, both constants.
typedef struct panel {
  const int8_t *w;
  size_t step; // bytes between quads of rows
  size_t column;
  __mmask16 counting;
} panel;

// Words of four columns, from number `c` of them on, in each quarter; only those that count are read.
INLINE __m512i load_words(const void *p, const int c, const int full, const panel *b) {
  p = (const char *)p + 16 * c;
  return _mm512_broadcast_i32x4(c < full ? _mm_loadu_si128((const __m128i *)p)
                                         : _mm_maskz_loadu_epi32((__mmask8)(b->counting >> 4 * c & 15), p));
}

// Bytes from the first of four rows to the others; of fewer the last is taken again.
typedef struct steps {
  size_t second, third, fourth;
} steps;
INLINE steps steps_of(size_t step, size_t count) {
  return (steps){count > 1 ? step : 0, count > 2 ? 2 * step : count > 1 ? step : 0, (count - 1) * step};
}

INLINE __m128i load_row(const int8_t *x, const int partial, __mmask16 bytes) {
  return partial ? _mm_maskz_loadu_epi8(bytes, x) : _mm_loadu_si128((const __m128i *)(const void *)x);
}

// 16 bytes of four rows, a quarter each; only those of the mask are read if `partial`, others are 0.
INLINE __m512i load_rows(const int8_t *x, steps to, const int partial, __mmask16 bytes) {
  __m512i all = _mm512_castsi128_si512(load_row(x, partial, bytes));
  all = _mm512_mask_broadcast_i32x4(all, 0x00f0, load_row(x + to.second, partial, bytes));
  all = _mm512_mask_broadcast_i32x4(all, 0x0f00, load_row(x + to.third, partial, bytes));
  return _mm512_mask_broadcast_i32x4(all, 0xf000, load_row(x + to.fourth, partial, bytes));
}

// dpbusd multiplies unsigned by signed bytes: inputs are read as x + 128.
INLINE __m512i unsigned_rows(__m512i x) { return _mm512_xor_si512(x, _mm512_set1_epi8((char)0x80)); }

INLINE __m512i quad_of(__m512i x, const int quad) {
  return quad == 0   ? _mm512_shuffle_epi32(x, 0x00)
         : quad == 1 ? _mm512_shuffle_epi32(x, 0x55)
         : quad == 2 ? _mm512_shuffle_epi32(x, 0xaa)
                     : _mm512_shuffle_epi32(x, 0xff);
}

// Sums of the first `quads` quads of 4 * `vectors` rows and 4 * `columns` columns.
INLINE void multiply(const int vectors, const int columns, const int full, const int quads, vi (*sum)[4],
                     const __m512i *x, const int8_t *w, const panel *b) {
#pragma clang loop unroll(full)
  for (int quad = 0; quad < quads; quad++) {
    __m512i words[4];
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++)
      words[c] = load_words(w + (size_t)quad * b->step, c, full, b);
#pragma clang loop unroll(full)
    for (int i = 0; i < vectors; i++) {
      const __m512i four = quad_of(x[i], quad);
#pragma clang loop unroll(full)
      for (int c = 0; c < columns; c++)
        sum[i][c] = _mm512_dpbusd_epi32(sum[i][c], four, words[c]);
    }
  }
}

// Four of 16 bytes of each quarter as integers.
INLINE vi widened_four(__m512i bytes, const int four) {
  const int first = 4 * four;
  const __m512i order = _mm512_set4_epi32((first + 3) << 24 | 0x808080, (first + 2) << 24 | 0x808080,
                                          (first + 1) << 24 | 0x808080, first << 24 | 0x808080);
  return _mm512_srai_epi32(_mm512_shuffle_epi8(bytes, order), 24);
}

// Rounds the sums of four rows from `row` on, of which `count` are stored.
INLINE void finish(const int columns, const int full, const vi *sum, const vf *multipliers, size_t row, size_t count,
                   const panel *b, const state *s) {
  const zoo_integer_igemm_params *p = &s->p->product;
  const int whole = full == 4;
  vf real[4];
#pragma clang loop unroll(full)
  for (int c = 0; c < columns; c++)
    real[c] = v_mul(i_float(sum[c]), multipliers[c]);
  if (p->addend) {
    const int8_t *from = (const int8_t *)p->addend + row * p->addend_stride + b->column;
    const __m512i bytes = load_rows(from, steps_of(p->addend_stride, count), !whole, b->counting);
#pragma clang loop unroll(full)
    for (int c = 0; c < columns; c++) {
      const vf addend = i_float(i_sub(widened_four(bytes, c), s->addend_zero));
      real[c] = v_add(real[c], v_mul(addend, s->addend_multiplier));
    }
  }
#pragma clang loop unroll(full)
  for (int c = columns; c < 4; c++)
    real[c] = real[0];
  const __m512i y = packed_fours(real, s->packed);
  int8_t *to = (int8_t *)p->c + row * p->c_stride + b->column;
  if (whole && p->c_stride == 16 && count == 4) {
    _mm512_storeu_si512(to, y);
    return;
  }
#define STORE(i)                                                          \
  if (i < count) {                                                        \
    const __m128i bytes = _mm512_extracti32x4_epi32(y, i);                \
    if (whole)                                                            \
      _mm_storeu_si128((__m128i *)(void *)(to + (i)*p->c_stride), bytes); \
    else                                                                  \
      _mm_mask_storeu_epi8(to + (i)*p->c_stride, b->counting, bytes);     \
  }
  STORE(0)
  STORE(1)
  STORE(2)
  STORE(3)
#undef STORE
}

// Neighbouring rows of one line, and where they are.
typedef struct group {
  const int8_t *x;
  size_t row;
} group;

// 16 bytes of each row, or those of the first row of two or four: neighbouring windows share most of them.
INLINE __m512i load_windows(const int8_t *x, steps to, int together) {
  const __m512i first = _mm512_broadcast_i32x4(load_row(x, 0, 0));
  if (together == 4)
    return first;
  if (together == 2)
    return _mm512_mask_broadcast_i32x4(first, 0xff00, load_row(x + to.third, 0, 0));
  return load_rows(x, to, 0, 0);
}

// Adds the products of up to 16 bytes of each row, at least one quad.
INLINE const int8_t *multiply_some(const int vectors, const int columns, const int full, size_t bytes, vi (*sum)[4],
                                   const __m512i *rows, const int8_t *w, const panel *b) {
  if (bytes > 12)
    multiply(vectors, columns, full, 4, sum, rows, w, b);
  else if (bytes > 8)
    multiply(vectors, columns, full, 3, sum, rows, w, b);
  else if (bytes > 4)
    multiply(vectors, columns, full, 2, sum, rows, w, b);
  else
    multiply(vectors, columns, full, 1, sum, rows, w, b);
  return w + (bytes < 16 ? (bytes + 3) / 4 : 4) * b->step;
}

// 16 bytes after the others of the rows of some groups, put together from their taps once for all columns.
typedef __m512i gathered_rows[MOST_PARTS / 2][MOST];

// Windows whose quads straddle taps.
INLINE void gather(const int vectors, __m512i (*to)[MOST], const group *g, size_t count, const state *s) {
  const windows *windows = s->windows;
  const steps steps = steps_of(s->p->pixel_step, count);
  for (size_t at = 0; at < s->p->product.tap_count * s->p->product.kc; at += 16, to++) {
    __m512i rows[MOST];
#pragma clang loop unroll(full)
    for (int i = 0; i < vectors; i++)
      rows[i] = _mm512_setzero_si512();
    for (size_t part = windows->first[at / 16]; part < windows->first[at / 16 + 1]; part++)
#pragma clang loop unroll(full)
      for (int i = 0; i < vectors; i++) {
        const __m512i bytes = load_windows(g[i].x + windows->parts[part].tap, steps, windows->together);
        rows[i] = _mm512_or_si512(rows[i], _mm512_shuffle_epi8(bytes, windows->parts[part].order));
      }
#pragma clang loop unroll(full)
    for (int i = 0; i < vectors; i++)
      (*to)[i] = unsigned_rows(rows[i]);
  }
}

// Their products.
INLINE void multiply_windows(const int vectors, const int columns, const int full, vi (*sum)[4],
                             const __m512i (*rows)[MOST], const panel *b, const state *s) {
  const int8_t *w = b->w;
  const size_t depth = s->p->product.tap_count * s->p->product.kc;
  for (size_t at = 0; at < depth; at += 16, rows++)
    w = multiply_some(vectors, columns, full, depth - at, sum, *rows, w, b);
}

// The products of taps of whole quads; `near`: of four rows that are 16 bytes apart.
INLINE void multiply_taps(const int vectors, const int columns, const int full, const int near, vi (*sum)[4],
                          const group *g, steps to, const panel *b, const state *s) {
  const zoo_integer_igemm_params *p = &s->p->product;
  const int8_t *w = b->w;
  __m512i rows[MOST];
  for (size_t t = 0; t < p->tap_count; t++) {
    const size_t tap = t * s->p->tap_step;
    size_t k = 0;
    for (; k + 16 <= p->kc; k += 16, w += 4 * b->step) {
#pragma clang loop unroll(full)
      for (int i = 0; i < vectors; i++)
        rows[i] = unsigned_rows(near ? _mm512_loadu_si512(g[i].x + tap + k) : load_rows(g[i].x + tap + k, to, 0, 0));
      multiply(vectors, columns, full, 4, sum, rows, w, b);
    }
    if (k == p->kc)
      continue;
    const __mmask16 bytes = (__mmask16)((1u << (p->kc - k)) - 1u);
#pragma clang loop unroll(full)
    for (int i = 0; i < vectors; i++)
      rows[i] = unsigned_rows(load_rows(g[i].x + tap + k, to, 1, bytes));
    w = multiply_some(vectors, columns, full, p->kc - k, sum, rows, w, b);
  }
}

// `vectors` groups of `count` rows, of the given kind.
enum { TAPS, NEAR_TAPS, WINDOWS };
INLINE void tile(const int vectors, const int columns, const int full, const int kind, const group *g, size_t count,
                 const __m512i (*gathered)[MOST], const panel *b, const state *s) {
  const zoo_integer_igemm_params *p = &s->p->product;
  const steps to = steps_of(s->p->pixel_step, count);
  vi sum[MOST][4];
#pragma clang loop unroll(full)
  for (int c = 0; c < columns; c++) {
    const vi bias = load_words(p->bias[1] + b->column, c, full, b);
#pragma clang loop unroll(full)
    for (int i = 0; i < vectors; i++)
      sum[i][c] = bias;
  }
  if (kind == WINDOWS)
    multiply_windows(vectors, columns, full, sum, gathered, b, s);
  else
    multiply_taps(vectors, columns, full, kind == NEAR_TAPS, sum, g, to, b, s);
  vf multipliers[4];
#pragma clang loop unroll(full)
  for (int c = 0; c < columns; c++)
    multipliers[c] = _mm512_castsi512_ps(load_words(p->multipliers + b->column, c, full, b));
#pragma clang loop unroll(full)
  for (int i = 0; i < vectors; i++)
    finish(columns, full, sum[i], multipliers, g[i].row, kind == NEAR_TAPS ? 4 : count, b, s);
}

// One group of a narrow panel, which is rare: one piece of code for any columns.
__attribute__((noinline)) static void single(const group *g, size_t count, panel b, const state *s) {
  gathered_rows gathered;
  if (s->windows) {
    gather(1, gathered, g, count, s);
    tile(1, 4, 0, WINDOWS, g, count, gathered, &b, s);
  } else {
    tile(1, 4, 0, TAPS, g, count, gathered, &b, s);
  }
}

// All columns of `vectors` groups of `count` rows.
INLINE void strip(const int vectors, const int kind, const group *g, size_t count, size_t n, const state *s) {
  const zoo_integer_igemm_params *p = &s->p->product;
  const size_t depth = (p->tap_count * p->kc + 3) / 4 * 4;
  panel b = {p->w, 64, 0, 0xffff};
  gathered_rows gathered;
  if (kind == WINDOWS)
    gather(vectors, gathered, g, count, s);
  for (; b.column + 16 <= n; b.column += 16, b.w += 16 * depth)
    tile(vectors, 4, 4, kind, g, count, gathered, &b, s);
  const size_t rest = n - b.column; // the last, narrower panel: its quads are `rest` columns apart
  if (rest == 0)
    return;
  b.step = rest * 4;
  b.counting = (__mmask16)((1u << rest) - 1u);
  if (vectors == 1 || rest <= 4)
    for (int i = 0; i < vectors; i++)
      single(g + i, count, b, s);
  else if (rest > 8)
    tile(vectors, 4, 2, kind == WINDOWS ? WINDOWS : TAPS, g, count, gathered, &b, s);
  else
    tile(vectors, 2, 1, kind == WINDOWS ? WINDOWS : TAPS, g, count, gathered, &b, s);
}

// Of each line `count` rows, at most four, from `first`, `first` + 4 and so on, below `end`.
static void groups(size_t lines, size_t first, size_t end, size_t count, size_t n, const state *s) {
  const zoo_i8_lines_params *p = s->p;
  const int near = p->pixel_step == 16 && count == 4;
  group g[MOST];
  int held = 0;
  for (size_t i = 0; i < lines; i++)
    for (size_t pixel = first; pixel < end; pixel += 4) {
      g[held++] = (group){p->x + i * p->line_step + pixel * p->pixel_step, i * p->pixels + pixel};
      if (held < MOST)
        continue;
      if (s->windows)
        strip(MOST, WINDOWS, g, count, n, s);
      else if (near)
        strip(MOST, NEAR_TAPS, g, 4, n, s);
      else
        strip(MOST, TAPS, g, count, n, s);
      held = 0;
    }
  for (int i = 0; i < held; i++)
    if (s->windows)
      strip(1, WINDOWS, g + i, count, n, s);
    else
      strip(1, TAPS, g + i, count, n, s);
}

// Where the bytes of a row's taps belong.
static void find_parts(windows *windows, const zoo_i8_lines_params *params) {
  const size_t kc = params->product.kc, taps = params->product.tap_count, step = params->pixel_step;
  const int together = 3 * step + kc <= 16 ? 4 : step + kc <= 16 ? 2 : 1;
  const __m512i byte = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  const __m512i row = _mm512_set4_epi32(3, 2, 1, 0); // of a quarter, once its words are in order
  const __m512i quarter =
      _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3), row);
  const __m512i shift = _mm512_mullo_epi32(_mm512_and_si512(quarter, _mm512_set1_epi32(together - 1)),
                                           _mm512_set1_epi32((int32_t)(step * 0x01010101)));
  size_t part = 0;
  windows->together = together;
  for (size_t at = 0; at < taps * kc; at += 16) {
    windows->first[at / 16] = (uint8_t)part;
    for (size_t tap = at / kc; tap < taps && tap * kc < at + 16; tap++, part++) {
      const __m512i k = _mm512_add_epi8(byte, _mm512_set1_epi8((char)(at - tap * kc)));
      const __mmask64 inside = _mm512_cmplt_epu8_mask(k, _mm512_set1_epi8((char)kc));
      windows->parts[part].order = _mm512_mask_add_epi8(_mm512_set1_epi8((char)0x80), inside, k, shift);
      windows->parts[part].tap = tap * params->tap_step;
    }
    windows->first[at / 16 + 1] = (uint8_t)part;
  }
}

void zoo_i8_lines_ukernel_16x16__avx512vnni(size_t lines, size_t n, const zoo_i8_lines_params *params) {
  const zoo_integer_igemm_params *p = &params->product;
  windows straddling;
  const int straddles = p->tap_count > 1 && p->kc % 4 != 0;
  if (straddles)
    find_parts(&straddling, params);
  const state s = {params, straddles ? &straddling : NULL,
                   make_packed_requantization(p->lower, p->upper, p->zero_point), v_set(p->addend_multiplier),
                   i_set(p->addend_zero_point)};
  const size_t whole = params->pixels / 4 * 4;
  groups(lines, 0, whole, 4, n, &s);
  if (whole < params->pixels)
    groups(lines, whole, params->pixels, params->pixels - whole, n, &s);
}

#pragma clang attribute pop
#endif
