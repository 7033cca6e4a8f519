/* Runs a model on a fixed input with a kind of kernels, and writes its outputs or holds them against those of another machine.
 *
 *   run_model MODEL ISA                 the outputs as bytes to standard output
 *   run_model MODEL ISA BOUND FILE      floats may differ by BOUND times the largest, other types not at all
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zoo.h>

static void stop(const char *what, const char *which) {
  fprintf(stderr, "run_model: %s: %s\n", which, what);
  exit(1);
}

/* A file at an address that is a multiple of 64. */
static void *contents(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END))
    stop("not readable", path);
  *size = (size_t)ftell(file);
  void *bytes = aligned_alloc(64, (*size + 64) / 64 * 64);
  rewind(file);
  if (!bytes || fread(bytes, 1, *size, file) != *size)
    stop("not readable", path);
  fclose(file);
  return bytes;
}

static zoo_isa isa_named(const char *name) {
  for (int isa = ZOO_ISA_SCALAR; isa < 32; isa++)
    if (strcmp(zoo_isa_name((zoo_isa)isa), name) == 0)
      return (zoo_isa)isa;
  stop("no such instruction set", name);
  return ZOO_ISA_AUTO;
}

/* A pattern instead of a photo: the same values on every machine, smooth enough to excite a network. */
static void fill(const zoo_tensor *input) {
  uint32_t state = 1, level = 128;
  const size_t size = input->type == ZOO_F32 ? 4 : 1;
  for (size_t i = 0; i < input->size / size; i++) {
    state = state * 1664525u + 1013904223u;
    level = (level * 7 + (state >> 24)) / 8;
    if (input->type == ZOO_F32)
      ((float *)input->data)[i] = (float)level / 128 - 1;
    else
      ((uint8_t *)input->data)[i] = (uint8_t)level;
  }
}

static void compare(const zoo_tensor *y, const void *want, float bound, const char *what) {
  if (y->type != ZOO_F32 || bound == 0) {
    if (memcmp(y->data, want, y->size))
      stop("other bits", what);
    printf("%zu bytes equal\n", y->size);
    return;
  }
  const float *a = y->data, *b = want;
  float largest = 0, furthest = 0;
  for (size_t i = 0; i < y->size / 4; i++) {
    largest = fmaxf(largest, fabsf(b[i]));
    const float difference = a[i] == b[i] ? 0 : fabsf(a[i] - b[i]);
    if (isnan(difference))
      stop("a NaN", what);
    furthest = fmaxf(furthest, difference);
  }
  if (!(largest > 0) || furthest > bound * largest)
    stop("other floats", what);
  printf("%zu floats within %.1e of the largest\n", y->size / 4, (double)(furthest / largest));
}

int main(int argc, char **argv) {
  if (argc != 3 && argc != 5)
    stop("[BOUND FILE]", "MODEL ISA");
  size_t size, arena_size, at = 0;
  const void *model = contents(argv[1], &size);
  const zoo_options options = {.struct_size = sizeof options, .isa = isa_named(argv[2])};
  zoo_error error;
  zoo_session *session;
  if (zoo_session_arena_size(model, size, &options, &arena_size, &error))
    stop(error.message, argv[1]);
  void *arena = aligned_alloc(64, (arena_size + 63) / 64 * 64);
  if (zoo_session_init(model, size, arena, arena_size, &options, &session, &error))
    stop(error.message, argv[1]);
  for (size_t i = 0; i < zoo_input_count(session); i++)
    fill(zoo_input(session, i));
  if (zoo_run(session, &error))
    stop(error.message, argv[1]);
  const char *want = argc == 5 ? contents(argv[4], &size) : NULL;
  for (size_t i = 0; i < zoo_output_count(session); at += zoo_output(session, i++)->size) {
    const zoo_tensor *y = zoo_output(session, i);
    if (!want)
      fwrite(y->data, 1, y->size, stdout);
    else if (at + y->size > size)
      stop("too short", argv[4]);
    else
      compare(y, want + at, strtof(argv[3], NULL), argv[1]);
  }
  return 0;
}
