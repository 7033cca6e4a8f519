/*
 * no_allocations.c - zoo_run takes no memory from the heap, on one thread or several.
 *
 * The program's own malloc and its relatives count and then pass on to glibc's, so it is for glibc.
 */
#define _XOPEN_SOURCE 700
#include "check.h"
#include "zoo_image.h"

#include <stdio.h>
#include <stdlib.h>

#if !defined(__GLIBC__)
int main(void) {
  puts("no_allocations: skipped, needs glibc");
  return 0;
}
#else

#define COUNTED __attribute__((visibility("default")))

static size_t calls; /* changed atomically */

static void count_call(void) { __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED); }

void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
void __libc_free(void *);

COUNTED void *malloc(size_t size) {
  count_call();
  return __libc_malloc(size);
}
COUNTED void *calloc(size_t count, size_t size) {
  count_call();
  return __libc_calloc(count, size);
}
COUNTED void *realloc(void *memory, size_t size) {
  count_call();
  return __libc_realloc(memory, size);
}
COUNTED void *aligned_alloc(size_t alignment, size_t size) {
  count_call();
  return __libc_memalign(alignment, size);
}
COUNTED int posix_memalign(void **memory, size_t alignment, size_t size) {
  count_call();
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : 12;
}
COUNTED void free(void *memory) {
  if (memory)
    count_call();
  __libc_free(memory);
}

#include "files.h"

static size_t calls_of_runs(zoo_session *s, int runs) {
  size_t before = __atomic_load_n(&calls, __ATOMIC_RELAXED);
  for (int i = 0; i < runs; i++) {
    memset(zoo_input(s, 0)->data, 0x3D, zoo_input(s, 0)->size);
    CHECK(zoo_run(s, NULL) == ZOO_OK);
  }
  return __atomic_load_n(&calls, __ATOMIC_RELAXED) - before;
}

int main(void) {
  static const uint32_t threads[] = {1, 2, 4};
  char folder[200], file[256];
  zoo_error e;
  make_folder(folder, sizeof folder);
  snprintf(file, sizeof file, "%s/tiny.zoo", folder);
  write_model(file, TINY_CLASSIFIER, 0);
  for (int i = 0; i < 3; i++) {
    zoo_host_options options;
    zoo_session *s;
    zoo_prediction top[3];
    size_t count = 3, before = calls;
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.threads = threads[i];
    EXPECT(ZOO_OK, "", zoo_open(file, &options, &s, &e));
    CHECK(calls > before); /* the counter counts */
    calls_of_runs(s, 1);   /* threads start with the first run that shares work */
    CHECK(calls_of_runs(s, 100) == 0);
    before = calls;
    EXPECT(ZOO_OK, "", zoo_top(s, top, &count, &e));
    CHECK(calls == before);
    zoo_close(s);
  }
  unlink(file);
  rmdir(folder);
  return check_result("no_allocations");
}
#endif
