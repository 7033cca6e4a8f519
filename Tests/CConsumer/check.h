/*
 * check.h - counts what a test program expected and did not get.
 */
#ifndef CHECK_H
#define CHECK_H

#include "zoo.h"

#include <stdio.h>
#include <string.h>

static int check_failures = 0;

/* Notes a failure, with its place, unless `condition` holds. */
#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
      check_failures++;                                                       \
    }                                                                         \
  } while (0)

/*
 * Demands that `call`, which reports to the zoo_error `e`, returns `expected` and, if it fails, a
 * message that has `words` in it, ends within its array and is one line; and the same status when
 * nobody wants the message.
 */
#define EXPECT(expected, words, call)                                    \
  do {                                                                   \
    memset(&e, 'x', sizeof e);                                           \
    check_error(__FILE__, __LINE__, #call, (call), expected, &e, words); \
  } while (0)

static inline void check_error(const char *file, int line, const char *call, zoo_status got, zoo_status expected,
                               const zoo_error *error, const char *words) {
  const char *problem = NULL;
  if (got != expected)
    problem = "other status";
  else if (got == ZOO_OK)
    return;
  else if (error->status != got)
    problem = "status and error differ";
  else if (!memchr(error->message, 0, sizeof error->message))
    problem = "message does not end";
  else if (!strstr(error->message, words) || strchr(error->message, '\n'))
    problem = "other message";
  if (!problem)
    return;
  fprintf(stderr, "%s:%d: %s: %s\n  expected %d (%s) with \"%s\", got %d (%s): %.119s\n", file, line, call, problem,
          (int)expected, zoo_status_string(expected), words, (int)got, zoo_status_string(got),
          got == ZOO_OK ? "" : error->message);
  check_failures++;
}

/* The exit status of a program that ends here. */
static inline int check_result(const char *program) {
  if (check_failures)
    fprintf(stderr, "%s: %d failed\n", program, check_failures);
  return check_failures != 0;
}

#endif
