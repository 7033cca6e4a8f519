// Writes the models of tiny_model.h into files: where fuzzing starts.
#include "../CConsumer/tiny_model.h"

#include <stdio.h>

int main(int count, char **arguments) {
  static unsigned char bytes[TINY_MODEL_CAPACITY];
  if (count != 2)
    return fprintf(stderr, "usage: make_models DIRECTORY\n"), 64;
  for (int kind = 0; kind < TINY_KIND_COUNT; kind++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/tiny%d.zoo", arguments[1], kind);
    FILE *file = fopen(path, "wb");
    const size_t size = tiny_model_build((enum tiny_kind)kind, bytes);
    if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
      return fprintf(stderr, "make_models: cannot write %s\n", path), 1;
  }
  return 0;
}
