/* A network on a Cortex-M7 with nothing but what is on this page: the model in flash, one static arena, no heap.
   The same file runs on a desktop, where it must print the same bits (Tests/firmware/run): hence the scalar kernels.
   Prints the outputs as the hexadecimal words of their floats, through semihosting. */
#include <stdio.h>

#include "model.h"

static uint8_t arena[MODEL_ARENA_BYTES] __attribute__((aligned(64)));
static const zoo_operator *const operators[] = MODEL_OPERATORS;

int main(void) {
  zoo_session *session;
  zoo_error error;
  zoo_options options = {.struct_size = sizeof options, .isa = ZOO_ISA_SCALAR};
  if (zoo_session_init_using(operators, MODEL_OPERATOR_COUNT, model_model, model_model_size, arena, sizeof arena,
                             &options, &session, &error)) {
    printf("error: %s\n", error.message);
    return 1;
  }
  /* A pattern instead of a sensor: the same values on every machine. */
  float *input = zoo_input(session, 0)->data;
  uint32_t state = 1;
  for (size_t i = 0; i < MODEL_INPUT_COUNT; i++) {
    state = state * 1664525u + 1013904223u;
    input[i] = (float)(state >> 8) / 16777216.0f;
  }
  if (zoo_run(session, &error)) {
    printf("error: %s\n", error.message);
    return 1;
  }
  const uint32_t *words = zoo_output(session, 0)->data;
  for (size_t i = 0; i < MODEL_OUTPUT_COUNT; i++)
    printf("%08lx\n", (unsigned long)words[i]);
  printf("class %u\n", (unsigned)zoo_argmax(zoo_output(session, 0)));
  return 0;
}
