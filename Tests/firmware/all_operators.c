/* A program that links every operator: what tools/check-size measures. */
#include "model.h"
static uint8_t arena[MODEL_ARENA_BYTES] __attribute__((aligned(64)));
int main(void) {
  zoo_session *session;
  zoo_error error;
  zoo_options options = {.struct_size = sizeof options};
  if (zoo_session_init(model_model, model_model_size, arena, sizeof arena, &options, &session, &error))
    return 1;
  return zoo_run(session, &error) != ZOO_OK;
}
