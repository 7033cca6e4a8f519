// PNG files in memory, by libpng.
#include <image_codecs.h>

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct target {
  uint8_t *bytes;
  size_t size, capacity;
  char *message;
  zoo_codec_status status;
  jmp_buf jump;
} target;

static void on_error(png_structp png, png_const_charp text) {
  target *t = png_get_error_ptr(png);
  snprintf(t->message, ZOO_CODEC_MESSAGE_SIZE, "PNG: %s", text);
  longjmp(t->jump, 1);
}

static void on_warning(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void on_write(png_structp png, png_bytep source, png_size_t count) {
  target *t = png_get_io_ptr(png);
  if (count > t->capacity - t->size) {
    const size_t capacity = 2 * t->capacity + count + 4096;
    uint8_t *bytes = capacity > t->capacity ? realloc(t->bytes, capacity) : NULL;
    if (!bytes) {
      t->status = ZOO_CODEC_MEMORY;
      png_error(png, "out of memory");
    }
    t->bytes = bytes;
    t->capacity = capacity;
  }
  memcpy(t->bytes + t->size, source, count);
  t->size += count;
}

static void on_flush(png_structp png) { (void)png; }

// `t` belongs to the caller, so that a jump leaves it as it was last written (C11 7.13.2.1).
static zoo_codec_status encode(target *t, const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels) {
  static const int types[] = {0, PNG_COLOR_TYPE_GRAY, 0, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, t, on_error, on_warning);
  png_infop info = png ? png_create_info_struct(png) : NULL;
  if (!info) {
    png_destroy_write_struct(&png, NULL);
    snprintf(t->message, ZOO_CODEC_MESSAGE_SIZE, "out of memory");
    return ZOO_CODEC_MEMORY;
  }
  if (setjmp(t->jump)) {
    png_destroy_write_struct(&png, &info);
    return t->status;
  }
  png_set_write_fn(png, t, on_write, on_flush);
  png_set_user_limits(png, INT32_MAX, INT32_MAX);
  png_set_IHDR(png, info, width, height, 8, types[channels], PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
               PNG_FILTER_TYPE_DEFAULT);
  png_write_info(png, info);
  for (size_t y = 0; y < height; y++)
    png_write_row(png, pixels + y * width * channels);
  png_write_end(png, NULL);
  png_destroy_write_struct(&png, &info);
  return ZOO_CODEC_OK;
}

zoo_codec_status zoo_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                                uint8_t **bytes, size_t *size, char message[ZOO_CODEC_MESSAGE_SIZE]) {
  *bytes = NULL;
  *size = 0;
  if (channels != 1 && channels != 3 && channels != 4) {
    snprintf(message, ZOO_CODEC_MESSAGE_SIZE, "PNG: 1, 3 or 4 channels expected, got %u", (unsigned)channels);
    return ZOO_CODEC_FORMAT;
  }
  target t = {.message = message, .status = ZOO_CODEC_FORMAT};
  const zoo_codec_status status = encode(&t, pixels, width, height, channels);
  if (status != ZOO_CODEC_OK) {
    free(t.bytes);
    return status;
  }
  *bytes = t.bytes;
  *size = t.size;
  return ZOO_CODEC_OK;
}
