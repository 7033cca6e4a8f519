// The one EXIF field that matters: which way is up.
#include <image_codecs.h>

#include <string.h>

// TIFF integers in the byte order that the header names.
static uint32_t u16(const uint8_t *p, int is_big) {
  return is_big ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static uint32_t u32(const uint8_t *p, int is_big) {
  return is_big ? u16(p, 1) << 16 | u16(p + 2, 1) : u16(p + 2, 0) << 16 | u16(p, 0);
}

// EXIF 2.3: "Exif\0\0", a TIFF header (byte order, 42, offset of IFD 0), the IFD (count, then 12-byte entries: tag,
// type, count, value). Orientation is tag 0x0112, a SHORT.
uint32_t zoo_exif_orientation(const uint8_t *bytes, size_t size) {
  if (size < 14 || memcmp(bytes, "Exif\0\0", 6) != 0)
    return 1;
  const uint8_t *tiff = bytes + 6;
  const size_t room = size - 6;
  int is_big;
  if (memcmp(tiff, "MM", 2) == 0)
    is_big = 1;
  else if (memcmp(tiff, "II", 2) == 0)
    is_big = 0;
  else
    return 1;
  const size_t ifd = u32(tiff + 4, is_big);
  if (u16(tiff + 2, is_big) != 42 || ifd > room || room - ifd < 2)
    return 1;
  const size_t count = u16(tiff + ifd, is_big);
  for (size_t i = 0; i < count; i++) {
    const size_t at = ifd + 2 + 12 * i;
    if (at > room || room - at < 12)
      return 1;
    if (u16(tiff + at, is_big) == 0x0112 && u16(tiff + at + 2, is_big) == 3) {
      const uint32_t value = u16(tiff + at + 8, is_big);
      return value >= 1 && value <= 8 ? value : 1;
    }
  }
  return 1;
}
