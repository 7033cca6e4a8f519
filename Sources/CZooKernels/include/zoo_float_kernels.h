// Families of microkernels of floats; the rules for all are in zoo_kernels.h.
#ifndef ZOO_FLOAT_KERNELS_H
#define ZOO_FLOAT_KERNELS_H

#include <stddef.h>
#include <stdint.h>

// Weights that the caller will want after those of a call, or after the first of them: a kernel may bring them nearer while it
// multiplies. 0 bytes: none.
typedef struct zoo_next_weights {
  const void *w;
  size_t bytes;
} zoo_next_weights;

// --- f32_igemm: (indirect) matrix product, the heart of convolution and dense layers -------------
//
// for i < m, j < n:
//   y = bias[j] + sum over t < tap_count, k < kc of a[t * a_tap_stride + i][k] * W[t * kc + k][j]
//   if addend: y += addend[i * addend_stride + j]
//   c[i * c_stride + j] = min(max(y, lower), upper)
//
// The sum runs in the order of (t, k) with fused multiply-add, starting from bias[j] (or 0), one
// accumulator per element whatever m and n are: so results do not depend on the split.
// A NaN in y passes the clamp, here and in the families below.
typedef struct zoo_f32_igemm_params {
  size_t kc;                      // contiguous elements read per pointer
  size_t tap_count;               // pointers per row
  const float *const *a;          // [tap_count][a_tap_stride >= m] pointers to kc floats each
  size_t a_tap_stride;            // pointers from one tap to the next
  const void *w;                  // panels: [ceil(n/16)][tap_count * kc][16]; the last panel is [..][n % 16]
                                  // when n % 16 != 0 (no padding is stored). float, or as the family says
  const float *w_scales;          // i8w_igemm only: [n]
  const float *bias;              // [n] or NULL
  const float *addend;            // NULL, or a residual added before the clamp; may equal c
  const uint16_t *rounded_addend; // bf16_igemm only: NULL, or a residual of bf16; may equal `rounded`
  size_t addend_stride;           // elements between rows of addend
  float *c;                       // output rows
  uint16_t *rounded;              // bf16_igemm only: NULL, or where outputs go instead of c, rounded to bf16
  size_t c_stride;                // elements between rows of c
  float lower, upper;             // clamp bounds; -INFINITY, INFINITY for none
  int32_t hard_swish;             // bf16_igemm only: not 0 for y min(max(y / 6 + 1 / 2, 0), 1) after the clamp
  void *workspace;                // NULL, or the bytes that the kernel asks for, of no meaning between calls
  zoo_next_weights next;
} zoo_f32_igemm_params;

// m >= 1 and n >= 1 any; many rows at once save calls. Kernels that ask for a workspace are fast with one and m of a hundred and more.
// Floats have other bits with a workspace than without.
typedef void (*zoo_f32_igemm_ukernel)(size_t m, size_t n, const zoo_f32_igemm_params *params);

typedef struct zoo_f32_igemm_kernel {
  zoo_f32_igemm_ukernel run;
  uint32_t mr;        // rows per inner tile
  uint32_t nr;        // columns per inner tile: a driver splits n at multiples of this
  uint32_t workspace; // bytes, or 0
} zoo_f32_igemm_kernel;

// Of kernels for a matrix unit (AMX): input rows in the order of its tiles where they are not so already, a share of a cache of the
// second level.
#define ZOO_TILE_WORKSPACE (384 << 10)

// f16w_igemm: the same with weights of IEEE half precision, which are widened exactly.
// bf16w_igemm: likewise with weights of bf16, whose panels have rows in pairs: [rows / 2][16][2], a last odd row [16].
// bf16_igemm: the same weights, and inputs that were rounded to bf16: p->a has pointers to kc bf16 numbers; kc is even, or
// there is one tap and a zero after its numbers. Products of pairs (k, k + 1) are exact; their sums are rounded in an order of the CPU's,
// denormals count as 0.
// i8w_igemm: the same with weights of int8_t: y = scale[j] * sum + bias[j], rounded one by one.

// --- bf16_pack: rows of floats, rounded to bf16 ---------------------------------------------------
//
// y[i][t * kc + k] = a[t][i][k], rounded to nearest, ties to even; a zero follows a row of odd length.
typedef struct zoo_bf16_pack_params {
  size_t kc, tap_count;
  const float *const *a; // as in zoo_f32_igemm_params
  size_t a_tap_stride;
  uint16_t *y;
  size_t y_stride; // elements between rows of y, even
} zoo_bf16_pack_params;

typedef void (*zoo_bf16_pack_ukernel)(size_t m, const zoo_bf16_pack_params *params);

// --- f32_lines: convolution of an image of one channel, stride 1, with few outputs ---------------------
//
// y[p][j] = clamp(bias[j] + sum over taps (i, k) of x[i][p + k] w[i * kw + k][j]) for `count` neighbouring pixels p of a line;
// taps are added in their order, so that the bits are those of f32_igemm.
typedef struct zoo_f32_lines_params {
  size_t kh, kw;
  size_t outputs;    // 1...ZOO_LINES_OUTPUTS
  const float *x;    // what tap (0, 0) of the first pixel reads; no pixel has taps outside of the image
  size_t x_stride;   // elements from the line of one tap to the next
  const float *w;    // [kh kw][outputs]
  const float *bias; // or NULL
  float *y;
  size_t y_stride; // elements from pixel to pixel
  float lower, upper;
} zoo_f32_lines_params;

#define ZOO_LINES_OUTPUTS 8

typedef void (*zoo_f32_lines_ukernel)(size_t count, const zoo_f32_lines_params *params);

// --- f32_winograd: the transforms of convolutions of 3 x 3 taps, 4 x 4 outputs at a time ---------------
//
// Winograd's F(4x4, 3x3) with the points 0, 1, -1, 2, -2 and infinity (Lavin and Gray, arXiv:1509.09308): a tile of 6 x 6 input
// pixels d, weights g and outputs y of one input and one output channel are
//   y = A^T [(G g G^T) * (B^T d B)] A,  * element by element,
// and the sum over input channels may be taken between the brackets: 36 products of matrices, the spectrum, instead of 144
// multiplications. `count` is the number of lanes: neighbouring channels, or weights, each transformed by itself; a multiple of 16
// but for INPUT.
//   INPUT    spectrum[s][lane] = (B^T d B)[s], d[i][j][lane] at x + i * row_stride + j * pixel_stride; zeros outside of the rows
//            and columns that exist
//   WEIGHTS  spectrum[s][lane] = (G g G^T)[s], g likewise, 3 x 3; BF16_WEIGHTS: of that type, in pairs of
//            rows of 16 (zoo/FORMAT.md), an even number of them, widened exactly
//   OUTPUT   y + i * row_stride + j * pixel_stride = clamp((A^T m A)[i][j] + bias + addend), m = spectrum, for the rows
//            and columns that exist
typedef enum zoo_f32_winograd_kind {
  ZOO_WINOGRAD_INPUT = 0,
  ZOO_WINOGRAD_WEIGHTS = 1,
  ZOO_WINOGRAD_OUTPUT = 2,
  ZOO_WINOGRAD_BF16_WEIGHTS = 3,
  ZOO_WINOGRAD_IS_32_BITS = 0x7fffffff
} zoo_f32_winograd_kind;

typedef struct zoo_f32_winograd_params {
  zoo_f32_winograd_kind kind;
  const void *x; // INPUT and WEIGHTS: pixel (0, 0) of the tile, which need not exist
  void *y;       // OUTPUT: pixel (0, 0)
  size_t row_stride, pixel_stride;
  size_t first_row, end_row, first_column, end_column; // those that exist; the first ones are 0 for OUTPUT
  float *spectrum;
  size_t spectrum_stride; // elements from one of the 36 numbers of a lane to the next
  const float *bias;      // [count] or NULL
  const void *addend;     // NULL, or a residual added before the clamp; may equal y
  size_t addend_row_stride, addend_pixel_stride;
  float lower, upper;
} zoo_f32_winograd_params;

// bf16_winograd: INPUT and OUTPUT for images of bf16, x or y and addend; spectra are floats.
typedef void (*zoo_f32_winograd_ukernel)(size_t count, const zoo_f32_winograd_params *params);

// --- f32_dwconv: depthwise convolution over a rectangle of output pixels sharing the same valid taps -------
//
// for l < lines, p < pixels, c < channels:
//   y = bias[c] + sum over i < kh, j < kw of
//         x[l * x_line_stride + p * x_pixel_stride + i * x_row_stride + j * x_col_stride + c]
//         * w[i * w_row_stride + j * w_col_stride + c]
//   y_out[l * y_line_stride + p * y_stride + c] = min(max(y, lower), upper)
//
// Summed in the order (i, j) with fused multiply-add from bias. The caller cuts the output into
// rectangles (corners, edges, interior) and passes only taps that fall inside the input, so there is
// no padding here. x points at the first valid tap of pixel 0, w at that tap's weights. Strides are positive.
typedef struct zoo_f32_dwconv_params {
  size_t channels;
  size_t kh, kw; // valid taps, each >= 1
  size_t lines;  // rows of output
  const float *x;
  size_t x_line_stride;  // elements from the windows of one row of output to those of the next (stride_h * image row)
  size_t x_pixel_stride; // elements from one output pixel's window to the next (stride_w * row width)
  size_t x_row_stride;   // elements between tap rows (dilation_h included)
  size_t x_col_stride;   // elements between tap columns (dilation_w included)
  const float *w;        // [kh][kw][channels] with w_row_stride between rows
  size_t w_row_stride;
  size_t w_col_stride; // elements between tap columns of w: the full channel count
  const float *bias;   // [channels] or NULL
  float *y;
  size_t y_line_stride; // elements between rows of output
  size_t y_stride;      // elements between output pixels
  float lower, upper;
  const uint16_t *rounded_x; // bf16_dwconv only: instead of x
  uint16_t *rounded_y;       // bf16_dwconv only: instead of y
} zoo_f32_dwconv_params;

// `pixels`: of a row of output.
// bf16_dwconv: the same of inputs of bf16, which are widened exactly; outputs are rounded to bf16, weights are floats.
typedef void (*zoo_f32_dwconv_ukernel)(size_t pixels, const zoo_f32_dwconv_params *params);

// --- f32_dwplane: depthwise convolution of some channels of an image, 3 x 3 or 5 x 5 taps, with padding ------
//
// For l < lines, p < pixels, c < channels as f32_dwconv, where
//   x = image[first + l + i - top][p + j - left][c], or 0 where the image has no such line or pixel.
// For small images, where many windows leave the image and would be cut in 8 or 24 ways. A sum takes products with zeros, too, so that
// its bits do not depend on the place of the window.
typedef struct zoo_f32_dwplane_params {
  size_t taps;          // 3 or 5 each way; avx2: 5
  size_t channels;      // a multiple of 8, at most ZOO_PLANE_CHANNELS
  size_t height, width; // of the image
  size_t top, left;     // of the padding, left less than taps
  size_t first;         // line of the output
  size_t lines, pixels; // of the output; ZOO_PLANE_LEAST pixels at the least, ZOO_PLANE_COPY limits both
  const float *x;       // the image
  size_t x_line_stride, x_pixel_stride;
  const float *w;    // [taps * taps]
  size_t w_stride;   // elements from tap to tap
  const float *bias; // [channels] or NULL
  float *y;          // line `first`
  size_t y_line_stride, y_stride;
  float lower, upper;
  int32_t hard_swish;        // 5 x 5 taps only, not 0: then y min(max(y / 6 + 1 / 2, 0), 1)
  const uint16_t *rounded_x; // bf16_dwplane only: instead of x
  uint16_t *rounded_y;       // bf16_dwplane only: instead of y
} zoo_f32_dwplane_params;

#define ZOO_PLANE_CHANNELS 64
#define ZOO_PLANE_LEAST 7
// Bytes of what is read, with padding: ceil(channels / 16) * 64 * (max(lines, 2) + taps - 1) * (pixels + taps - 1) at the most.
#define ZOO_PLANE_COPY (41 << 10)

// bf16_dwplane: as bf16_dwconv.
typedef void (*zoo_f32_dwplane_ukernel)(const zoo_f32_dwplane_params *params);

// --- f32_pool: max, min or sum-scale pooling over a rectangle of pixels sharing the same valid taps --------
//
// for l < lines, p < pixels, c < channels: reduce x over the kh*kw valid taps in the order (i, j), then times
// scale (sum only). y = min(max(reduced, lower), upper).
typedef enum zoo_f32_pool_kind {
  ZOO_POOL_MAX = 0,
  ZOO_POOL_MIN = 1,
  ZOO_POOL_SUM = 2,
  ZOO_POOL_IS_32_BITS = 0x7fffffff
} zoo_f32_pool_kind;

typedef struct zoo_f32_pool_params {
  zoo_f32_pool_kind kind;
  size_t channels, kh, kw;
  size_t lines; // rows of output
  const float *x;
  size_t x_line_stride, x_pixel_stride, x_row_stride, x_col_stride; // as those of f32_dwconv
  float *y;
  const uint16_t *rounded_x; // bf16_pool only: instead of x
  uint16_t *rounded_y;       // bf16_pool only: NULL, or instead of y
  size_t y_line_stride, y_stride;
  float scale; // multiplies the sum (1 / window count); 1 for max and min
  float lower, upper;
} zoo_f32_pool_params;

// `pixels`: of a row of output.
// bf16_pool: the same of inputs of bf16, which are widened exactly; outputs are floats or rounded to bf16.
typedef void (*zoo_f32_pool_ukernel)(size_t pixels, const zoo_f32_pool_params *params);

// --- f32_binary: y[r][i] = clamp(a[r][i] op b[r][i]) elementwise, i < count --------------------------
//
// b_step 1 reads b[r][i], 0 reads b[r][0] for all i (a scalar). In place: y may equal a or b exactly.
typedef enum zoo_f32_binary_kind {
  ZOO_BINARY_ADD = 0,
  ZOO_BINARY_SUB = 1,
  ZOO_BINARY_MUL = 2,
  ZOO_BINARY_DIV = 3,
  ZOO_BINARY_MAX = 4,
  ZOO_BINARY_MIN = 5,
  ZOO_BINARY_IS_32_BITS = 0x7fffffff // the same size under -fshort-enums
} zoo_f32_binary_kind;

typedef struct zoo_f32_binary_params {
  zoo_f32_binary_kind kind;
  const float *a, *b;
  size_t a_step, b_step; // 1, or 0 for a scalar
  float *y;
  float lower, upper;
  size_t rows;
  size_t a_stride, b_stride, y_stride; // elements from row to row, 0 for a row that is read again and again
  const uint16_t *rounded_a;           // bf16_binary only: instead of a
  uint16_t *rounded_y;                 // bf16_binary only: instead of y
} zoo_f32_binary_params;

// bf16_binary: products (ZOO_BINARY_MUL only) where a and y are bf16 and b is floats: a is widened exactly, y is rounded.

typedef void (*zoo_f32_binary_ukernel)(size_t count, const zoo_f32_binary_params *params);

// --- f32_unary: y[i] = f(x[i]) elementwise, in place allowed (y == x) -------------------------------
typedef enum zoo_f32_unary_kind {
  ZOO_UNARY_CLAMP = 0,      // min(max(x, alpha), beta)
  ZOO_UNARY_LEAKY_RELU = 1, // x < 0 ? alpha * x : x
  ZOO_UNARY_SIGMOID = 2,    // 1 / (1 + exp(-x))
  ZOO_UNARY_TANH = 3,
  ZOO_UNARY_HARD_SIGMOID = 4, // min(max(alpha * x + beta, 0), 1)
  ZOO_UNARY_HARD_SWISH = 5,   // x * min(max(x / 6 + 0.5, 0), 1)
  ZOO_UNARY_EXP = 6,
  ZOO_UNARY_ELU = 7,  // x < 0 ? alpha * (exp(x) - 1) : x
  ZOO_UNARY_SILU = 8, // x * sigmoid(alpha * x)
  ZOO_UNARY_IS_32_BITS = 0x7fffffff
} zoo_f32_unary_kind;

typedef struct zoo_f32_unary_params {
  zoo_f32_unary_kind kind;
  const float *x;
  float *y;
  float alpha, beta;
} zoo_f32_unary_params;

typedef void (*zoo_f32_unary_ukernel)(size_t count, const zoo_f32_unary_params *params);

#endif
