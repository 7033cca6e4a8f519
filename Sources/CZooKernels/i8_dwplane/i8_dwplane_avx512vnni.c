// i8_dwplane for AVX-512 VNNI: two lines of output from the same columns of four or eight rows, in which padding is like any pixel.
//
// i8_dwconv begins anew wherever other taps leave the image, 9 or 25 times, and brings the rows of 5 x 5 taps side by side for each window.
// (14x14x240, 5x5: 15.1 us to 9.0; 6x6x128, 3x3: 0.88 to 0.51; images of 56 pixels with 3x3 taps: up to 1.1 times as long.)
#include <zoo_kernels.h>
#if ZOO_X86_64
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,fma"))), \
                             apply_to = function)
#include <simd/avx512.h>
#include <simd/quads.h>

#define MOST_TAPS 5
#define MOST_GROUPS 2   // of four rows
#define MOST_COLUMNS 40 // of the image at a time: 20 KB
#define DOWN 2          // lines of output
#define ACROSS 2        // pixels of output

typedef struct planes {
  quads columns[MOST_COLUMNS][MOST_GROUPS];
  quads w[DOWN][MOST_TAPS][MOST_GROUPS]; // those of the lower line stand `step` rows further down
  quads bias;
  byte_requantization requantization;
  __mmask64 mask;
  int8_t zeros[LANES], padding[LANES];
} planes;

// Four rows of up to 64 channels, each byte with the bits of `flip` turned.
INLINE quads column(const int8_t *const *rows, __mmask64 mask, __m512i flip) {
  __m512i r[4];
#pragma clang loop unroll(full)
  for (int i = 0; i < 4; i++)
    r[i] = _mm512_xor_si512(_mm512_maskz_loadu_epi8(mask, rows[i]), flip);
  return interleave(r);
}

// Groups of rows that the windows of two lines reach.
INLINE int groups_of(int taps, int step) { return (taps + step + 3) / 4; }

// Weights, and biases less what zero points add to the sums.
static void prepare(planes *s, const zoo_i8_dwplane_params *p) {
  const int taps = (int)p->taps, step = (int)p->step, groups = groups_of(taps, step);
  const __m512i ones = _mm512_set1_epi8(1), zero = _mm512_setzero_si512();
  s->mask = p->channels == LANES ? ALL : ((__mmask64)1 << p->channels) - 1;
  s->requantization = make_byte_requantization(p->lower, p->upper, p->y_zero_point, p->multipliers, p->channels);
  s->bias = in_order(p->bias, p->channels);
  _mm512_storeu_si512(s->zeros, zero);
  _mm512_storeu_si512(s->padding, _mm512_set1_epi8((char)p->x_zero_point));
  for (int l = 0; l < DOWN; l++)
    for (int g = 0; g < groups; g++)
#pragma clang loop unroll(disable)
      for (int j = 0; j < taps; j++) {
        const int8_t *rows[4];
        for (int i = 0; i < 4; i++) {
          const int row = 4 * g + i - l * step;
          rows[i] = row >= 0 && row < taps ? p->w + (size_t)(row * taps + j) * p->w_stride : s->zeros;
        }
        s->w[l][j][g] = column(rows, s->mask, zero);
        for (int v = 0; v < 4 && l == 0; v++)
          s->bias.v[v] = i_sub(
              s->bias.v[v], i_mul(_mm512_dpbusd_epi32(zero, ones, s->w[0][j][g].v[v]), i_set(p->x_zero_point + 128)));
      }
}

// Columns first ... first + count - 1 of the padded image, for lines `line` and line + 1 of these.
__attribute__((noinline)) static void read_columns(size_t line, size_t first, size_t count, planes *s,
                                                   const zoo_i8_dwplane_params *p) {
  const int taps = (int)p->taps, step = (int)p->step, groups = groups_of(taps, step);
  const __m512i flip = _mm512_set1_epi8((char)0x80), flipped = _mm512_set1_epi8((char)(p->x_zero_point ^ 0x80));
  const quads padding = {{flipped, flipped, flipped, flipped}};
  const size_t before = first < p->left ? p->left - first : 0, left = before < count ? before : count;
  const size_t rest = p->left + p->width > first + left ? p->left + p->width - first - left : 0;
  const size_t end = rest < count - left ? left + rest : count;
  for (int g = 0; g < groups; g++) {
    const int8_t *at[4];
    size_t steps[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++) {
      const size_t row = (p->first + line) * p->step + (size_t)(4 * g + i) - p->top; // wraps around above the image
      const int is_inside = left < end && row < p->height && 4 * g + i < taps + step;
      steps[i] = is_inside ? p->x_pixel_stride : 0;
      at[i] = is_inside ? p->x + row * p->x_line_stride + (first + left - p->left) * p->x_pixel_stride : s->padding;
    }
    size_t c = 0;
    for (; c < left; c++)
      s->columns[c][g] = padding;
    for (; c < end; c++) {
      s->columns[c][g] = column(at, s->mask, flip);
#pragma clang loop unroll(full)
      for (int i = 0; i < 4; i++)
        at[i] += steps[i];
    }
    for (; c < count; c++)
      s->columns[c][g] = padding;
  }
}

INLINE void put(int8_t *y, __mmask64 mask, __m512i bytes) {
  if (mask == ALL) // masked stores take several times as long
    _mm512_storeu_si512(y, bytes);
  else
    _mm512_mask_storeu_epi8(y, mask, bytes);
}

// Two windows of both lines, from `columns` on. A vector of channels at a time, or sums and weights would not fit into registers. What is
// upper or left is written last: a line or a pixel alone is written over the next one.
INLINE void windows(const int taps, const int step, const planes *s, const quads (*columns)[MOST_GROUPS], int8_t *y,
                    size_t y_line, size_t y_stride) {
  __m512i words[DOWN][ACROSS][4];
#pragma clang loop unroll(disable)
  for (int v = 0; v < 4; v++) {
    __m512i sum[DOWN][ACROSS];
#pragma clang loop unroll(full)
    for (int l = 0; l < DOWN; l++)
#pragma clang loop unroll(full)
      for (int a = 0; a < ACROSS; a++)
        sum[l][a] = s->bias.v[v];
#pragma clang loop unroll(full)
    for (int g = 0; g < groups_of(taps, step); g++)
#pragma clang loop unroll(full)
      for (int c = 0; c < taps + (ACROSS - 1) * step; c++) {
        const __m512i x = columns[c][g].v[v];
#pragma clang loop unroll(full)
        for (int a = 0; a < ACROSS; a++)
#pragma clang loop unroll(full)
          for (int l = 0; l < DOWN; l++)
            if (c >= a * step && c < a * step + taps)
              sum[l][a] = _mm512_dpbusd_epi32(sum[l][a], x, s->w[l][c - a * step][g].v[v]);
      }
#pragma clang loop unroll(full)
    for (int l = 0; l < DOWN; l++)
#pragma clang loop unroll(full)
      for (int a = 0; a < ACROSS; a++)
        words[l][a][v] = scaled(sum[l][a], s->requantization.multipliers.v[v]);
  }
#pragma clang loop unroll(full)
  for (int l = DOWN - 1; l >= 0; l--)
#pragma clang loop unroll(full)
    for (int a = ACROSS - 1; a >= 0; a--) {
      int8_t *to = y + (size_t)l * y_line + (size_t)a * y_stride;
      put(to, s->mask, packed(words[l][a], &s->requantization));
    }
}

INLINE void plane(const int taps, const int step, const zoo_i8_dwplane_params *p) {
  const size_t strip = (size_t)((MOST_COLUMNS - taps) / step + 1);
  planes s;
  prepare(&s, p);
  for (size_t line = 0; line < p->lines; line += DOWN) {
    const size_t y_line = line + 1 < p->lines ? p->y_line_stride : 0;
    for (size_t from = 0; from < p->pixels; from += strip) {
      const size_t pixels = p->pixels - from < strip ? p->pixels - from : strip;
      const size_t reached = pixels < ACROSS ? ACROSS : pixels, y_stride = pixels < ACROSS ? 0 : p->y_stride;
      read_columns(line, from * (size_t)step, (reached - 1) * (size_t)step + (size_t)taps, &s, p);
      int8_t *y = p->y + line * p->y_line_stride + from * p->y_stride;
      for (size_t q = 0; q < reached; q += ACROSS) {
        const size_t at = q + ACROSS <= reached ? q : reached - ACROSS; // the last two overlap
        windows(taps, step, &s, s.columns + at * (size_t)step, y + at * y_stride, y_line, y_stride);
      }
    }
  }
}

#include <i8_dwplane/side_by_side.h>

void zoo_i8_dwplane_ukernel__avx512vnni(const zoo_i8_dwplane_params *params) {
  if (zoo_planes_lie_side_by_side(params))
    side_by_side(params);
  else if (params->taps == 3)
    plane(3, 1, params);
  else if (params->step == 1)
    plane(5, 1, params);
  else
    plane(5, 2, params);
}

#pragma clang attribute pop
#endif
