// What follows `block` in i8_dwconv and i16_dwconv: windows by a table of their taps, a block of channels at a time.
//
// The including file has the words of a type of elements, <integer/i8.h> or <integer/i16.h>, constants BLOCK and MOST_TAPS, and
//   block(count, taps, pixels, c, p): channels c ... c + BLOCK - 1 of all pixels, for windows of `count` taps,
// where taps[t] says where in x a tap lies. The last tap stands twice, for kernels that read pairs of them.

// One channel at a time: fewer than a block has, or more taps than the table holds.
static void narrow(size_t pixels, size_t c, const zoo_integer_dwconv_params *p) {
  const requantization r = make_requantization(p->lower, p->upper, p->y_zero_point);
  for (size_t l = 0; l < p->lines; l++)
    for (size_t q = 0; q < pixels; q++) {
      const element *x = (const element *)p->x + l * p->x_line_stride + q * p->x_pixel_stride + c;
      element *y = (element *)p->y + l * p->y_line_stride + q * p->y_stride + c;
      e_sum sum = e_bias(p->bias, c);
      for (size_t i = 0; i < p->kh; i++)
        for (size_t j = 0; j < p->kw; j++)
          sum = e_add(sum, x[i * p->x_row_stride + j * p->x_col_stride] - p->x_zero_point,
                      p->w[i * p->w_row_stride + j * p->w_col_stride + c]);
      e_store_part(y, 1, requantize(v_set(e_float(sum) * p->multipliers[c]), r));
    }
}

static void by_table(size_t pixels, const zoo_integer_dwconv_params *p) {
  const size_t count = p->kh * p->kw;
  if (p->channels < BLOCK || count > MOST_TAPS) {
    for (size_t c = 0; c < p->channels; c++)
      narrow(pixels, c, p);
    return;
  }
  size_t taps[MOST_TAPS + 1];
  for (size_t t = 0; t < count; t++)
    taps[t] = t / p->kw * p->x_row_stride + t % p->kw * p->x_col_stride;
  taps[count] = taps[count - 1];
  for (size_t c = 0; c < p->channels; c += BLOCK) {
    const size_t start = c + BLOCK <= p->channels ? c : p->channels - BLOCK; // the last block overlaps
    if (count == 9)
      block(9, taps, pixels, start, p);
    else
      block(count, taps, pixels, start, p);
  }
}
