// Runs a model a number of times with kernels of AVX2, for tools/check-instructions to count.   count MODEL RUNS
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zoo_image.h>

int main(int argc, char **argv) {
  if (argc != 3)
    return fprintf(stderr, "usage: count MODEL RUNS\n"), 64;
  zoo_host_options options = {.struct_size = sizeof options, .isa = ZOO_ISA_AVX2, .threads = 1};
  zoo_session *session;
  zoo_error error;
  if (zoo_open(argv[1], &options, &session, &error))
    return fprintf(stderr, "count: %s\n", error.message), 1;
  const zoo_tensor *input = zoo_input(session, 0);
  // Made once, so that making it is not counted with the runs: small numbers of both signs, also where they are bytes.
  void *values = malloc(input->size);
  if (!values)
    return fprintf(stderr, "count: no memory for the input\n"), 1;
  for (size_t i = 0; i < input->size / 4 && input->type == ZOO_F32; i++)
    ((float *)values)[i] = (float)(int)(i * 37 % 201) / 100 - 1;
  for (size_t i = 0; i < input->size && input->type != ZOO_F32; i++)
    ((unsigned char *)values)[i] = (unsigned char)(i * 37 % 201);
  for (long run = atol(argv[2]); run > 0; run--) {
    memcpy(input->data, values, input->size);
    if (zoo_run(session, &error))
      return fprintf(stderr, "count: %s\n", error.message), 1;
  }
  free(values);
  zoo_close(session);
  return 0;
}
