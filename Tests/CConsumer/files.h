/*
 * files.h - a temporary folder with the files a test program needs.
 */
#ifndef FILES_H
#define FILES_H

#include "tiny_model.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder of its own for the program; the caller removes what it makes in it, then the folder. */
static inline void make_folder(char *folder, size_t size) {
  const char *parent = getenv("TMPDIR");
  snprintf(folder, size, "%s/zoo-test-XXXXXX", parent ? parent : "/tmp");
  if (!mkdtemp(folder)) {
    perror(folder);
    exit(2);
  }
}

static inline void write_file(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  if (!file || fwrite(bytes, 1, size, file) != size || fclose(file) != 0) {
    perror(path);
    exit(2);
  }
}

/* Writes the tiny model `kind`, all but its last `missing` bytes. */
static inline void write_model(const char *path, enum tiny_kind kind, size_t missing) {
  unsigned char bytes[TINY_MODEL_CAPACITY];
  size_t size = tiny_model_build(kind, bytes);
  write_file(path, bytes, size - missing);
}

#endif
