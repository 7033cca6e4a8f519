/*
 * pictures.c - pictures reach the input as the model says, and files are classified.
 */
#define _XOPEN_SOURCE 700
#include "check.h"
#include "files.h"
#include "zoo_image.h"

#include <math.h>
#include <png.h>

static zoo_error e;
static char folder[200], file[256], photo[256];

/* Four pixels: red, green, blue and a grey. */
static const unsigned char four[12] = {255, 0, 0, 0, 128, 0, 0, 0, 64, 200, 200, 200};

/* A PNG file of `side` x `side` pixels, RGB or (channels 4) RGBA. */
static void write_png(const char *path, uint32_t side, uint32_t channels, const void *pixels) {
  png_image png;
  memset(&png, 0, sizeof png);
  png.version = PNG_IMAGE_VERSION;
  png.width = png.height = side;
  png.format = channels == 4 ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB;
  if (!png_image_write_to_file(&png, path, 0, pixels, 0, NULL)) {
    fprintf(stderr, "%s: %s\n", path, png.message);
    exit(2);
  }
}

static zoo_session *open_model(enum tiny_kind kind, uint64_t maximum_pixels) {
  zoo_session *s;
  zoo_host_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.threads = 1;
  options.maximum_pixels = maximum_pixels;
  write_model(file, kind, 0);
  EXPECT(ZOO_OK, "", zoo_open(file, &options, &s, &e));
  return s;
}

/* Pixels of the size of the input arrive as they are, in the order and with the arithmetic of the
 * model. */
static void inputs_of_each_type(void) {
  static const float mean[3] = {10, 20, 30}, scale[3] = {0.5f, 0.25f, 2};
  zoo_image *image;
  zoo_session *s;
  write_png(photo, 2, 3, four);
  EXPECT(ZOO_OK, "", zoo_image_load(photo, NULL, &image, &e));
  s = open_model(TINY_ECHO_F32, 0);
  EXPECT(ZOO_OK, "", zoo_set_image(s, 0, image, &e));
  for (int i = 0; i < 12; i++) { /* BGR */
    int c = i % 3;
    float x = (float)four[i - c + 2 - c];
    CHECK(((const float *)zoo_input(s, 0)->data)[i] == (x - mean[c]) * scale[c]);
  }
  zoo_close(s);
  s = open_model(TINY_ECHO_U8, 0);
  EXPECT(ZOO_OK, "", zoo_set_image(s, 0, image, &e));
  CHECK(memcmp(zoo_input(s, 0)->data, four, 12) == 0);
  zoo_close(s);
  s = open_model(TINY_ECHO_I8, 0);
  EXPECT(ZOO_OK, "", zoo_set_image(s, 0, image, &e));
  for (int i = 0; i < 12; i++)
    CHECK(((const signed char *)zoo_input(s, 0)->data)[i] == (int)four[i] - 128);
  zoo_close(s);
  zoo_image_free(image);
}

/* A model that says nothing: stretched, RGB, x / 255. One colour stays that colour whatever the
 * size. */
static void the_default_preparation(void) {
  static unsigned char plain[50 * 50 * 3];
  zoo_session *s = open_model(TINY_CLASSIFIER, 0);
  zoo_prediction top[5], again[5];
  size_t count = 5, other = 5;
  zoo_image *image;
  for (size_t i = 0; i < sizeof plain; i++)
    plain[i] = (unsigned char)(i % 3 == 0 ? 250 : i % 3 == 1 ? 100 : 3);
  write_png(photo, 50, 3, plain);
  EXPECT(ZOO_OK, "", zoo_image_load(photo, NULL, &image, &e));
  EXPECT(ZOO_OK, "", zoo_set_image(s, 0, image, &e));
  for (int i = 0; i < TINY_SIDE * TINY_SIDE * 3; i++)
    CHECK(fabsf(((const float *)zoo_input(s, 0)->data)[i] - (float)plain[i % 3] / 255) < 1e-6f);
  EXPECT(ZOO_OK, "", zoo_classify_image(s, image, top, &count, &e));
  EXPECT(ZOO_OK, "", zoo_classify_file(s, photo, again, &other, &e));
  CHECK(count == 5 && other == 5);
  for (size_t i = 0; i < 5; i++) {
    CHECK(top[i].index == again[i].index && top[i].probability == again[i].probability);
    CHECK(i == 0 || top[i].probability <= top[i - 1].probability);
    CHECK(strcmp(top[i].label, zoo_label(s, top[i].index)) == 0 && top[i].label[0] != 0);
  }
  zoo_image_free(image);
  zoo_close(s);
}

/* What is behind transparent pixels is the model's background: white here. */
static void transparent_pictures(void) {
  static const unsigned char clear[16] = {0};
  zoo_session *s = open_model(TINY_ECHO_U8, 0);
  zoo_prediction top[1];
  size_t count = 1;
  write_png(photo, 2, 4, clear);
  EXPECT(ZOO_OK, "", zoo_classify_file(s, photo, top, &count, &e));
  for (int i = 0; i < 12; i++)
    CHECK(((const unsigned char *)zoo_output(s, 0)->data)[i] == 255);
  zoo_close(s);
}

static void errors(void) {
  zoo_session *s = open_model(TINY_CLASSIFIER, 8);
  zoo_prediction top[2];
  zoo_image *image;
  size_t count = 2;
  write_png(photo, 2, 3, four);
  EXPECT(ZOO_OK, "", zoo_classify_file(s, photo, top, &count, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "session", zoo_classify_file(NULL, photo, top, &count, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "path", zoo_classify_file(s, NULL, top, &count, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "top", zoo_classify_file(s, photo, NULL, &count, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "count", zoo_classify_file(s, photo, top, NULL, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "image", zoo_classify_image(s, NULL, top, &count, &e));
  EXPECT(ZOO_OK, "", zoo_image_load(photo, NULL, &image, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "NULL", zoo_classify_image(NULL, image, top, &count, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "top", zoo_classify_image(s, image, NULL, &count, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "NULL", zoo_set_image(NULL, 0, image, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "NULL", zoo_set_image(s, 0, NULL, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "input", zoo_set_image(s, 1, image, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "input", zoo_set_image(s, SIZE_MAX, image, &e));
  CHECK(count == 2);
  zoo_image_free(image);
  unlink(photo);
  EXPECT(ZOO_FILE_NOT_FOUND, "photo.png: ", zoo_classify_file(s, photo, top, &count, &e));
  EXPECT(ZOO_FILE_UNREADABLE, "directory", zoo_classify_file(s, folder, top, &count, &e));
  EXPECT(ZOO_IMAGE_FORMAT, "tiny.zoo: ", zoo_classify_file(s, file, top, &count, &e));
  write_file(photo, "", 0);
  EXPECT(ZOO_FILE_UNREADABLE, "empty", zoo_classify_file(s, photo, top, &count, &e));
  write_png(photo, 2, 3, four);
  CHECK(truncate(photo, 60) == 0);
  EXPECT(ZOO_IMAGE_CORRUPT, "photo.png: ", zoo_classify_file(s, photo, top, &count, &e));
  {
    static const unsigned char nine[27];
    write_png(photo, 3, 3, nine);
    EXPECT(ZOO_IMAGE_TOO_LARGE, "photo.png: ", zoo_classify_file(s, photo, top, &count, &e));
  }
  zoo_close(s);
}

/* Sessions in the caller's arena take pictures too. */
static void caller_owned_sessions(void) {
  static unsigned char model[TINY_MODEL_CAPACITY] __attribute__((aligned(64)));
  static unsigned char arena[1 << 14] __attribute__((aligned(64)));
  size_t size = tiny_model_build(TINY_CLASSIFIER, model), count = 1;
  zoo_session *s;
  zoo_prediction top[1];
  write_png(photo, 2, 3, four);
  EXPECT(ZOO_OK, "", zoo_session_init(model, size, arena, sizeof arena, NULL, &s, &e));
  EXPECT(ZOO_OK, "", zoo_classify_file(s, photo, top, &count, &e));
  CHECK(count == 1 && top[0].probability > 0.2f);
}

int main(void) {
  make_folder(folder, sizeof folder);
  snprintf(file, sizeof file, "%s/tiny.zoo", folder);
  snprintf(photo, sizeof photo, "%s/photo.png", folder);
  inputs_of_each_type();
  the_default_preparation();
  transparent_pictures();
  errors();
  caller_owned_sessions();
  unlink(photo);
  unlink(file);
  rmdir(folder);
  return check_result("pictures");
}
