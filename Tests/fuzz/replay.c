// Runs a fuzz target without a fuzzer: on the files named, or, after --damage N, on N damaged copies of each: cut short at
// places spread over the file, and with single bits flipped. The same copies every time.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *read_file(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  if (!file || fseek(file, 0, SEEK_END) != 0) {
    fprintf(stderr, "replay: cannot read %s\n", path);
    exit(1);
  }
  *size = (size_t)ftell(file);
  rewind(file);
  uint8_t *bytes = malloc(*size + 1);
  if (!bytes || fread(bytes, 1, *size, file) != *size)
    exit(1);
  fclose(file);
  return bytes;
}

// A copy of exactly its size, so that reads past it are seen.
static void run_copy(const uint8_t *bytes, size_t size, size_t flipped_bit) {
  uint8_t *copy = malloc(size ? size : 1);
  if (!copy)
    exit(1);
  memcpy(copy, bytes, size);
  if (flipped_bit / 8 < size)
    copy[flipped_bit / 8] ^= (uint8_t)(1u << flipped_bit % 8);
  LLVMFuzzerTestOneInput(copy, size);
  free(copy);
}

int main(int count, char **arguments) {
  size_t damaged = 0, runs = 0;
  for (int i = 1; i < count; i++) {
    size_t size;
    if (strcmp(arguments[i], "--damage") == 0 && i + 1 < count) {
      damaged = (size_t)strtoul(arguments[++i], NULL, 10);
      continue;
    }
    uint8_t *bytes = read_file(arguments[i], &size);
    run_copy(bytes, size, SIZE_MAX);
    for (size_t k = 0; k < damaged; k++) {
      run_copy(bytes, size * k / damaged, SIZE_MAX);
      run_copy(bytes, size, size * 8 * k / damaged + k % 8);
    }
    runs += 1 + 2 * damaged;
    free(bytes);
  }
  printf("%zu inputs\n", runs);
  return runs == 0;
}
