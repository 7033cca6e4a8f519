// Passes over rows of channels: statistics, affine maps, depthwise products.

// Runs the code for each vector of channels; inside, `at` is the first channel, LOAD and STORE respect the tail.
#define EACH_VECTOR(channels, ...)                \
  {                                               \
    const size_t end_of_row = (channels);         \
    size_t at = 0;                                \
    for (; at + VL <= end_of_row; at += VL) {     \
      const int partial = 0;                      \
      const vmask mask = v_mask(0);               \
      (void)mask;                                 \
      __VA_ARGS__                                 \
    }                                             \
    if (at < end_of_row) {                        \
      const int partial = 1;                      \
      const vmask mask = v_mask(end_of_row - at); \
      __VA_ARGS__                                 \
    }                                             \
  }
#define LOAD(p) (partial ? v_load_part(p, mask) : v_load(p))
#define STORE(p, x) (partial ? v_store_part(p, mask, x) : v_store(p, x))

static void moments(size_t rows, size_t channels, const float *x, const float *shift, float *sum, float *squares) {
  EACH_VECTOR(channels, {
    const vf k = LOAD(shift + at);
    vf s = LOAD(sum + at), q = LOAD(squares + at);
    for (size_t r = 0; r < rows; r++) {
      const vf d = v_sub(LOAD(x + r * channels + at), k);
      s = v_add(s, d);
      q = v_fma(d, d, q);
    }
    STORE(sum + at, s);
    STORE(squares + at, q);
  })
}

static void sums(size_t rows, size_t channels, const float *x,
                 float *sum){EACH_VECTOR(channels,
                                         {
                                           vf s = LOAD(sum + at);
                                           for (size_t r = 0; r < rows; r++)
                                             s = v_add(s, LOAD(x + r * channels + at));
                                           STORE(sum + at, s);
                                         })}

// The gradient of the norm before its clamp. The mask comes from x, which is needed anyway: reading y, or storing what
// is masked, would cost as much time as reading x.
INLINE vf norm_mask(vf x, vf scale, vf shift, vf low, vf high, vf dy) {
  return v_inside(v_fma(x, scale, shift), low, high, dy);
}

static void normalize(size_t rows, size_t channels, const float *x, const zoo_train_norm *norm, const float *addend,
                      float *y) {
  const vf low = v_set(norm->lower), high = v_set(norm->upper);
  EACH_VECTOR(channels, {
    const vf a = LOAD(norm->scale + at), b = LOAD(norm->shift + at);
    for (size_t r = 0; r < rows; r++) {
      const size_t i = r * channels + at;
      vf value = v_fma(LOAD(x + i), a, b);
      if (addend)
        value = v_add(value, LOAD(addend + i));
      STORE(y + i, v_min(v_max(value, low), high));
    }
  })
}

static void norm_dots(size_t rows, size_t channels, const float *dy, const float *x, const zoo_train_norm *norm,
                      const float *mean, float *sum, float *dots) {
  const vf low = v_set(norm->lower), high = v_set(norm->upper);
  EACH_VECTOR(channels, {
    const vf a = LOAD(norm->scale + at), b = LOAD(norm->shift + at), k = LOAD(mean + at);
    vf s = LOAD(sum + at), q = LOAD(dots + at);
    for (size_t r = 0; r < rows; r++) {
      const size_t i = r * channels + at;
      const vf value = LOAD(x + i);
      const vf z = norm_mask(value, a, b, low, high, LOAD(dy + i));
      s = v_add(s, z);
      q = v_fma(z, v_sub(value, k), q);
    }
    STORE(sum + at, s);
    STORE(dots + at, q);
  })
}

static void norm_gradient(size_t rows, size_t channels, const float *dy, const float *x, const zoo_train_norm *norm,
                          const float *a, const float *b, const float *d, int adds, float *dx) {
  const vf low = v_set(norm->lower), high = v_set(norm->upper);
  EACH_VECTOR(channels, {
    const vf scale = LOAD(norm->scale + at), shift = LOAD(norm->shift + at);
    const vf va = LOAD(a + at), vb = LOAD(b + at), vd = LOAD(d + at);
    for (size_t r = 0; r < rows; r++) {
      const size_t i = r * channels + at;
      const vf value = LOAD(x + i);
      const vf z = norm_mask(value, scale, shift, low, high, LOAD(dy + i));
      vf y = v_fma(z, va, v_fma(value, vb, vd));
      if (adds)
        y = v_add(y, LOAD(dx + i));
      STORE(dx + i, y);
    }
  })
}

static void dot(size_t channels, const zoo_train_walk *w, float *c) {
  EACH_VECTOR(channels, {
    vf s = LOAD(c + at);
    for (size_t r = 0; r < w->rows; r++) {
      const float *a = w->a + r * w->a_row + at, *b = w->b + r * w->b_row + at;
      for (size_t m = 0; m < w->count; m++, a += w->a_pixel, b += w->b_pixel)
        s = v_fma(LOAD(a), LOAD(b), s);
    }
    STORE(c + at, s);
  })
}

static void scatter(size_t channels, const zoo_train_walk *walk, const float *w, float *y) {
  EACH_VECTOR(channels, {
    const vf k = LOAD(w + at);
    for (size_t r = 0; r < walk->rows; r++) {
      const float *a = walk->a + r * walk->a_row + at;
      float *to = y + r * walk->b_row + at;
      for (size_t m = 0; m < walk->count; m++, a += walk->a_pixel, to += walk->b_pixel)
        STORE(to, v_fma(LOAD(a), k, LOAD(to)));
    }
  })
}
