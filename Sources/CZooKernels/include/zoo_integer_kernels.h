// Families of microkernels of integers; the rules for all are in zoo_kernels.h.
#ifndef ZOO_INTEGER_KERNELS_H
#define ZOO_INTEGER_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "zoo_float_kernels.h" // kinds of pooling and of elementwise functions

// --- integers --------------------------------------------------------------------------------------
//
// Activations are int8_t (families i8_...) or int16_t (i16_..., with zero points of 0): the elements that `void` pointers
// below point to, and that strides count. Weights are int8_t in -127...127. All end in the same step (Requantization in
// Sources/Zoo): real is a float in units of the output's scale, computed with every product and sum rounded by itself (no
// fused operations);
//   y = rint(min(max(real, lower), upper)) + zero_point, ties to even; lower has no fraction, and NaN becomes lower.
// Sums of products are exact: in 32 bits for i8, in 48 bits for i16, rounded once when they become a float. So every kernel
// gives the bits of the portable code.

// The exact sum of i16 families: as after all additions in 48 bits, of which a bias brings the upper 32 and the lower 16.
static inline int64_t zoo_wide_bias(int32_t upper, int32_t lower) {
  return (int64_t)((uint64_t)(int64_t)upper << 16 | (uint16_t)lower);
}
static inline int64_t zoo_wide_add(int64_t sum, int32_t x, int32_t w) { return sum + (int64_t)x * w; }
static inline float zoo_wide_float(int64_t sum) { return (float)((int64_t)((uint64_t)sum << 16) >> 16); }

// --- i8_igemm, i16_igemm: the (indirect) matrix product of integers ----------------------------------
//
// for i < m, j < n:
//   sum  = bias of j + sum over t < tap_count, k < kc of a[t * a_tap_stride + i][k] * W[t * kc + k][j]
//   real = (float)sum * multipliers[j]
//   if addend: real += (float)(addend[i * addend_stride + j] - addend_zero_point) * addend_multiplier
//   c[i * c_stride + j] = requantized real
//
// i8: the bias is bias[0][j]; a kernel may read a + 128 as an unsigned number and start from bias[1][j] = bias[0][j] - 128 *
// sum of W[.][j]. i16: bias[0] has the upper 32 of 48 bits, bias[1] the lower 16 (its upper bits are ignored); tap_count * kc
// is below 2^23, which keeps sums exact.
typedef struct zoo_integer_igemm_params {
  size_t kc;            // elements read per pointer, a multiple of 4 unless tap_count is 1
  size_t tap_count;     // pointers per row
  const void *const *a; // [tap_count][a_tap_stride >= m] pointers to kc elements each
  size_t a_tap_stride;  // pointers from one tap to the next
  const int8_t *w; // panels: [ceil(n/16)][quads][16][4], quads = ceil(tap_count * kc / 4): 4 rows of one column side
                   // by side, zeros past the last row; the last panel is [..][n % 16][4]
  const int32_t *bias[2];   // [n] each
  const float *multipliers; // [n]
  const void *addend;       // NULL, or a residual; may equal c
  size_t addend_stride;
  int32_t addend_zero_point;
  float addend_multiplier;
  void *c;
  size_t c_stride;
  int32_t zero_point;
  float lower, upper;
  void *workspace; // NULL, or the bytes that the kernel asks for, of no meaning between calls
  zoo_next_weights next;
} zoo_integer_igemm_params;

// m >= 1 and n >= 1 any; many rows at once save calls. Kernels that ask for a workspace are fast with one and m of a hundred and more.
typedef void (*zoo_integer_igemm_ukernel)(size_t m, size_t n, const zoo_integer_igemm_params *params);

typedef struct zoo_integer_igemm_kernel {
  zoo_integer_igemm_ukernel run;
  uint32_t mr;        // rows per inner tile
  uint32_t nr;        // columns per inner tile: a driver splits n at multiples of this
  uint32_t workspace; // bytes, or 0
} zoo_integer_igemm_kernel;

// --- i8_winograd: convolution of 3 x 3 taps, stride 1, with a quarter of the multiplications, exactly ---
//
// Winograd's F(4x4, 3x3) as in f32_winograd, in integers: the rows of G are taken 4, 6, 6, 24, 24 and 1 times, so that they have no
// fractions, and 576 times each sum comes out. Numbers of 16 bits hold what is multiplied: at most 100 * 128 for inputs and 49 * 127
// for weights. Sums are taken modulo 2^32; since 9 has an inverse there, 64 times what a convolution of `depth` channels adds up is
// known modulo 2^32, and with at most ZOO_I8_WINOGRAD_DEPTH channels it is below 2^31. More channels come in parts that are added up as sums.
// Source: Lavin and Gray, arXiv:1509.09308; filters scaled to integers: Meng and Brothers, arXiv:1901.01965.
//   INPUT    inputs[s][c] = B^T d B for `count` channels c, a multiple of 16; pixels that do not exist read as `padding`
//   WEIGHTS  weights[s][k / 2][column][k % 2] for `count` rows k, a multiple of 4, of the 16 columns of a panel
//   PRODUCT  sums[s][tile][column] = sum over k < depth of inputs[s][tile][k] weights[s][column / 16][k / 2][column % 16][k % 2] for
//            `count` tiles
//   OUTPUT   the 4 x 4 outputs of one tile for `count` columns, a multiple of 8, as i8_igemm finishes them with bias[0]
typedef enum zoo_i8_winograd_step {
  ZOO_I8_WINOGRAD_INPUT = 0,
  ZOO_I8_WINOGRAD_WEIGHTS = 1,
  ZOO_I8_WINOGRAD_PRODUCT = 2,
  ZOO_I8_WINOGRAD_OUTPUT = 3,
  ZOO_I8_WINOGRAD_IS_32_BITS = 0x7fffffff
} zoo_i8_winograd_step;

// 9 * 128 channels of at most 128 * 127 are 18.7 million, below 2^25.
#define ZOO_I8_WINOGRAD_DEPTH 128
// Columns of a row of sums.
#define ZOO_WINOGRAD_COLUMNS 32

typedef struct zoo_i8_winograd_params {
  zoo_i8_winograd_step step;
  const int8_t *x; // pixel (0, 0) of the tile, which need not exist
  size_t row_stride, pixel_stride;
  size_t first_row, end_row, first_column, end_column; // those that exist; of OUTPUT the first ones are 0
  int32_t padding;
  const int8_t *w;   // tap (0, 0) of a panel, quads of rows of 16 columns as in zoo_integer_igemm_params
  size_t tap_stride; // bytes from tap to tap
  int16_t *inputs, *weights;
  size_t input_stride, weight_stride; // from one of the 36 numbers to the next
  size_t channels;                    // from tile to tile of inputs
  size_t depth, columns;              // of a product: multiples of 4 and 16
  int32_t *sums;                      // [36][tiles][ZOO_WINOGRAD_COLUMNS]
  size_t sum_stride;
  int32_t *partial; // [16][ZOO_WINOGRAD_COLUMNS]: sums of the channels before, unless this part is both first and last
  bool is_first, is_last;
  const int32_t *bias;      // [count]
  const float *multipliers; // [count]
  const int8_t *addend;     // NULL, or a residual; may equal y
  size_t addend_row_stride, addend_pixel_stride;
  int32_t addend_zero_point;
  float addend_multiplier;
  int8_t *y;
  size_t y_row_stride, y_pixel_stride;
  int32_t zero_point;
  float lower, upper;
} zoo_i8_winograd_params;

typedef void (*zoo_i8_winograd_ukernel)(size_t count, const zoo_i8_winograd_params *params);

// --- i8_lines: i8_igemm whose rows are found by steps, for few columns ---------------------------------------
//
// Row i of tap t is at x + i / pixels * line_step + i % pixels * pixel_step + t * tap_step: pixels of lines of an image, the taps of
// one kernel row side by side. m = lines * pixels, any n >= 1.
//
// kc may be any number up to 16 if there are at most ZOO_STRADDLED_TAPS taps: then 16 bytes may be read wherever a tap starts.
#define ZOO_STRADDLED_TAPS 15
typedef struct zoo_i8_lines_params {
  zoo_integer_igemm_params product; // of all rows; what `a`, its stride and the workspace are does not matter
  const int8_t *x;
  size_t pixels; // of a line, at least 1
  size_t pixel_step, line_step, tap_step;
} zoo_i8_lines_params;

typedef void (*zoo_i8_lines_ukernel)(size_t lines, size_t n, const zoo_i8_lines_params *params);

// --- i8_dwconv, i16_dwconv: depthwise convolution over a rectangle of output pixels sharing the same valid taps ---
//
// sum = bias of c + sum over i < kh, j < kw of (x[..] - x_zero_point) * w[..]; real = (float)sum * multipliers[c].
// Pointers and strides as in f32_dwconv; biases as in igemm, without a second one for i8.
typedef struct zoo_integer_dwconv_params {
  size_t channels;
  size_t kh, kw; // valid taps, each >= 1
  size_t lines;  // rows of output
  const void *x;
  size_t x_line_stride, x_pixel_stride, x_row_stride, x_col_stride;
  int32_t x_zero_point;
  const int8_t *w;
  size_t w_row_stride, w_col_stride;
  const int32_t *bias[2];   // [channels] each
  const float *multipliers; // [channels]
  void *y;
  size_t y_line_stride, y_stride;
  int32_t y_zero_point;
  float lower, upper;
} zoo_integer_dwconv_params;

typedef void (*zoo_integer_dwconv_ukernel)(size_t pixels, const zoo_integer_dwconv_params *params);

// --- i8_dwplane: the same for lines of an image with the padding around it, up to 64 channels ------------------------
typedef struct zoo_i8_dwplane_params {
  size_t taps; // 3 or 5 each way
  size_t step; // from pixel to pixel of the output, each way: 1; or 2 with 5 taps or side by side
  size_t channels;
  size_t height, width; // of the image
  size_t top, left;     // of the padding
  size_t first;         // line of the output
  size_t lines, pixels; // of the output
  const int8_t *x;      // the image
  size_t x_line_stride, x_pixel_stride;
  int32_t x_zero_point;
  const int8_t *w; // [taps * taps]
  size_t w_stride; // elements from tap to tap
  const int32_t *bias;
  const float *multipliers;
  int8_t *y; // line `first`
  size_t y_line_stride, y_stride;
  int32_t y_zero_point;
  float lower, upper;
} zoo_i8_dwplane_params;

#define ZOO_INTEGER_PLANE_CHANNELS 64
#define ZOO_INTEGER_PLANE_LINE 3776 // bytes of a line with its padding, where pixels of few channels lie side by side

// Whether several pixels fill a vector: few channels without gaps; with a step of 2, 8, 16 or 32.
static inline bool zoo_planes_lie_side_by_side(const zoo_i8_dwplane_params *p) {
  const size_t pixels = p->width > p->pixels * p->step ? p->width : p->pixels * p->step;
  return p->taps == 3 && p->channels <= 32 && p->left < 3 &&
         (p->step == 1 || (p->channels >= 8 && 32 % p->channels == 0)) && p->x_pixel_stride == p->channels &&
         p->y_stride == p->channels && (pixels + p->left + 2) * p->channels <= ZOO_INTEGER_PLANE_LINE;
}

typedef void (*zoo_i8_dwplane_ukernel)(const zoo_i8_dwplane_params *params);

// --- i8_pool, i16_pool: max, min or sum over a run of pixels sharing the same valid taps -------------------
//
// real = (float)(reduction of x - x_zero_point) * multiplier. Sums are of 32 bits.
typedef struct zoo_integer_pool_params {
  zoo_f32_pool_kind kind;
  size_t channels, kh, kw;
  const void *x;
  size_t x_pixel_stride, x_row_stride, x_col_stride;
  int32_t x_zero_point;
  float multiplier;
  void *y;
  size_t y_stride;
  int32_t y_zero_point;
  float lower, upper;
} zoo_integer_pool_params;

typedef void (*zoo_integer_pool_ukernel)(size_t pixels, const zoo_integer_pool_params *params);

// --- i8_binary, i16_binary: elementwise -----------------------------------------------------------------------
//
// With a' = a[i] - a_zero_point and b' likewise: real = (float)a' * a_multiplier op (float)b' * b_multiplier, for a product
// (float)(a' * b') * a_multiplier. Steps, rows and aliasing as in f32_binary; no division.
typedef struct zoo_integer_binary_params {
  zoo_f32_binary_kind kind;
  const void *a, *b;
  size_t a_step, b_step;
  int32_t a_zero_point, b_zero_point;
  float a_multiplier, b_multiplier;
  void *y;
  int32_t y_zero_point;
  float lower, upper;
  size_t rows;
  size_t a_stride, b_stride, y_stride; // elements from row to row, 0 for a row that is read again and again
} zoo_integer_binary_params;

typedef void (*zoo_integer_binary_ukernel)(size_t count, const zoo_integer_binary_params *params);

// --- i8_quantize, i16_quantize: real = x[i] / scale; NaN gives the lower bound -----------------------------------
typedef struct zoo_integer_quantize_params {
  const float *x;
  void *y;
  float scale;
  int32_t zero_point;
  float lower, upper;
} zoo_integer_quantize_params;

typedef void (*zoo_integer_quantize_ukernel)(size_t count, const zoo_integer_quantize_params *params);

// --- i8_lookup: y[i] = table[x[i] as an unsigned byte] ---------------------------------------------------------
//
// `table` has 256 answers; y may be x.
typedef void (*zoo_i8_lookup_ukernel)(size_t count, const int8_t *table, const int8_t *x, int8_t *y);

#endif
