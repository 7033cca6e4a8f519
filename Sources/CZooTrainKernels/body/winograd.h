// The two transforms of weight gradients by Winograd's F(4x4, 3x3), lane by lane.

// Four pixels of a line: A d.
INLINE void pixel_line(const vf *d, const size_t step, vf *y, const size_t y_step) {
  const vf d0 = d[0], d1 = d[step], d2 = d[2 * step], d3 = d[3 * step];
  const vf even = v_add(d0, d2), odd = v_add(d1, d3);
  const vf even2 = v_fma(v_set(4), d2, d0), odd2 = v_fma(v_set(8), d3, v_mul(v_set(2), d1));
  y[0] = d0;
  y[y_step] = v_add(even, odd);
  y[2 * y_step] = v_sub(even, odd);
  y[3 * y_step] = v_add(even2, odd2);
  y[4 * y_step] = v_sub(even2, odd2);
  y[5 * y_step] = d3;
}

// Six numbers of a line: G^T s.
INLINE void tap_line(const vf *s, const size_t step, vf *y, const size_t y_step) {
  const vf s1 = s[step], s2 = s[2 * step], s3 = s[3 * step], s4 = s[4 * step];
  const vf sixth = v_set(1.0f / 6), twelfth = v_set(1.0f / 12), part = v_set(1.0f / 24);
  const vf a = v_mul(sixth, v_add(s1, s2)), b = v_add(s3, s4);
  y[0] = v_fma(v_set(0.25f), s[0], v_sub(v_mul(part, b), a));
  y[y_step] = v_fma(sixth, v_sub(s2, s1), v_mul(twelfth, v_sub(s3, s4)));
  y[2 * y_step] = v_add(v_fma(sixth, b, s[5 * step]), v_sub(v_set(0), a));
}

static const float no_column[VL];

// Edges as in f32_winograd: of rows that do not exist no lane is read, and columns that do not exist are zeros from elsewhere.
// `whole`: every pixel and lane is there, which AVX2 reads faster without masks.
INLINE void output_lanes(const int whole, const float *x, vmask lanes, const zoo_train_tile *p, float *spectrum,
                         size_t stride) {
  vmask rows[4];
  ptrdiff_t offsets[4];
  vf d[4], t[24], v[6];
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 4; i++) {
    rows[i] = i < p->rows ? lanes : v_mask(0);
    offsets[i] = i < p->rows ? (ptrdiff_t)i * p->row_stride : 0;
  }
#pragma clang loop unroll(full)
  for (size_t j = 0; j < 4; j++, x += p->pixel_stride) {
    const float *column = j < p->columns ? x : no_column;
    const ptrdiff_t within = j < p->columns ? -1 : 0;
#pragma clang loop unroll(full)
    for (ptrdiff_t i = 0; i < 4; i++) {
      d[i] = whole ? v_load(x + i * p->row_stride) : v_load_part(column + (offsets[i] & within), rows[i]);
      __builtin_prefetch(x + i * p->row_stride + 8 * p->pixel_stride); // two tiles on: batches do not fit in any cache
    }
    pixel_line(d, 1, t + j, 4);
  }
#pragma clang loop unroll(full)
  for (size_t i = 0; i < 6; i++) {
    pixel_line(t + 4 * i, 1, v, 1);
#pragma clang loop unroll(full)
    for (size_t j = 0; j < 6; j++)
      v_store(spectrum + (6 * i + j) * stride, v[j]);
  }
}

INLINE void weight_lanes(size_t at, const zoo_train_tile *p) {
  vf s[6], t[18], w[3];
#pragma clang loop unroll(full)
  for (size_t j = 0; j < 6; j++) {
#pragma clang loop unroll(full)
    for (size_t i = 0; i < 6; i++)
      s[i] = v_load(p->spectrum + (6 * i + j) * p->spectrum_stride + at);
    tap_line(s, 1, t + j, 6);
  }
#pragma clang loop unroll(full)
  for (ptrdiff_t i = 0; i < 3; i++) {
    tap_line(t + 6 * i, 1, w, 1);
#pragma clang loop unroll(full)
    for (ptrdiff_t j = 0; j < 3; j++) {
      float *to = p->pixels + i * p->row_stride + j * p->pixel_stride + at;
      v_store(to, p->adds ? v_add(v_load(to), w[j]) : w[j]);
    }
  }
}

static void output_spectrum(size_t channels, const zoo_train_tile *tile) {
  size_t at = 0;
  if (tile->rows == 4 && tile->columns == 4)
    for (; at + VL <= channels; at += VL)
      output_lanes(1, tile->pixels + at, v_mask(VL), tile, tile->spectrum + at, tile->spectrum_stride);
  for (; at + VL <= channels; at += VL)
    output_lanes(0, tile->pixels + at, v_mask(VL), tile, tile->spectrum + at, tile->spectrum_stride);
  if (at == channels)
    return;
  float last[36 * VL];
  const vmask lanes = v_mask(channels - at);
  output_lanes(0, tile->pixels + at, lanes, tile, last, VL);
  for (size_t s = 0; s < 36; s++)
    v_store_part(tile->spectrum + s * tile->spectrum_stride + at, lanes, v_load(last + s * VL));
}

static void weight_tile(size_t count, const zoo_train_tile *tile) {
  for (size_t at = 0; at < count; at += VL)
    weight_lanes(at, tile);
}
