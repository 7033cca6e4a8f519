// PNG and JPEG from memory into RGB, and pixels into PNG, by libpng and libjpeg(-turbo), without their long jumps and
// their printing.
//
// No function keeps state between calls. Messages are zero-terminated and fit the caller's buffer.
#ifndef ZOO_IMAGE_CODECS_H
#define ZOO_IMAGE_CODECS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ZOO_CODEC_MESSAGE_SIZE 96

typedef struct zoo_codec_message {
  char text[ZOO_CODEC_MESSAGE_SIZE];
} zoo_codec_message;

typedef enum zoo_codec_status {
  ZOO_CODEC_OK = 0,
  ZOO_CODEC_FORMAT = 1,  // neither PNG nor JPEG, or a kind the libraries do not decode
  ZOO_CODEC_CORRUPT = 2, // damaged or cut short
  ZOO_CODEC_MEMORY = 3,
} zoo_codec_status;

typedef struct zoo_codec_info {
  uint32_t width, height; // pixels as stored, before orientation
  uint32_t orientation;   // EXIF 1...8; 1 where the file says nothing or nonsense
  uint32_t is_gray;       // stored without colour
  uint32_t is_png;
} zoo_codec_info;

// Reads the header only: takes no memory that grows with the image.
zoo_codec_status zoo_codec_probe(const uint8_t *bytes, size_t size, zoo_codec_info *info,
                                 char message[ZOO_CODEC_MESSAGE_SIZE]);

// Decodes into rgb[height][width][3]. Transparent pixels are blended with `background`:
// (c a + b (255 - a) + 127) / 255. 16-bit samples are scaled to 8 bits with rounding. Gamma and colour profiles are
// ignored. JPEG data that ends early or does not decode cleanly is an error; harmless extra bytes are not.
zoo_codec_status zoo_codec_decode(const uint8_t *bytes, size_t size, const uint8_t background[3], uint8_t *rgb,
                                  char message[ZOO_CODEC_MESSAGE_SIZE]);

// Encodes pixels[height][width][channels] of 8 bits as a PNG file: 1 channel is grey, 3 are RGB, 4 RGB and alpha.
// On success *bytes is the caller's: zoo_codec_free. ZOO_CODEC_FORMAT: sizes or channels that PNG does not have.
zoo_codec_status zoo_png_encode(const uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
                                uint8_t **bytes, size_t *size, char message[ZOO_CODEC_MESSAGE_SIZE]);

// malloc and free, for the Swift that owns the pixels.
void *zoo_codec_alloc(size_t size);
void zoo_codec_free(void *memory);

// Behind the two above; also tested by themselves.
zoo_codec_status zoo_png_probe(const uint8_t *bytes, size_t size, zoo_codec_info *info, char *message);
zoo_codec_status zoo_png_decode(const uint8_t *bytes, size_t size, const uint8_t background[3], uint8_t *rgb,
                                char *message);
zoo_codec_status zoo_jpeg_probe(const uint8_t *bytes, size_t size, zoo_codec_info *info, char *message);
zoo_codec_status zoo_jpeg_decode(const uint8_t *bytes, size_t size, uint8_t *rgb, char *message);

// EXIF orientation from the payload of an APP1 segment; 1 if there is none.
uint32_t zoo_exif_orientation(const uint8_t *bytes, size_t size);

#ifdef __cplusplus
}
#endif
#endif
