// SIMD microkernels: the contract every variant keeps, and how one is chosen.
//
// Names are grammar: zoo_<type>_<family>_ukernel_<tile>__<isa>. Each family has one list,
// <type>_<family>/<type>_<family>.inc, whose rows declare, select and publish its variants (so tests
// and benchmarks follow from it): add a variant = one C file and one row.
//
// Rules for all kernels: no libc but memcpy/memset, no allocation, no global mutable state; unaligned
// pointers welcome; never read or write outside the stated elements (tails are handled inside, by
// masks); results do not depend on how a caller splits m or the pixel count between calls.
//
// The scalar meaning of each family is portable Swift in Sources/Zoo: a NULL entry in the table
// below says "use that".
#ifndef ZOO_KERNELS_H
#define ZOO_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__x86_64__) && defined(__linux__)
#define ZOO_X86_64 1
#endif

// Instruction-set families in the order of preference. Numbers equal `zoo_isa` of zoo.h.
enum {
  ZOO_KERNELS_SCALAR = 1,
  ZOO_KERNELS_AVX2 = 2,
  ZOO_KERNELS_AVX512 = 3,
  ZOO_KERNELS_AVX512VNNI = 4,
  ZOO_KERNELS_AVX512BF16 = 5,
};

// Width of one packed panel of output channels, for every type and ISA (see zoo/FORMAT.md).
#define ZOO_PANEL_WIDTH 16

// Pointer tables may point here for padding pixels: zeros, never written.
#define ZOO_ZERO_ROW_COUNT 8192
extern const float zoo_f32_zero_row[ZOO_ZERO_ROW_COUNT];

// The same as a pointer; NULL where only portable kernels are built, which need no such row.
static inline const float *zoo_f32_zero_row_address(void) {
#if ZOO_X86_64
  return zoo_f32_zero_row;
#else
  return NULL;
#endif
}

// Copies `bytes` bytes: short runs of one length again and again, where a call of memcpy would cost more than it moves.
// Overlapping copies of a fixed size, so that nothing outside is touched.
static inline void zoo_copy_run(char *to, const char *from, size_t bytes) {
  if (bytes >= 16) {
    size_t at = 0;
    for (; at + 16 <= bytes; at += 16)
      __builtin_memcpy(to + at, from + at, 16);
    if (at < bytes)
      __builtin_memcpy(to + bytes - 16, from + bytes - 16, 16);
  } else if (bytes >= 8) {
    __builtin_memcpy(to, from, 8);
    __builtin_memcpy(to + bytes - 8, from + bytes - 8, 8);
  } else if (bytes >= 4) {
    __builtin_memcpy(to, from, 4);
    __builtin_memcpy(to + bytes - 4, from + bytes - 4, 4);
  } else {
    for (size_t k = 0; k < bytes; k++)
      to[k] = from[k];
  }
}

// The windows of `pixels` neighbouring outputs, each of `lines` runs of `run_bytes`, one window after the other.
static inline void zoo_gather(char *to, size_t window_bytes, const char *from, size_t pixel_bytes, size_t pixels,
                              size_t lines, size_t line_bytes, size_t run_bytes) {
  for (size_t p = 0; p < pixels; p++, to += window_bytes, from += pixel_bytes)
    for (size_t i = 0; i < lines; i++)
      zoo_copy_run(to + i * run_bytes, from + i * line_bytes, run_bytes);
}

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
  size_t kc;             // contiguous elements read per pointer
  size_t tap_count;      // pointers per row
  const float *const *a; // [tap_count][a_tap_stride >= m] pointers to kc floats each
  size_t a_tap_stride;   // pointers from one tap to the next
  const void *w;         // panels: [ceil(n/16)][tap_count * kc][16]; the last panel is [..][n % 16]
                         // when n % 16 != 0 (no padding is stored). float, or as the family says
  const float *w_scales; // i8w_igemm only: [n]
  const float *bias;     // [n] or NULL
  const float *addend;   // NULL, or a residual added before the clamp; may equal c
  size_t addend_stride;  // elements between rows of addend
  float *c;              // output rows
  size_t c_stride;       // elements between rows of c
  float lower, upper;    // clamp bounds; -INFINITY, INFINITY for none
} zoo_f32_igemm_params;

// m in 1...mr of the kernel, n >= 1 any.
typedef void (*zoo_f32_igemm_ukernel)(size_t m, size_t n, const zoo_f32_igemm_params *params);

typedef struct zoo_f32_igemm_kernel {
  zoo_f32_igemm_ukernel run;
  uint32_t mr; // most rows per call
  uint32_t nr; // columns per inner tile: a driver splits n at multiples of this
} zoo_f32_igemm_kernel;

// f16w_igemm: the same with weights of IEEE half precision, which are widened exactly.
// bf16w_igemm: likewise with weights of bf16.
// bf16_igemm: weights of bf16, and inputs that were rounded to bf16: p->a has pointers to kc bf16 numbers; kc is even, or
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

// --- f32_winograd: the transforms of convolutions of 3 x 3 taps, 4 x 4 outputs at a time ---------------
//
// Winograd's F(4x4, 3x3) with the points 0, 1, -1, 2, -2 and infinity (Lavin and Gray, arXiv:1509.09308): a tile of 6 x 6 input
// pixels d, weights g and outputs y of one input and one output channel are
//   y = A^T [(G g G^T) * (B^T d B)] A,  * element by element,
// and the sum over input channels may be taken between the brackets: 36 products of matrices, the spectrum, instead of 144
// multiplications. `count` is the number of lanes: neighbouring channels, or weights, each transformed by itself.
//   INPUT    spectrum[s][lane] = (B^T d B)[s], d[i][j][lane] at x + i * row_stride + j * pixel_stride; zeros outside of the rows
//            and columns that exist
//   WEIGHTS  spectrum[s][lane] = (G g G^T)[s], g likewise, 3 x 3; BF16_WEIGHTS: of that type, widened exactly
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
  float *y;      // OUTPUT: pixel (0, 0)
  size_t row_stride, pixel_stride;
  size_t first_row, end_row, first_column, end_column; // those that exist; the first ones are 0 for OUTPUT
  float *spectrum;
  size_t spectrum_stride; // elements from one of the 36 numbers of a lane to the next
  const float *bias;      // [count] or NULL
  const float *addend;    // NULL, or a residual added before the clamp; may equal y
  size_t addend_row_stride, addend_pixel_stride;
  float lower, upper;
} zoo_f32_winograd_params;

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
} zoo_f32_dwconv_params;

// `pixels`: of a row of output.
typedef void (*zoo_f32_dwconv_ukernel)(size_t pixels, const zoo_f32_dwconv_params *params);

// --- f32_pool: max, min or sum-scale pooling over a run of pixels sharing the same valid taps --------
//
// for p < pixels, c < channels: reduce x over the kh*kw valid taps in the order (i, j), then times
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
  const float *x;
  size_t x_pixel_stride, x_row_stride, x_col_stride;
  float *y;
  size_t y_stride;
  float scale; // multiplies the sum (1 / window count); 1 for max and min
  float lower, upper;
} zoo_f32_pool_params;

typedef void (*zoo_f32_pool_ukernel)(size_t pixels, const zoo_f32_pool_params *params);

// --- f32_binary: y[i] = clamp(a[i] op b[i]) elementwise ---------------------------------------------
//
// b_step 1 reads b[i], 0 reads b[0] for all i (a scalar). In place: y may equal a or b exactly.
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
} zoo_f32_binary_params;

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

// --- integers --------------------------------------------------------------------------------------
//
// Activations are int8_t (families i8_...) or int16_t (i16_..., with zero points of 0): the elements that `void` pointers
// below point to, and that strides count. Weights are int8_t in -127...127. All end in the same step (Requantization in
// Sources/Zoo): real is a float in units of the output's scale, computed with every product and sum rounded by itself (no
// fused operations);
//   y = rint(min(max(real, lower), upper)) + zero_point, ties to even.
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
} zoo_integer_igemm_params;

// m in 1...mr of the kernel, n >= 1 any.
typedef void (*zoo_integer_igemm_ukernel)(size_t m, size_t n, const zoo_integer_igemm_params *params);

typedef struct zoo_integer_igemm_kernel {
  zoo_integer_igemm_ukernel run;
  uint32_t mr; // most rows per call
  uint32_t nr; // columns per inner tile: a driver splits n at multiples of this
} zoo_integer_igemm_kernel;

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
// (float)(a' * b') * a_multiplier. Steps and aliasing as in f32_binary; no division.
typedef struct zoo_integer_binary_params {
  zoo_f32_binary_kind kind;
  const void *a, *b;
  size_t a_step, b_step;
  int32_t a_zero_point, b_zero_point;
  float a_multiplier, b_multiplier;
  void *y;
  int32_t y_zero_point;
  float lower, upper;
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

// --- the table -------------------------------------------------------------------------------------

// One choice per family. NULL members mean the portable Swift kernel.
typedef struct zoo_kernels {
  uint32_t isa;
  const char *isa_name;
  zoo_f32_igemm_kernel f32_igemm;
  zoo_f32_igemm_kernel f16w_igemm;
  zoo_f32_igemm_kernel bf16w_igemm;
  zoo_f32_igemm_kernel bf16_igemm;
  zoo_bf16_pack_ukernel bf16_pack;
  zoo_f32_igemm_kernel i8w_igemm;
  zoo_f32_winograd_ukernel f32_winograd;
  zoo_f32_dwconv_ukernel f32_dwconv;
  zoo_f32_pool_ukernel f32_pool;
  zoo_f32_binary_ukernel f32_binary;
  zoo_f32_unary_ukernel f32_unary;
  zoo_integer_igemm_kernel i8_igemm;
  zoo_integer_dwconv_ukernel i8_dwconv;
  zoo_integer_pool_ukernel i8_pool;
  zoo_integer_binary_ukernel i8_binary;
  zoo_integer_quantize_ukernel i8_quantize;
  zoo_integer_igemm_kernel i16_igemm;
  zoo_integer_dwconv_ukernel i16_dwconv;
  zoo_integer_pool_ukernel i16_pool;
  zoo_integer_binary_ukernel i16_binary;
  zoo_integer_quantize_ukernel i16_quantize;
} zoo_kernels;

// True if this CPU (and its operating system) can run kernels of `isa`.
bool zoo_kernels_supported(uint32_t isa);

// The best ISA this CPU supports.
uint32_t zoo_kernels_best(void);

// The table for `isa`: for each family the best variant whose ISA is at most `isa`; for a value that is unknown, the
// scalar table. The caller has checked zoo_kernels_supported.
zoo_kernels zoo_kernels_for(uint32_t isa);

// Every variant of every family, for tests and benchmarks.
typedef struct zoo_ukernel {
  const char *family; // "f32_igemm"
  const char *name;   // "zoo_f32_igemm_ukernel_7x32__avx512"
  uint32_t isa;
  uint32_t mr, nr;        // 0 where the family has no tile
  void (*function)(void); // cast to the family's type
} zoo_ukernel;

const zoo_ukernel *zoo_ukernel_list(size_t *count);

#ifdef __cplusplus
}
#endif
#endif
