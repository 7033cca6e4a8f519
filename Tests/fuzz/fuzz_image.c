// Any bytes as a picture: decoded, resized and turned into classes' input, or refused.
#include "zoo_image.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  zoo_image_options options = {.struct_size = sizeof options, .maximum_pixels = 1 << 21};
  zoo_image *image = NULL, *small = NULL;
  zoo_error error;
  if (zoo_image_decode(data, size, &options, &image, &error) != ZOO_OK)
    return 0;
  // Every sample is read: what the decoder left unwritten is a finding of MemorySanitizer only, but a size that is
  // wrong is one of AddressSanitizer too.
  const uint8_t *pixels = zoo_image_pixels(image);
  const size_t count = (size_t)zoo_image_width(image) * zoo_image_height(image) * 3;
  volatile uint8_t sum = 0;
  for (size_t i = 0; i < count; i++)
    sum = (uint8_t)(sum + pixels[i]);
  if (zoo_image_resize(image, 1 + size % 40, 1 + size % 23, ZOO_FILTER_BICUBIC, &small, &error) == ZOO_OK)
    zoo_image_free(small);
  zoo_image_free(image);
  return 0;
}
