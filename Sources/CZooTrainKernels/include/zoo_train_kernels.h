// Kernels of training: what gradients need beyond the kernels of inference.
//
// One set of functions is compiled for each instruction set from the same bodies (body/*.h), in the words of
// CZooKernels/simd. The same rules hold: no allocation, no global state, nothing outside the stated elements
// is touched. Sums run in a stated order, so a driver that cuts work at fixed places gets fixed results.
#ifndef ZOO_TRAIN_KERNELS_H
#define ZOO_TRAIN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// --- sums of products over pixels ---------------------------------------------------------------------
//
// Two grids of pixels walked together: `rows` lines of `count` pixels. Weight gradients of convolutions are
// such sums for each tap of the window, over the pixels for which the tap lies inside the image.
typedef struct zoo_train_walk {
  size_t rows, count;
  const float *a;        // first pixel of the first grid
  size_t a_row, a_pixel; // elements from line to line, from pixel to pixel
  const float *b;
  size_t b_row, b_pixel;
} zoo_train_walk;

// A batch norm with its clamp: y = min(max(x scale[c] + shift[c], lower), upper).
typedef struct zoo_train_norm {
  const float *scale, *shift;
  float lower, upper; // infinities where there is no clamp
} zoo_train_norm;

// How an activation's derivative follows from its output y (or, where noted, from its input).
typedef enum zoo_train_activation {
  ZOO_TRAIN_CLAMP = 0,        // alpha < y < beta ? 1 : 0
  ZOO_TRAIN_LEAKY_RELU = 1,   // y < 0 ? alpha : 1   (alpha > 0)
  ZOO_TRAIN_SIGMOID = 2,      // y (1 - y)
  ZOO_TRAIN_TANH = 3,         // 1 - y^2
  ZOO_TRAIN_HARD_SIGMOID = 4, // 0 < y < 1 ? alpha : 0
  ZOO_TRAIN_HARD_SWISH = 5,   // of the input x: 0 below -3, 1 above 3, else x / 3 + 1 / 2
  ZOO_TRAIN_EXP = 6,          // y
  ZOO_TRAIN_ELU = 7,          // y < 0 ? y + alpha : 1
  ZOO_TRAIN_SILU = 8,         // of the input x and the output y: alpha y + s (1 - alpha y), s = y / x
  ZOO_TRAIN_ACTIVATION_IS_32_BITS = 0x7fffffff
} zoo_train_activation;

// A pooling window over `pixels` outputs that share the same valid taps.
typedef struct zoo_train_pool {
  int is_max; // else a sum times `scale`
  size_t channels, kh, kw, pixels;
  const float *x; // read only for a maximum
  const float *y; // likewise
  const float *dy;
  float *dx;
  size_t x_pixel, x_row, x_column; // of x and dx
  size_t y_pixel;                  // of y and dy
  float scale;
  int adds; // to what dx holds; else the windows lie side by side and set it
} zoo_train_pool;

// Weight gradients of 3 x 3 taps by Winograd's transforms: F(4x4, 3x3) of f32_winograd in zoo_float_kernels.h, differentiated.
//   y = A^T [(G w G^T) * (B^T x B)] A  gives  dw = G^T [(B^T x B) * (A dy A^T)] G,
// the sum over tiles taken between the brackets.
typedef struct zoo_train_tile {
  float *pixels;                      // pixel (0, 0): 4 x 4 of dy, which are read, or 3 x 3 of dw, which are written
  ptrdiff_t row_stride, pixel_stride; // negative ones flip dw
  size_t rows, columns;               // of dy, those that exist; the others are zeros
  int adds;                           // to dw
  float *spectrum;                    // written, or read
  size_t spectrum_stride;             // elements from one of the 36 numbers to the next
} zoo_train_tile;

// Numbers of one step of an optimiser.
typedef struct zoo_train_update {
  float rate;                     // learning rate of this step
  float gradient_scale;           // gradients are multiplied by this first (clipping)
  float decay;                    // L2: gradient += decay * weight
  float decoupled;                // AdamW: weight -= rate * decoupled * weight
  float momentum;                 // SGD: velocity's share; RMSprop: likewise
  float beta1, beta2;             // Adam; RMSprop's rho is beta2
  float correction1, correction2; // Adam: 1 / (1 - beta^t)
  float epsilon;
  int nesterov;
} zoo_train_update;

typedef struct zoo_train_kernels {
  const char *isa_name;

  // c[i * c_row + j] += sum over rows, pixels of a[i] b[j]; i < m, j < n. Pixels in order, one accumulator each.
  void (*outer)(size_t m, size_t n, const zoo_train_walk *walk, float *c, size_t c_row);
  // c[j] += sum over rows, pixels of a[j] b[j].
  void (*dot)(size_t channels, const zoo_train_walk *walk, float *c);
  // y pixel[j] += a pixel[j] w[j]; the grid of y takes the place of b.
  void (*scatter)(size_t channels, const zoo_train_walk *walk, const float *w, float *y);

  // spectrum[s][c] = (A dy A^T)[s] for `channels` neighbouring outputs.
  void (*output_spectrum)(size_t channels, const zoo_train_tile *tile);
  // dw = (adds ? dw : 0) + (G^T s G) for `count` neighbouring weights, a multiple of 16.
  void (*weight_tile)(size_t count, const zoo_train_tile *tile);

  // Asks for floats that will be read or written soon to be brought into L2.
  void (*fetch)(size_t count, const float *x);

  // sum[c] += x - shift[c], squares[c] += (x - shift[c])^2 over dense rows of `channels`.
  void (*moments)(size_t rows, size_t channels, const float *x, const float *shift, float *sum, float *squares);
  // sum[c] += x over dense rows.
  void (*sums)(size_t rows, size_t channels, const float *x, float *sum);
  // y = norm(x); with an addend, which may be NULL, it is added before the clamp.
  void (*normalize)(size_t rows, size_t channels, const float *x, const zoo_train_norm *norm, const float *addend,
                    float *y);
  // With dz = lower < x scale[c] + shift[c] < upper ? dy : 0: sum[c] += dz, dots[c] += dz (x - mean[c]).
  void (*norm_dots)(size_t rows, size_t channels, const float *dy, const float *x, const zoo_train_norm *norm,
                    const float *mean, float *sum, float *dots);
  // dx = (adds ? dx : 0) + dz a[c] + x b[c] + d[c], with dz as above.
  void (*norm_gradient)(size_t rows, size_t channels, const float *dy, const float *x, const zoo_train_norm *norm,
                        const float *a, const float *b, const float *d, int adds, float *dx);

  // dx = dy f'(...); dx may be dy. x is read only where the derivative needs it.
  void (*activation)(zoo_train_activation kind, float alpha, float beta, size_t count, const float *x, const float *y,
                     const float *dy, float *dx);
  // y = (adds ? y : 0) + scale * x
  void (*add)(size_t count, float scale, const float *x, int adds, float *y);
  // y = (adds ? y : 0) + a * b
  void (*multiply)(size_t count, const float *a, const float *b, int adds, float *y);
  void (*pool)(const zoo_train_pool *pool);

  void (*sgd)(size_t count, const zoo_train_update *u, const float *gradient, float *weight, float *velocity);
  void (*rmsprop)(size_t count, const zoo_train_update *u, const float *gradient, float *weight, float *square,
                  float *velocity);
  void (*adam)(size_t count, const zoo_train_update *u, const float *gradient, float *weight, float *mean,
               float *square);
} zoo_train_kernels;

// The best set whose instruction set is at most `isa` of zoo_kernels.h.
const zoo_train_kernels *zoo_train_kernels_for(uint32_t isa);

// --- operands of products of bf16 -----------------------------------------------------------------------
//
// What bf16_igemm of zoo_float_kernels.h multiplies, from rows of floats, rounded to nearest, ties to even. The depth of such a product may
// be pixels: then it is the weight gradient of a convolution.
typedef struct zoo_train_pairs {
  size_t rows;
  size_t channels;        // floats behind a pointer
  size_t column, columns; // those packed, of the channels of all taps side by side
  const float *const *a;  // [taps][a_tap_stride >= rows] pointers; NULL is a row of zeros
  size_t a_tap_stride;
  uint16_t *y; // panels of pairs of rows: [columns / 16][rows / 2][16][2], the last one narrower; a last odd row [16]
} zoo_train_pairs;

typedef struct zoo_train_bf16_kernels {
  void (*pairs)(const zoo_train_pairs *pairs);
  // y[c * y_stride + r] = x[r * x_stride + c]; y_stride is a multiple of 32 and at least `rows`; zeros follow the rows up to such a
  // multiple.
  void (*transpose)(size_t rows, size_t columns, const float *x, size_t x_stride, uint16_t *y, size_t y_stride);
} zoo_train_bf16_kernels;

// NULL where `isa` multiplies no bf16.
const zoo_train_bf16_kernels *zoo_train_bf16_kernels_for(uint32_t isa);

#ifdef __cplusplus
}
#endif
#endif
