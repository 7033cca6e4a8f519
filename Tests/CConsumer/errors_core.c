/*
 * errors_core.c - every way to misuse zoo.h is answered with a status and a message.
 */
#include "check.h"
#include "tiny_model.h"

#include <stdlib.h>

#define ALIGNED __attribute__((aligned(64)))

static unsigned char model[TINY_MODEL_CAPACITY] ALIGNED;
static unsigned char copy[TINY_MODEL_CAPACITY + 64] ALIGNED;
static unsigned char arena[1 << 16] ALIGNED;
static zoo_error e;

static void wrong_models(size_t size) {
  EXPECT(ZOO_OK, "", zoo_model_check(model, size, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "NULL", zoo_model_check(NULL, size, &e));
  EXPECT(ZOO_NOT_A_MODEL, "begin", zoo_model_check(model, 0, &e));
  EXPECT(ZOO_NOT_A_MODEL, "begin", zoo_model_check(model, 7, &e));
  EXPECT(ZOO_MODEL_TRUNCATED, "144", zoo_model_check(model, 143, &e));
  EXPECT(ZOO_MODEL_TRUNCATED, "size", zoo_model_check(model, size - 1, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "size", zoo_model_check(model, SIZE_MAX, &e));
  memcpy(copy + 8, model, size);
  EXPECT(ZOO_MISALIGNED, "16", zoo_model_check(copy + 8, size, &e));
  memcpy(copy, model, size);
  copy[8] = 9;
  EXPECT(ZOO_MODEL_VERSION, "9", zoo_model_check(copy, size, &e));
  memcpy(copy, model, size);
  copy[size - 1] ^= 1;
  EXPECT(ZOO_CHECKSUM_MISMATCH, "weights", zoo_model_check(copy, size, &e));
  memcpy(copy, model, size);
  copy[200] ^= 1;
  EXPECT(ZOO_CHECKSUM_MISMATCH, "structure", zoo_model_check(copy, size, &e));
  CHECK(zoo_model_check(copy, size, NULL) == ZOO_CHECKSUM_MISMATCH);
}

static void wrong_options(size_t size) {
  zoo_session *s;
  zoo_options options;
  size_t bytes;
  memset(&options, 0, sizeof options);
  EXPECT(ZOO_INVALID_ARGUMENT, "struct_size", zoo_session_init(model, size, arena, sizeof arena, &options, &s, &e));
  options.struct_size = sizeof options + 8;
  EXPECT(ZOO_INVALID_ARGUMENT, "struct_size", zoo_session_arena_size(model, size, &options, &bytes, &e));
  options.struct_size = sizeof options;
  EXPECT(ZOO_OK, "", zoo_session_init(model, size, arena, sizeof arena, &options, &s, &e));
  options.flags = 1u << 31;
  EXPECT(ZOO_INVALID_ARGUMENT, "flags", zoo_session_init(model, size, arena, sizeof arena, &options, &s, &e));
  CHECK(s == NULL);
  options.flags = 0;
  options.isa = (zoo_isa)99;
  EXPECT(ZOO_ISA_UNAVAILABLE, "99", zoo_session_init(model, size, arena, sizeof arena, &options, &s, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "arena_size", zoo_session_arena_size(model, size, NULL, NULL, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "scratch_size", zoo_session_scratch_size(model, size, NULL, NULL, &e));
}

static void wrong_arenas(size_t size) {
  zoo_session *s = (zoo_session *)arena;
  size_t bytes = 0;
  EXPECT(ZOO_OK, "", zoo_session_arena_size(model, size, NULL, &bytes, &e));
  CHECK(bytes > 0 && bytes <= sizeof arena);
  EXPECT(ZOO_ARENA_TOO_SMALL, "bytes of arena", zoo_session_init(model, size, arena, bytes - 1, NULL, &s, &e));
  CHECK(s == NULL && strtoul(strpbrk(e.message, "0123456789"), NULL, 10) == bytes);
  EXPECT(ZOO_ARENA_TOO_SMALL, "", zoo_session_init(model, size, arena, 0, NULL, &s, &e));
  EXPECT(ZOO_MISALIGNED, "arena", zoo_session_init(model, size, arena + 8, bytes, NULL, &s, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "NULL", zoo_session_init(model, size, NULL, bytes, NULL, &s, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "NULL", zoo_session_init(model, size, arena, bytes, NULL, NULL, &e));
  arena[bytes] = 0xA5; /* nothing is written past the size that was asked for */
  EXPECT(ZOO_OK, "", zoo_session_init(model, size, arena, bytes, NULL, &s, &e));
  EXPECT(ZOO_OK, "", zoo_run(s, &e));
  CHECK(arena[bytes] == 0xA5);
}

static void wrong_operators(size_t size) {
  const zoo_operator *const only_dense[] = {&zoo_op_dense};
  zoo_session *s;
  EXPECT(ZOO_UNSUPPORTED_OPERATOR, "node 0",
         zoo_session_init_using(only_dense, 1, model, size, arena, sizeof arena, NULL, &s, &e));
  CHECK(e.node == 0 && s == NULL);
  EXPECT(ZOO_UNSUPPORTED_OPERATOR, "node 0",
         zoo_session_init_using(NULL, 0, model, size, arena, sizeof arena, NULL, &s, &e));
}

static void wrong_calls(size_t size) {
  zoo_session *s;
  zoo_prediction top[9];
  size_t count = 9;
  EXPECT(ZOO_INVALID_ARGUMENT, "NULL", zoo_run(NULL, &e));
  CHECK(zoo_run(NULL, NULL) == ZOO_INVALID_ARGUMENT);
  CHECK(zoo_input(NULL, 0) == NULL && zoo_output(NULL, 0) == NULL);
  CHECK(zoo_input_count(NULL) == 0 && zoo_output_count(NULL) == 0);
  CHECK(zoo_argmax(NULL) == 0 && zoo_session_isa(NULL) == ZOO_ISA_AUTO);
  CHECK(zoo_label_count(NULL) == 0 && zoo_label(NULL, 0)[0] == 0 && !zoo_metadata(NULL, "name"));
  EXPECT(ZOO_OK, "", zoo_session_init(model, size, arena, sizeof arena, NULL, &s, &e));
  CHECK(zoo_input(s, 1) == NULL && zoo_input(s, SIZE_MAX) == NULL && zoo_output(s, 1) == NULL);
  CHECK(zoo_label(s, SIZE_MAX)[0] == 0 && strcmp(zoo_label(s, 4), "fig") == 0);
  CHECK(zoo_metadata(s, NULL) == NULL && zoo_metadata(s, "nothing") == NULL);
  CHECK(strcmp(zoo_metadata(s, "name"), "tiny") == 0);
  EXPECT(ZOO_INVALID_ARGUMENT, "NULL", zoo_top(NULL, top, &count, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "NULL", zoo_top(s, NULL, &count, &e));
  EXPECT(ZOO_INVALID_ARGUMENT, "NULL", zoo_top(s, top, NULL, &e));
  EXPECT(ZOO_OK, "", zoo_run(s, &e));
  EXPECT(ZOO_OK, "", zoo_top(s, top, &count, &e));
  CHECK(count == TINY_CLASS_COUNT);
  count = 0;
  EXPECT(ZOO_OK, "", zoo_top(s, top, &count, &e));
  CHECK(count == 0);
}

static void texts(void) {
  for (int status = -1; status < 100; status++)
    CHECK(zoo_status_string((zoo_status)status)[0] != 0);
  CHECK(strcmp(zoo_isa_name((zoo_isa)77), "unknown") == 0 && !zoo_isa_available((zoo_isa)77));
  CHECK(zoo_isa_available(ZOO_ISA_SCALAR) && zoo_isa_available(ZOO_ISA_AUTO));
  CHECK(zoo_version()[0] == '0' + ZOO_VERSION_MAJOR);
}

int main(void) {
  size_t size = tiny_model_build(TINY_CLASSIFIER, model);
  wrong_models(size);
  wrong_options(size);
  wrong_arenas(size);
  wrong_operators(size);
  wrong_calls(size);
  texts();
  return check_result("errors_core");
}
