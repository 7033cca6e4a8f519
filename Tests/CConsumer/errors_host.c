/*
 * errors_host.c - every way to misuse the host tier of zoo_image.h is answered with a status and a
 * message, and nothing is leaked or freed twice.
 */
#define _XOPEN_SOURCE 700
#include "check.h"
#include "files.h"
#include "zoo_image.h"

#define ALIGNED __attribute__((aligned(64)))

static zoo_error e;
static char folder[200], path[512];

static const char *in_folder(const char *name) {
  snprintf(path, sizeof path, "%s/%s", folder, name);
  return path;
}

static void wrong_files(void) {
  zoo_session *s = (zoo_session *)folder;
  zoo_model *m = (zoo_model *)folder;
  EXPECT(ZOO_FILE_NOT_FOUND, "none.zoo: file not found", zoo_open(in_folder("none.zoo"), NULL, &s, &e));
  CHECK(s == NULL && strncmp(e.message, folder, strlen(folder)) == 0);
  CHECK(zoo_open(in_folder("none.zoo"), NULL, &s, NULL) == ZOO_FILE_NOT_FOUND);
  EXPECT(ZOO_FILE_NOT_FOUND, ": ", zoo_model_open("", &m, &e));
  CHECK(m == NULL);
  EXPECT(ZOO_FILE_UNREADABLE, "directory", zoo_open(folder, NULL, &s, &e));
  write_file(in_folder("empty.zoo"), "", 0);
  EXPECT(ZOO_FILE_UNREADABLE, "empty.zoo: file is empty", zoo_open(path, NULL, &s, &e));
  unlink(path);
  EXPECT(ZOO_FILE_NOT_FOUND, "below", zoo_open(in_folder("tiny.zoo/below"), NULL, &s, &e));
  if (mkfifo(in_folder("pipe.zoo"), 0600) == 0) {
    EXPECT(ZOO_FILE_UNREADABLE, "regular", zoo_open(path, NULL, &s, &e));
    unlink(path);
  }
  write_file(in_folder("secret.zoo"), "secret", 6);
  chmod(path, 0);
  if (access(path, R_OK) != 0) /* it is readable all the same for the superuser */
    EXPECT(ZOO_FILE_UNREADABLE, "permission", zoo_open(path, NULL, &s, &e));
  unlink(path);
  write_file(in_folder("text.zoo"), "hello, world", 12);
  EXPECT(ZOO_NOT_A_MODEL, "text.zoo: ", zoo_open(path, NULL, &s, &e));
  unlink(path);
  for (size_t missing = 1; missing < 380; missing += 7) {
    write_model(in_folder("short.zoo"), TINY_ECHO_U8, missing);
    CHECK(zoo_open(path, NULL, &s, &e) != ZOO_OK && s == NULL);
  }
  EXPECT(ZOO_NOT_A_MODEL, "short.zoo: ", zoo_open(path, NULL, &s, &e));
  unlink(path);
}

/* Weights are verified by the first session, and only then. */
static void damaged_weights(void) {
  unsigned char bytes[TINY_MODEL_CAPACITY];
  size_t size = tiny_model_build(TINY_CLASSIFIER, bytes);
  zoo_host_options options;
  zoo_model *m;
  zoo_session *s;
  bytes[size - 1] ^= 4;
  write_file(in_folder("damaged.zoo"), bytes, size);
  EXPECT(ZOO_CHECKSUM_MISMATCH, "damaged.zoo: weights", zoo_open(path, NULL, &s, &e));
  EXPECT(ZOO_OK, "", zoo_model_open(path, &m, &e));
  EXPECT(ZOO_CHECKSUM_MISMATCH, "weights", zoo_session_open(m, NULL, &s, &e));
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.flags = ZOO_SKIP_WEIGHT_CHECKSUM;
  EXPECT(ZOO_OK, "", zoo_session_open(m, &options, &s, &e));
  zoo_close(s);
  EXPECT(ZOO_CHECKSUM_MISMATCH, "weights", zoo_session_open(m, NULL, &s, &e));
  zoo_model_close(m);
  unlink(path);
}

static void long_paths(void) {
  char name[400];
  zoo_session *s;
  memset(name, 'a', sizeof name);
  memcpy(name, "/start/", 7);
  strcpy(name + 300, "/end\n.zoo");
  for (int i = 100; i < 200; i += 2)
    memcpy(name + i, "\xC3\xA9", 2); /* e with an accent: not to be cut in two */
  EXPECT(ZOO_FILE_NOT_FOUND, "/end?.zoo: file not found", zoo_open(name, NULL, &s, &e));
  CHECK(strncmp(e.message, "/start/", 7) == 0 && strstr(e.message, "...") != NULL);
  CHECK(strlen(e.message) == ZOO_MESSAGE_SIZE - 1);
  for (size_t length = 1; length < 300; length++) {
    memset(name, 'b', sizeof name);
    for (size_t i = 0; i + 3 <= length; i += 3)
      memcpy(name + i, "\xE2\x82\xAC", 3);
    name[length] = 0;
    EXPECT(ZOO_FILE_NOT_FOUND, ": file not found", zoo_open(name, NULL, &s, &e));
    for (const char *c = e.message; *c; c++) /* euro signs are whole: no lone first or last byte */
      CHECK((unsigned char)*c != 0xE2 || ((unsigned char)c[1] == 0x82 && (unsigned char)c[2] == 0xAC));
  }
}

static void wrong_arguments(const char *file) {
  zoo_host_options options;
  zoo_session *s = (zoo_session *)folder;
  zoo_model *m = NULL;
  memset(&options, 0, sizeof options);
  EXPECT(ZOO_INVALID_ARGUMENT, "path is NULL", zoo_open(NULL, NULL, &s, &e));
  CHECK(s == NULL);
  EXPECT(ZOO_INVALID_ARGUMENT, "session is NULL", zoo_open(file, NULL, NULL, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "path is NULL", zoo_model_open(NULL, &m, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "model is NULL", zoo_model_open(file, NULL, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "model is NULL", zoo_session_open(NULL, NULL, &s, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "struct_size", zoo_open(file, &options, &s, &e));
  options.struct_size = sizeof options + 1;
  EXPECT(ZOO_INVALID_ARGUMENT, "struct_size", zoo_open(file, &options, &s, &e));
  options.struct_size = sizeof options;
  options.threads = ZOO_MAX_THREADS + 1;
  EXPECT(ZOO_INVALID_ARGUMENT, "1025", zoo_open(file, &options, &s, &e));
  options.threads = 0;
  options.flags = 2;
  EXPECT(ZOO_INVALID_ARGUMENT, "flags", zoo_open(file, &options, &s, &e));
  options.flags = 0;
  options.isa = (zoo_isa)50;
  EXPECT(ZOO_ISA_UNAVAILABLE, "50", zoo_open(file, &options, &s, &e));
  CHECK(s == NULL && strncmp(e.message, folder, strlen(folder)) == 0);
  options.struct_size = 16; /* a program from before the later fields: they are not read */
  options.isa = ZOO_ISA_AUTO;
  options.threads = 1;
  memset(&options.pool, 0x7F, sizeof options - 16);
  EXPECT(ZOO_OK, "", zoo_open(file, &options, &s, &e));
  EXPECT(ZOO_OK, "", zoo_run(s, &e));
  zoo_close(s);
}

static void pools(void) {
  zoo_pool *pool = (zoo_pool *)folder;
  EXPECT(ZOO_INVALID_ARGUMENT, "1025", zoo_pool_create(ZOO_MAX_THREADS + 1, &pool, &e));
  CHECK(pool == NULL);
  EXPECT(ZOO_INVALID_ARGUMENT, "NULL", zoo_pool_create(1, NULL, &e));
  EXPECT(ZOO_OK, "", zoo_pool_create(0, &pool, &e));
  CHECK(zoo_pool_parallel(pool).thread_count >= 1 && zoo_pool_parallel(pool).run != NULL);
  CHECK(zoo_pool_parallel(NULL).thread_count == 1);
  zoo_pool_destroy(pool);
  zoo_pool_destroy(NULL);
}

/* The order of closing does not matter, and NULL and caller-owned sessions are left alone. */
static void closing(const char *file) {
  static unsigned char bytes[TINY_MODEL_CAPACITY] ALIGNED, arena[1 << 14] ALIGNED;
  size_t size = tiny_model_build(TINY_CLASSIFIER, bytes);
  zoo_parallel one = zoo_pool_parallel(NULL);
  zoo_options options;
  zoo_session *a, *b, *own;
  zoo_model *m;
  zoo_close(NULL);
  zoo_model_close(NULL);
  EXPECT(ZOO_OK, "", zoo_model_open(file, &m, &e));
  EXPECT(ZOO_OK, "", zoo_session_open(m, NULL, &a, &e));
  EXPECT(ZOO_OK, "", zoo_session_open(m, NULL, &b, &e));
  zoo_model_close(m);
  zoo_close(a);
  EXPECT(ZOO_OK, "", zoo_run(b, &e));
  CHECK(strcmp(zoo_label(b, 0), "apple") == 0);
  zoo_close(b);
  EXPECT(ZOO_OK, "", zoo_model_open(file, &m, &e));
  zoo_model_close(m);
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.parallel = &one;
  EXPECT(ZOO_OK, "", zoo_session_init(bytes, size, arena, sizeof arena, &options, &own, &e));
  zoo_close(own);
  EXPECT(ZOO_OK, "", zoo_run(own, &e));
}

int main(void) {
  char file[256];
  make_folder(folder, sizeof folder);
  snprintf(file, sizeof file, "%s/tiny.zoo", folder);
  write_model(file, TINY_CLASSIFIER, 0);
  wrong_files();
  damaged_weights();
  long_paths();
  wrong_arguments(file);
  pools();
  closing(file);
  unlink(file);
  rmdir(folder);
  return check_result("errors_host");
}
