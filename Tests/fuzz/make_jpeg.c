// Writes a JPEG picture of any size, with EXIF orientation, to standard output: for tests that need one.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

int main(int count, char **arguments) {
  if (count < 4)
    return fprintf(stderr, "usage: make_jpeg WIDTH HEIGHT ORIENTATION [progressive|gray]\n"), 64;
  const char *kind = count > 4 ? arguments[4] : "";
  struct jpeg_compress_struct jpeg;
  struct jpeg_error_mgr errors;
  jpeg.err = jpeg_std_error(&errors);
  jpeg_create_compress(&jpeg);
  jpeg_stdio_dest(&jpeg, stdout);
  jpeg.image_width = (JDIMENSION)atoi(arguments[1]);
  jpeg.image_height = (JDIMENSION)atoi(arguments[2]);
  jpeg.input_components = strcmp(kind, "gray") == 0 ? 1 : 3;
  jpeg.in_color_space = jpeg.input_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_set_defaults(&jpeg);
  if (strcmp(kind, "progressive") == 0)
    jpeg_simple_progression(&jpeg);
  jpeg_start_compress(&jpeg, TRUE);
  // EXIF: a little-endian TIFF with one directory of one entry, tag 0x0112, type SHORT.
  unsigned char exif[] = "Exif\0\0II*\0\10\0\0\0\1\0\x12\1\3\0\1\0\0\0O\0\0\0\0\0\0";
  *strchr((char *)exif + 24, 'O') = (char)atoi(arguments[3]);
  jpeg_write_marker(&jpeg, JPEG_APP0 + 1, exif, sizeof exif);
  const size_t samples = (size_t)jpeg.image_width * (size_t)jpeg.input_components;
  JSAMPROW row = malloc(samples);
  if (!row)
    return 1;
  while (jpeg.next_scanline < jpeg.image_height) {
    for (size_t i = 0; i < samples; i++)
      row[i] = (JSAMPLE)(i / 5 + jpeg.next_scanline / 3 * (1 + i % 3));
    jpeg_write_scanlines(&jpeg, &row, 1);
  }
  jpeg_finish_compress(&jpeg);
  jpeg_destroy_compress(&jpeg);
  free(row);
  return 0;
}
