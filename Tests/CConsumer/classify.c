/*
 * classify.c - the story of zoo_image.h as a program: classify MODEL.zoo PHOTO
 */
#include "zoo_image.h"

#include <stdio.h>

static int fail(const char *message) {
  fprintf(stderr, "classify: %s\n", message);
  return 1;
}

int main(int argc, char **argv) {
  zoo_session *s;
  zoo_error e;
  zoo_prediction top[5];
  size_t n = 5;
  if (argc != 3)
    return fail("usage: classify MODEL.zoo PHOTO");
  if (zoo_open(argv[1], NULL, &s, &e))
    return fail(e.message);
  if (zoo_classify_file(s, argv[2], top, &n, &e))
    return fail(e.message);
  for (size_t i = 0; i < n; i++)
    printf("%5.1f%%  %s\n", 100 * top[i].probability, top[i].label);
  zoo_close(s);
  return 0;
}
