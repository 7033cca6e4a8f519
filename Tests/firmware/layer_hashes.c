/* A hash of what each layer of an integer network gives for a fixed input: the same lines on every machine and with every
   kind of kernels. Layers of a chain that runs in bands are seen at its end.

     layer_hashes [ISA]      exits with 2 if this CPU has no such kernels; a board has those of plain C alone */
#include <stdio.h>
#include <string.h>

#include "model.h"

static uint8_t arena[MODEL_ARENA_BYTES] __attribute__((aligned(64)));
static const zoo_operator *const operators[] = MODEL_OPERATORS;
static unsigned layer;

/* FNV-1a of a tensor, row by row, since a part of a concatenation lies among others. */
static void hash(void *context, const zoo_node *node, int done) {
  (void)context;
  if (!done)
    return;
  const zoo_tensor *y = &node->outputs[0];
  const size_t width = y->type == ZOO_I8 ? 1 : y->type == ZOO_I16 ? 2 : 4;
  const size_t channels = (size_t)y->shape[y->rank - 1];
  size_t rows = 1;
  for (uint32_t i = 0; i + 1 < y->rank; i++)
    rows *= (size_t)y->shape[i];
  uint64_t value = 0xcbf29ce484222325u;
  for (size_t row = 0; row < rows; row++) {
    const uint8_t *bytes = (const uint8_t *)y->data + row * (size_t)y->row_stride * width;
    for (size_t i = 0; i < channels * width; i++)
      value = (value ^ bytes[i]) * 0x100000001b3u;
  }
  printf("%u %08lx%08lx\n", layer++, (unsigned long)(value >> 32), (unsigned long)(value & 0xffffffffu));
}

int main(int argc, char **argv) {
  zoo_session *session;
  zoo_error error;
  zoo_options options = {.struct_size = sizeof options, .isa = ZOO_ISA_SCALAR, .observer = hash};
  if (argc > 1) {
    int isa = ZOO_ISA_SCALAR;
    while (isa < 32 && strcmp(zoo_isa_name((zoo_isa)isa), argv[1]))
      isa++;
    if (isa == 32 || !zoo_isa_available((zoo_isa)isa))
      return 2;
    options.isa = (zoo_isa)isa;
  }
  if (zoo_session_init_using(operators, MODEL_OPERATOR_COUNT, model_model, model_model_size, arena, sizeof arena,
                             &options, &session, &error)) {
    printf("error: %s\n", error.message);
    return 1;
  }
  const zoo_tensor *input = zoo_input(session, 0);
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
  return 0;
}
