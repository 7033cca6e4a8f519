// Element-wise passes: derivatives of activations, sums, products, pooling, optimisers.

// dx is dy or lies apart from it: either way no element depends on another, which the compiler cannot know. (In place it would compute
// one number at a time.)
#define IN_PLACE _Pragma("clang loop vectorize(assume_safety)")

#define DERIVATIVE(expression)                                              \
  IN_PLACE for (size_t i = 0; i < count; i++) dx[i] = dy[i] * (expression); \
  break;

static void activation(zoo_train_activation kind, float alpha, float beta, size_t count, const float *x, const float *y,
                       const float *dy, float *dx) {
  switch (kind) {
  case ZOO_TRAIN_CLAMP:
    IN_PLACE
    for (size_t i = 0; i < count; i++)
      dx[i] = y[i] > alpha && y[i] < beta ? dy[i] : 0;
    break;
  case ZOO_TRAIN_LEAKY_RELU:
    DERIVATIVE(y[i] < 0 ? alpha : 1)
  case ZOO_TRAIN_SIGMOID:
    DERIVATIVE(y[i] * (1 - y[i]))
  case ZOO_TRAIN_TANH:
    DERIVATIVE(1 - y[i] * y[i])
  case ZOO_TRAIN_HARD_SIGMOID:
    DERIVATIVE(y[i] > 0 && y[i] < 1 ? alpha : 0)
  case ZOO_TRAIN_HARD_SWISH:
    DERIVATIVE(x[i] <= -3 ? 0 : x[i] >= 3 ? 1 : x[i] * (1.0f / 3) + 0.5f)
  case ZOO_TRAIN_EXP:
    DERIVATIVE(y[i])
  case ZOO_TRAIN_ELU:
    DERIVATIVE(y[i] < 0 ? y[i] + alpha : 1)
  case ZOO_TRAIN_SILU:
    IN_PLACE
    for (size_t i = 0; i < count; i++) {
      const float s = x[i] != 0 ? y[i] / x[i] : 0.5f;
      dx[i] = dy[i] * (alpha * y[i] + s * (1 - alpha * y[i]));
    }
    break;
  default:
    break;
  }
}

static void fetch(size_t count, const float *x) {
  for (size_t i = 0; i < count; i += 64 / sizeof *x)
    __builtin_prefetch(x + i, 0, 2);
}

static void add(size_t count, float scale, const float *x, int adds, float *y) {
  const vf k = v_set(scale);
  EACH_VECTOR(count, {
    vf value = v_mul(LOAD(x + at), k);
    if (adds)
      value = v_add(value, LOAD(y + at));
    STORE(y + at, value);
  })
}

static void multiply(size_t count, const float *a, const float *b, int adds, float *y) {
  EACH_VECTOR(count, {
    vf value = v_mul(LOAD(a + at), LOAD(b + at));
    if (adds)
      value = v_add(value, LOAD(y + at));
    STORE(y + at, value);
  })
}

// A mean shares its gradient among the taps.
static void pool_average(const zoo_train_pool *p) {
  const vf scale = v_set(p->scale);
  for (size_t q = 0; q < p->pixels; q++) {
    const float *dy = p->dy + q * p->y_pixel;
    EACH_VECTOR(p->channels, {
      const vf share = v_mul(LOAD(dy + at), scale);
      for (size_t i = 0; i < p->kh; i++) {
        float *dx = p->dx + q * p->x_pixel + i * p->x_row + at;
        for (size_t j = 0; j < p->kw; j++, dx += p->x_column)
          STORE(dx, p->adds ? v_add(LOAD(dx), share) : share);
      }
    })
  }
}

// A maximum passes its gradient to the first tap that equals it.
static void pool(const zoo_train_pool *p) {
  enum { BLOCK = 64 };
  if (!p->is_max) {
    pool_average(p);
    return;
  }
  for (size_t q = 0; q < p->pixels; q++) {
    for (size_t c0 = 0; c0 < p->channels; c0 += BLOCK) {
      const size_t n = p->channels - c0 < BLOCK ? p->channels - c0 : BLOCK;
      const float *y = p->y + q * p->y_pixel + c0;
      float left[BLOCK]; // what is still to be given away
      for (size_t c = 0; c < n; c++)
        left[c] = p->dy[q * p->y_pixel + c0 + c];
      for (size_t i = 0; i < p->kh; i++) {
        for (size_t j = 0; j < p->kw; j++) {
          const size_t at = q * p->x_pixel + i * p->x_row + j * p->x_column + c0;
          const float *x = p->x + at;
          float *dx = p->dx + at;
          for (size_t c = 0; c < n; c++) {
            const float give = x[c] == y[c] ? left[c] : 0;
            dx[c] = (p->adds ? dx[c] : 0) + give;
            left[c] = x[c] == y[c] ? 0 : left[c];
          }
        }
      }
    }
  }
}

static void sgd(size_t count, const zoo_train_update *u, const float *gradient, float *weight, float *velocity) {
  const vf scale = v_set(u->gradient_scale), decay = v_set(u->decay), momentum = v_set(u->momentum),
           rate = v_set(-u->rate);
  EACH_VECTOR(count, {
    const vf w = LOAD(weight + at);
    const vf g = v_fma(decay, w, v_mul(scale, LOAD(gradient + at)));
    const vf v = v_fma(momentum, LOAD(velocity + at), g);
    STORE(velocity + at, v);
    STORE(weight + at, v_fma(rate, u->nesterov ? v_fma(momentum, v, g) : v, w));
  })
}

static void rmsprop(size_t count, const zoo_train_update *u, const float *gradient, float *weight, float *square,
                    float *velocity) {
  const vf scale = v_set(u->gradient_scale), decay = v_set(u->decay), rho = v_set(u->beta2), rest = v_set(1 - u->beta2),
           momentum = v_set(u->momentum), epsilon = v_set(u->epsilon), rate = v_set(u->rate);
  EACH_VECTOR(count, {
    const vf w = LOAD(weight + at);
    const vf g = v_fma(decay, w, v_mul(scale, LOAD(gradient + at)));
    const vf s = v_fma(rho, LOAD(square + at), v_mul(rest, v_mul(g, g)));
    STORE(square + at, s);
    const vf step = v_div(v_mul(rate, g), v_add(v_sqrt(s), epsilon));
    const vf v = v_fma(momentum, LOAD(velocity + at), step);
    STORE(velocity + at, v);
    STORE(weight + at, v_sub(w, v));
  })
}

static void adam(size_t count, const zoo_train_update *u, const float *gradient, float *weight, float *mean,
                 float *square) {
  const vf scale = v_set(u->gradient_scale), decay = v_set(u->decay), b1 = v_set(u->beta1), b2 = v_set(u->beta2),
           r1 = v_set(1 - u->beta1), r2 = v_set(1 - u->beta2), c1 = v_set(u->correction1), c2 = v_set(u->correction2),
           epsilon = v_set(u->epsilon), rate = v_set(u->rate), keep = v_set(1 - u->rate * u->decoupled);
  EACH_VECTOR(count, {
    const vf w = LOAD(weight + at);
    const vf g = v_fma(decay, w, v_mul(scale, LOAD(gradient + at)));
    const vf m = v_fma(b1, LOAD(mean + at), v_mul(r1, g));
    const vf s = v_fma(b2, LOAD(square + at), v_mul(r2, v_mul(g, g)));
    STORE(mean + at, m);
    STORE(square + at, s);
    const vf step = v_div(v_mul(rate, v_mul(m, c1)), v_add(v_sqrt(v_mul(s, c2)), epsilon));
    STORE(weight + at, v_sub(v_mul(w, keep), step));
  })
}
