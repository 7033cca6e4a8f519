// Which codec a file wants, told by its first bytes.
#include <image_codecs.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int is_png(const uint8_t *bytes, size_t size) {
  static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  return size >= 8 && memcmp(bytes, signature, 8) == 0;
}

static int is_jpeg(const uint8_t *bytes, size_t size) {
  return size >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

static zoo_codec_status unknown(char *message) {
  snprintf(message, ZOO_CODEC_MESSAGE_SIZE, "neither a PNG nor a JPEG image");
  return ZOO_CODEC_FORMAT;
}

zoo_codec_status zoo_codec_probe(const uint8_t *bytes, size_t size, zoo_codec_info *info,
                                 char message[ZOO_CODEC_MESSAGE_SIZE]) {
  *info = (zoo_codec_info){.orientation = 1};
  if (is_png(bytes, size))
    return zoo_png_probe(bytes, size, info, message);
  if (is_jpeg(bytes, size))
    return zoo_jpeg_probe(bytes, size, info, message);
  return unknown(message);
}

zoo_codec_status zoo_codec_decode(const uint8_t *bytes, size_t size, const uint8_t background[3], uint8_t *rgb,
                                  char message[ZOO_CODEC_MESSAGE_SIZE]) {
  if (is_png(bytes, size))
    return zoo_png_decode(bytes, size, background, rgb, message);
  if (is_jpeg(bytes, size))
    return zoo_jpeg_decode(bytes, size, rgb, message);
  return unknown(message);
}

void *zoo_codec_alloc(size_t size) { return malloc(size ? size : 1); }
void zoo_codec_free(void *memory) { free(memory); }
