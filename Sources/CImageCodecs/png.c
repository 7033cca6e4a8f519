// PNG by libpng.
#include <image_codecs.h>

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct source {
  const uint8_t *bytes;
  size_t size, position;
  char *message;
  jmp_buf jump;
} source;

static void on_error(png_structp png, png_const_charp text) {
  source *s = png_get_error_ptr(png);
  snprintf(s->message, ZOO_CODEC_MESSAGE_SIZE, "PNG: %s", text);
  longjmp(s->jump, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void on_read(png_structp png, png_bytep target, png_size_t count) {
  source *s = png_get_io_ptr(png);
  if (count > s->size - s->position)
    png_error(png, "file ends early");
  memcpy(target, s->bytes + s->position, count);
  s->position += count;
}

static uint32_t be32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

zoo_codec_status zoo_png_probe(const uint8_t *bytes, size_t size, zoo_codec_info *info, char *message) {
  // Signature, then the IHDR chunk: length 13, type, width, height, depth, colour type, ...
  if (size < 33 || be32(bytes + 8) != 13 || memcmp(bytes + 12, "IHDR", 4) != 0) {
    snprintf(message, ZOO_CODEC_MESSAGE_SIZE, "PNG: header missing or cut short");
    return ZOO_CODEC_CORRUPT;
  }
  info->width = be32(bytes + 16);
  info->height = be32(bytes + 20);
  info->is_gray = (bytes[25] & 2) == 0;
  info->is_png = 1;
  if (info->width == 0 || info->height == 0 || info->width > INT32_MAX || info->height > INT32_MAX) {
    snprintf(message, ZOO_CODEC_MESSAGE_SIZE, "PNG: size %ux%u is not valid", (unsigned)info->width,
             (unsigned)info->height);
    return ZOO_CODEC_CORRUPT;
  }
  return ZOO_CODEC_OK;
}

// Transparency blended into the background, in place from rgba to rgb.
static void blend(const uint8_t *rgba, size_t pixels, const uint8_t background[3], uint8_t *rgb) {
  for (size_t i = 0; i < pixels; i++) {
    const unsigned a = rgba[4 * i + 3];
    for (int c = 0; c < 3; c++)
      rgb[3 * i + c] = (uint8_t)((rgba[4 * i + c] * a + background[c] * (255 - a) + 127) / 255);
  }
}

zoo_codec_status zoo_png_decode(const uint8_t *bytes, size_t size, const uint8_t background[3], uint8_t *rgb,
                                char *message) {
  source s = {.bytes = bytes, .size = size, .message = message};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &s, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  // volatile: changed between setjmp and longjmp
  png_bytep *volatile rows = NULL;
  uint8_t *volatile rgba = NULL;
  volatile zoo_codec_status status = ZOO_CODEC_OK;
  if (!info) {
    png_destroy_read_struct(&png, NULL, NULL);
    snprintf(message, ZOO_CODEC_MESSAGE_SIZE, "out of memory");
    return ZOO_CODEC_MEMORY;
  }
  if (setjmp(s.jump)) {
    status = ZOO_CODEC_CORRUPT;
  } else {
    png_set_read_fn(png, &s, on_read);
    png_set_user_limits(png, INT32_MAX, INT32_MAX); // the caller has limited the pixels
    png_set_chunk_malloc_max(png, 8u << 20);
    png_set_chunk_cache_max(png, 128);
    png_read_info(png, info);
    const png_uint_32 width = png_get_image_width(png, info), height = png_get_image_height(png, info);
    png_set_expand(png); // palettes to RGB, grey to 8 bits, tRNS to alpha
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
    const size_t channels = png_get_channels(png, info);
    if ((channels != 3 && channels != 4) || png_get_bit_depth(png, info) != 8)
      png_error(png, "unexpected pixel format");
    rows = malloc(sizeof *rows * height);
    rgba = channels == 4 ? malloc((size_t)width * height * 4) : NULL;
    if (!rows || (channels == 4 && !rgba)) {
      snprintf(message, ZOO_CODEC_MESSAGE_SIZE, "out of memory");
      status = ZOO_CODEC_MEMORY;
    } else {
      for (size_t y = 0; y < height; y++)
        rows[y] = (channels == 4 ? rgba : rgb) + y * width * channels;
      png_read_image(png, rows);
      png_read_end(png, NULL);
      if (channels == 4)
        blend(rgba, (size_t)width * height, background, rgb);
    }
  }
  free(rows);
  free(rgba);
  png_destroy_read_struct(&png, &info, NULL);
  return status;
}
