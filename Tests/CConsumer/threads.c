/*
 * threads.c - one model, eight sessions on eight threads, with and without pools: the same bits.
 */
#define _XOPEN_SOURCE 700
#include "check.h"
#include "files.h"
#include "zoo_image.h"

#include <pthread.h>

#define SESSIONS 8
#define ROUNDS 200

static zoo_model *model;
static float expected[TINY_CLASS_COUNT];

typedef struct job {
  const zoo_host_options *options;
  int mistakes;
} job;

static void fill(zoo_session *s) {
  float *x = (float *)zoo_input(s, 0)->data;
  for (int i = 0; i < TINY_SIDE * TINY_SIDE * 3; i++)
    x[i] = (float)(i * 29 % 64) / 16 - 1;
}

static void *use_session(void *argument) {
  job *j = (job *)argument;
  zoo_session *s;
  if (zoo_session_open(model, j->options, &s, NULL) != ZOO_OK) {
    j->mistakes = 1;
    return NULL;
  }
  for (int round = 0; round < ROUNDS; round++) {
    fill(s);
    if (zoo_run(s, NULL) != ZOO_OK || memcmp(zoo_output(s, 0)->data, expected, sizeof expected) != 0)
      j->mistakes++;
  }
  zoo_close(s);
  return NULL;
}

/* Eight sessions at once with these options. */
static void run_all(const zoo_host_options *options) {
  pthread_t threads[SESSIONS];
  job jobs[SESSIONS];
  for (int i = 0; i < SESSIONS; i++) {
    jobs[i].options = options;
    jobs[i].mistakes = 0;
    CHECK(pthread_create(&threads[i], NULL, use_session, &jobs[i]) == 0);
  }
  for (int i = 0; i < SESSIONS; i++) {
    pthread_join(threads[i], NULL);
    CHECK(jobs[i].mistakes == 0);
  }
}

typedef struct tally {
  unsigned char counts[1000];
  zoo_parallel parallel;
} tally;

static void count_one(void *context, size_t index) { ((tally *)context)->counts[index]++; }

static void count_nested(void *context, size_t index) {
  tally *t = (tally *)context, inner;
  memset(&inner, 0, sizeof inner);
  t->parallel.run(t->parallel.context, 10, count_one, &inner);
  for (int i = 0; i < 10; i++)
    t->counts[index] += inner.counts[i];
}

/* The pool as a caller's own code may use it: every index once, also from inside a piece. */
static void use_pool(zoo_pool *pool) {
  static tally t;
  for (size_t count = 0; count <= 1000; count += 37) {
    memset(&t, 0, sizeof t);
    t.parallel = zoo_pool_parallel(pool);
    t.parallel.run(t.parallel.context, count, count_one, &t);
    for (size_t i = 0; i < 1000; i++)
      CHECK(t.counts[i] == (i < count));
  }
  memset(t.counts, 0, sizeof t.counts);
  t.parallel.run(t.parallel.context, 50, count_nested, &t);
  for (size_t i = 0; i < 1000; i++)
    CHECK(t.counts[i] == (i < 50 ? 10 : 0));
}

int main(void) {
  static const uint32_t counts[] = {1, 2, 3, 8};
  char folder[200], file[256];
  zoo_error e;
  zoo_session *s;
  zoo_host_options options;
  make_folder(folder, sizeof folder);
  snprintf(file, sizeof file, "%s/tiny.zoo", folder);
  write_model(file, TINY_CLASSIFIER, 0);
  EXPECT(ZOO_OK, "", zoo_model_open(file, &model, &e));
  unlink(file); /* the mapping stays */
  rmdir(folder);
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.threads = 1;
  EXPECT(ZOO_OK, "", zoo_session_open(model, &options, &s, &e));
  fill(s);
  EXPECT(ZOO_OK, "", zoo_run(s, &e));
  memcpy(expected, zoo_output(s, 0)->data, sizeof expected);
  CHECK(expected[0] > 0 && expected[0] < 1);
  zoo_close(s);
  run_all(NULL);
  for (int i = 0; i < 4; i++) {
    options.threads = counts[i];
    options.pool = NULL;
    run_all(&options);
    EXPECT(ZOO_OK, "", zoo_pool_create(counts[i], &options.pool, &e));
    CHECK(zoo_pool_parallel(options.pool).thread_count == counts[i]);
    run_all(&options);
    use_pool(options.pool);
    zoo_pool_destroy(options.pool);
  }
  zoo_model_close(model);
  return check_result("threads");
}
