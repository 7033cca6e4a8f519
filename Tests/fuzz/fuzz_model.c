// Any bytes as a model: checked, made into a session and run on every instruction set, or refused. Each input is tried as it is,
// and with both checksums made right, because no fuzzer guesses those.
#define _POSIX_C_SOURCE 200112L
#include "../CConsumer/tiny_file.h"
#include "zoo.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_SIZE 144
#define ARENA_LIMIT (1u << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Memory of exactly `size` bytes, so that a sanitizer sees the first byte past it.
static void *aligned(size_t size) {
  void *memory = NULL;
  return posix_memalign(&memory, 64, size ? size : 1) ? abort(), NULL : memory;
}

static void run(zoo_session *session) {
  zoo_prediction top[3];
  size_t count = 3;
  for (size_t i = 0; i < zoo_input_count(session); i++)
    memset(zoo_input(session, i)->data, 0x3c, zoo_input(session, i)->size);
  if (zoo_run(session, NULL) != ZOO_OK)
    abort();
  zoo_top(session, top, &count, NULL);
  zoo_argmax(zoo_output(session, 0));
  for (size_t i = 0; i < zoo_label_count(session); i++)
    (void)strlen(zoo_label(session, i));
  const char *name = zoo_metadata(session, "name");
  (void)(name ? strlen(name) : 0);
}

static void try_model(const void *model, size_t size) {
  for (int isa = ZOO_ISA_SCALAR; isa <= ZOO_ISA_AMX; isa++) {
    zoo_options options = {.struct_size = sizeof options, .isa = (zoo_isa)isa};
    zoo_session *session = NULL;
    zoo_error error;
    size_t arena_size = 0;
    zoo_model_check(model, size, &error);
    if (!zoo_isa_available(options.isa) ||
        zoo_session_arena_size(model, size, &options, &arena_size, &error) != ZOO_OK || arena_size > ARENA_LIMIT)
      continue;
    void *arena = aligned(arena_size);
    if (zoo_session_init(model, size, arena, arena_size, &options, &session, &error) == ZOO_OK)
      run(session);
    else if (session || strnlen(error.message, sizeof error.message) == sizeof error.message)
      abort();
    free(arena);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  unsigned char *model = aligned(size);
  memcpy(model, data, size);
  try_model(model, size);
  if (size >= HEADER_SIZE) {
    tiny_model_seal(model, size);
    try_model(model, size);
  }
  free(model);
  return 0;
}
