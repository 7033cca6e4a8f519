// i8_dwplane of few channels: a vector holds as many neighbouring pixels as fit, the weights repeated for each. Included after `column` and `put`.
//
// Lines are copied with the padding around them, those of a step of 2 as pixels of even and of odd places: a tap of neighbouring windows is
// always one run of bytes. (48x48x8: 3.4 us to 2.2; 48x48x16 with a step of 2: 2.8 to 1.9; 7x7x16: 0.9 to 0.3.)

#define SLOTS 8                                   // lines held, a power of two
#define SLOT (ZOO_INTEGER_PLANE_LINE + 6 * LANES) // no multiple of 4 KB
#define ODD (SLOT / 2)                            // where pixels of odd places begin

typedef struct held_lines {
  int8_t line[SLOTS][SLOT];
  size_t channels, step;
  size_t before, inside, all; // pixels of padding, of the image and with what follows it, for each place
  int8_t padding;
} held_lines;

// At least `count` bytes of padding, in whole vectors: what follows is written later.
INLINE void pad(int8_t *to, __m512i padding, size_t count) {
  for (size_t at = 0; at < count; at += LANES)
    _mm512_storeu_si512(to + at, padding);
}

// The next of `bytes` bytes, at most 64; those past the end are 0.
INLINE __m512i some_bytes(const int8_t *x, size_t bytes) {
  return bytes < LANES ? _mm512_maskz_loadu_epi8(((__mmask64)1 << bytes) - 1, x) : _mm512_loadu_si512(x);
}

// One line of the image; NULL above and below it.
__attribute__((noinline)) static void copy_line(int8_t *to, const int8_t *x, const held_lines *s) {
  const __m512i padding = _mm512_set1_epi8(s->padding);
  const size_t channels = s->channels, bytes = x ? s->inside * channels : 0, all = s->all * channels;
  if (s->step == 1) {
    const size_t left = s->before * channels, filled = left + bytes;
    pad(to, padding, left);
    for (size_t at = 0; at < bytes; at += LANES)
      _mm512_storeu_si512(to + left + at, some_bytes(x + at, bytes - at));
    return pad(to + filled, padding, all - filled);
  }
  // Of 64 bytes, pixels of even places to the lower half.
  const __m512i order = channels == 8    ? _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7)
                        : channels == 16 ? _mm512_setr_epi64(0, 1, 4, 5, 2, 3, 6, 7)
                                         : _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
  // Pixels of padding at even and at odd places, and the place of the first pixel.
  const size_t before[2] = {(s->before + 1) / 2, s->before / 2}, first = s->before % 2, second = 1 - first;
  pad(to, padding, before[0] * channels);
  pad(to + ODD, padding, before[1] * channels);
  int8_t *even = to + first * ODD + before[first] * channels, *odd = to + second * ODD + before[second] * channels;
  for (size_t at = 0; at < bytes; at += LANES) {
    const __m512i pixels = _mm512_permutexvar_epi64(order, some_bytes(x + at, bytes - at));
    _mm256_storeu_si256((__m256i *)(void *)(even + at / 2), _mm512_castsi512_si256(pixels));
    _mm256_storeu_si256((__m256i *)(void *)(odd + at / 2), _mm512_extracti64x4_epi64(pixels, 1));
  }
  const size_t pixels = bytes / channels, evens = (pixels + 1) / 2, odds = pixels / 2;
  pad(even + evens * channels, padding, all - (before[first] + evens) * channels);
  pad(odd + odds * channels, padding, all - (before[second] + odds) * channels);
}

// The windows that begin `at` bytes after the first of their line, of `down` lines: with a step of 2 lines have only one row in common.
INLINE void vector(const int step, const int down, const int8_t *const *lines, size_t at, __mmask64 mask,
                   const planes *s, int8_t *y, size_t y_line, size_t channels) {
  const __m512i flip = _mm512_set1_epi8((char)0x80);
  quads sum[DOWN];
#pragma clang loop unroll(full)
  for (int l = 0; l < down; l++)
    sum[l] = s->bias;
#pragma clang loop unroll(full)
  for (int j = 0; j < 3; j++) {
    const size_t tap = at + (step == 1 ? (size_t)j * channels : (size_t)(j / 2) * channels + (size_t)(j % 2) * ODD);
    const int8_t *rows[4];
#pragma clang loop unroll(full)
    for (int i = 0; i < 4; i++)
      rows[i] = lines[i] + tap;
    const quads x = column(rows, ALL, flip);
#pragma clang loop unroll(full)
    for (int l = 0; l < down; l++)
#pragma clang loop unroll(full)
      for (int v = 0; v < 4; v++)
        sum[l].v[v] = _mm512_dpbusd_epi32(sum[l].v[v], x.v[v], s->w[l][j][0].v[v]);
  }
#pragma clang loop unroll(full)
  for (int l = down - 1; l >= 0; l--) { // a line alone is written over the one below it
    __m512i words[4];
#pragma clang loop unroll(full)
    for (int v = 0; v < 4; v++)
      words[v] = scaled(sum[l].v[v], s->requantization.multipliers.v[v]);
    put(y + (size_t)l * y_line, mask, packed(words, &s->requantization));
  }
}

INLINE void few_channels(const int step, const planes *s, held_lines *held, const zoo_i8_dwplane_params *p) {
  const int down = step == 1 ? DOWN : 1;
  const size_t all = p->pixels * p->channels, bytes = LANES / p->channels * p->channels;
  size_t copied = 0; // lines
  for (size_t line = 0; line < p->lines; line += (size_t)down) {
    const size_t first = line * (size_t)step;
    for (; copied < first + (size_t)(down - 1) + 3; copied++) {
      const size_t row = p->first * (size_t)step + copied - p->top; // wraps around above the image
      copy_line(held->line[copied % SLOTS], row < p->height ? p->x + row * p->x_line_stride : NULL, held);
    }
    const int8_t *lines[4]; // of a fourth one where three are read, weights are 0
    for (size_t i = 0; i < 4; i++)
      lines[i] = held->line[(first + (i < (size_t)(down + 2) ? i : 0)) % SLOTS];
    int8_t *y = p->y + line * p->y_line_stride;
    const size_t y_line = line + 1 < p->lines ? p->y_line_stride : 0;
    for (size_t at = 0; at < all; at += bytes) {
      const size_t left = all - at < bytes ? all - at : bytes;
      vector(step, down, lines, at, left == LANES ? ALL : ((__mmask64)1 << left) - 1, s, y + at, y_line, p->channels);
    }
  }
}

static void side_by_side(const zoo_i8_dwplane_params *p) {
  const size_t channels = p->channels, together = LANES / channels;
  int8_t w[9][LANES];
  int32_t bias[LANES];
  float multipliers[LANES];
  for (size_t to = 0; to < together * channels; to += channels) {
    __builtin_memcpy(bias + to, p->bias, channels * sizeof *bias);
    __builtin_memcpy(multipliers + to, p->multipliers, channels * sizeof *multipliers);
    for (int t = 0; t < 9; t++)
      __builtin_memcpy(w[t] + to, p->w + (size_t)t * p->w_stride, channels);
  }
  zoo_i8_dwplane_params wide = *p;
  wide.channels = together * channels;
  wide.bias = bias, wide.multipliers = multipliers;
  wide.w = w[0], wide.w_stride = LANES;
  planes s;
  prepare(&s, &wide);
  held_lines held; // its lines are nothing yet
  held.channels = channels, held.step = p->step, held.before = p->left, held.padding = (int8_t)p->x_zero_point;
  const size_t windows = (p->pixels + together - 1) / together * together; // with what vectors reach
  held.all = windows + 2;
  const size_t reach = held.all * p->step - held.before;
  held.inside = p->width < reach ? p->width : reach;
  if (p->step == 1)
    few_channels(1, &s, &held, p);
  else
    few_channels(2, &s, &held, p);
}
