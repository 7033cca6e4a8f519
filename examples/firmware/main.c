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
  const zoo_tensor *input = zoo_input(session, 0), *output = zoo_output(session, 0);
  if ((input->type != ZOO_F32 && input->type != ZOO_I8) || output->type != ZOO_F32) {
    printf("error: inputs or outputs of another type\n");
    return 1;
  }
  /* A pattern instead of a sensor: the same values on every machine. In integers x is x / MODEL_INPUT_SCALE +
     MODEL_INPUT_ZERO_POINT. */
  uint32_t state = 1;
  for (size_t i = 0; i < MODEL_INPUT_COUNT; i++) {
    state = state * 1664525u + 1013904223u;
    if (input->type == ZOO_F32)
      ((float *)input->data)[i] = (float)(state >> 8) / 16777216.0f;
    else
      ((uint8_t *)input->data)[i] = (uint8_t)(state >> 24);
  }
  if (zoo_run(session, &error)) {
    printf("error: %s\n", error.message);
    return 1;
  }
  const uint32_t *words = output->data;
  for (size_t i = 0; i < MODEL_OUTPUT_COUNT; i++)
    printf("%08lx\n", (unsigned long)words[i]);
  printf("class %u\n", (unsigned)zoo_argmax(output));
  return 0;
}
