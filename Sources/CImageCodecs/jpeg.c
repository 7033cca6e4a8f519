// JPEG by libjpeg(-turbo).
#include <image_codecs.h>

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

// A progressive file may hold any number of scans, each of which costs a pass over the image.
#define SCAN_LIMIT 500

typedef struct decoder {
  struct jpeg_decompress_struct jpeg;
  struct jpeg_error_mgr errors;
  struct jpeg_progress_mgr progress;
  char *message;
  int is_damaged;
  jmp_buf jump;
} decoder;

static void describe(decoder *d) {
  char text[JMSG_LENGTH_MAX];
  d->errors.format_message((j_common_ptr)&d->jpeg, text);
  snprintf(d->message, ZOO_CODEC_MESSAGE_SIZE, "JPEG: %.80s", text);
}

static void on_error(j_common_ptr common) {
  decoder *d = common->client_data;
  describe(d);
  longjmp(d->jump, 1);
}

// Warnings (level -1) mean damaged data, but for a few that every decoder lives with.
static void on_message(j_common_ptr common, int level) {
  decoder *d = common->client_data;
  if (level >= 0 || d->is_damaged)
    return;
  switch (d->errors.msg_code) {
  case JWRN_EXTRANEOUS_DATA:
  case JWRN_ADOBE_XFORM:
  case JWRN_JFIF_MAJOR:
    return;
  default:
    d->is_damaged = 1;
    describe(d);
  }
}

static void on_progress(j_common_ptr common) {
  decoder *d = common->client_data;
  if (d->jpeg.input_scan_number > SCAN_LIMIT) {
    snprintf(d->message, ZOO_CODEC_MESSAGE_SIZE, "JPEG: more than %d scans", SCAN_LIMIT);
    longjmp(d->jump, 1);
  }
}

static void begin(decoder *d, const uint8_t *bytes, size_t size) {
  jpeg_create_decompress(&d->jpeg);
  d->progress.progress_monitor = on_progress;
  d->jpeg.progress = &d->progress;
  jpeg_mem_src(&d->jpeg, bytes, size);
  jpeg_save_markers(&d->jpeg, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&d->jpeg, TRUE);
}

static void prepare(decoder *d, char *message) {
  memset(d, 0, sizeof *d);
  d->jpeg.err = jpeg_std_error(&d->errors);
  d->jpeg.client_data = d;
  d->errors.error_exit = on_error;
  d->errors.emit_message = on_message;
  d->message = message;
}

zoo_codec_status zoo_jpeg_probe(const uint8_t *bytes, size_t size, zoo_codec_info *info, char *message) {
  decoder d;
  prepare(&d, message);
  if (setjmp(d.jump)) {
    jpeg_destroy_decompress(&d.jpeg);
    return ZOO_CODEC_CORRUPT;
  }
  begin(&d, bytes, size);
  info->width = d.jpeg.image_width;
  info->height = d.jpeg.image_height;
  info->is_gray = d.jpeg.num_components == 1;
  for (jpeg_saved_marker_ptr m = d.jpeg.marker_list; m; m = m->next)
    if (m->marker == JPEG_APP0 + 1 && info->orientation == 1)
      info->orientation = zoo_exif_orientation(m->data, m->data_length);
  jpeg_destroy_decompress(&d.jpeg);
  return ZOO_CODEC_OK;
}

// c k / 255 with rounding: Adobe stores CMYK inverted.
static uint8_t ink(unsigned a, unsigned b) { return (uint8_t)((a * b + 127) / 255); }

static void convert_cmyk(const uint8_t *cmyk, size_t pixels, int is_inverted, uint8_t *rgb) {
  for (size_t i = 0; i < pixels; i++) {
    const uint8_t *p = cmyk + 4 * i;
    for (int c = 0; c < 3; c++)
      rgb[3 * i + c] = is_inverted ? ink(p[c], p[3]) : ink(255u - p[c], 255u - p[3]);
  }
}

zoo_codec_status zoo_jpeg_decode(const uint8_t *bytes, size_t size, uint8_t *rgb, char *message) {
  decoder d;
  uint8_t *volatile line = NULL;
  prepare(&d, message);
  if (setjmp(d.jump)) {
    free(line);
    jpeg_destroy_decompress(&d.jpeg);
    return ZOO_CODEC_CORRUPT;
  }
  begin(&d, bytes, size);
  const int is_cmyk = d.jpeg.num_components == 4;
  d.jpeg.out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
  jpeg_start_decompress(&d.jpeg);
  const size_t width = d.jpeg.output_width;
  if (is_cmyk && !(line = malloc(width * 4))) {
    jpeg_destroy_decompress(&d.jpeg);
    snprintf(message, ZOO_CODEC_MESSAGE_SIZE, "out of memory");
    return ZOO_CODEC_MEMORY;
  }
  while (d.jpeg.output_scanline < d.jpeg.output_height) {
    uint8_t *target = rgb + (size_t)d.jpeg.output_scanline * width * 3;
    JSAMPROW row = is_cmyk ? line : target;
    jpeg_read_scanlines(&d.jpeg, &row, 1);
    if (is_cmyk)
      convert_cmyk(line, width, d.jpeg.saw_Adobe_marker, target);
  }
  jpeg_finish_decompress(&d.jpeg);
  const int is_damaged = d.is_damaged;
  free(line);
  jpeg_destroy_decompress(&d.jpeg);
  return is_damaged ? ZOO_CODEC_CORRUPT : ZOO_CODEC_OK;
}
