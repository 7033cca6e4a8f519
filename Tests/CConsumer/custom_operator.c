/*
 * custom_operator.c - a program brings an operator of its own, to both tiers, and is watched.
 */
#define _XOPEN_SOURCE 700
#include "check.h"
#include "files.h"
#include "zoo_image.h"

static zoo_error e;

/* y[i] = factor * x[i]; the factor is the only attribute. */
static zoo_status scale_prepare(const zoo_node *node, zoo_error *error) {
  const zoo_tensor *x = &node->inputs[0], *y = &node->outputs[0];
  if (node->input_count != 1 || node->output_count != 1 || node->attributes_size != sizeof(float) ||
      x->type != ZOO_F32 || y->type != ZOO_F32 || x->size != y->size) {
    snprintf(error->message, sizeof error->message, "acme.scale wants one f32 tensor");
    error->status = ZOO_INVALID_SHAPE;
    return ZOO_INVALID_SHAPE;
  }
  CHECK(x->data == NULL && y->data == NULL && strcmp(node->name, "scale") == 0);
  return ZOO_OK;
}

static void scale_piece(void *context, size_t index) {
  const zoo_node *node = (const zoo_node *)context;
  float factor;
  memcpy(&factor, node->attributes, sizeof factor);
  ((float *)node->outputs[0].data)[index] = factor * ((const float *)node->inputs[0].data)[index];
}

static zoo_status scale_run(const zoo_node *node, zoo_error *error) {
  (void)error;
  CHECK(zoo_thread_count(node) >= 1);
  zoo_parallel_for(node, node->inputs[0].size / sizeof(float), scale_piece, (void *)node);
  return ZOO_OK;
}

static zoo_status refuse(const zoo_node *node, zoo_error *error) {
  (void)node;
  error->status = ZOO_INVALID_ATTRIBUTE;
  snprintf(error->message, sizeof error->message, "acme does not like this");
  return ZOO_INVALID_ATTRIBUTE;
}

static const zoo_operator scale = {0, "acme.scale", scale_prepare, scale_run};
static const zoo_operator refusing = {0, "acme.scale", refuse, scale_run};
static const zoo_operator failing = {0, "acme.scale", scale_prepare, refuse};
static const zoo_operator other = {0, "acme.other", scale_prepare, scale_run};

static void watch(void *context, const zoo_node *node, int done) {
  CHECK(node->index == 0);
  *(int *)context += done ? 10 : 1;
}

static void run_and_compare(zoo_session *s) {
  static const float values[4] = {1, -2, 0.5f, 1000};
  float *x = (float *)zoo_input(s, 0)->data;
  const float *y = (const float *)zoo_output(s, 0)->data;
  memcpy(x, values, sizeof values);
  EXPECT(ZOO_OK, "", zoo_run(s, &e));
  for (int i = 0; i < 4; i++)
    CHECK(y[i] == 2.5f * values[i]);
}

int main(void) {
  const zoo_operator *const good[] = {&other, &scale}, *const wrong[] = {&other};
  const zoo_operator *const refused[] = {&refusing}, *const failed[] = {&failing};
  char folder[200], file[256];
  int watched = 0;
  zoo_session *s;
  zoo_host_options options;
  zoo_prediction top[1];
  size_t count = 1;
  make_folder(folder, sizeof folder);
  snprintf(file, sizeof file, "%s/custom.zoo", folder);
  write_model(file, TINY_CUSTOM, 0);
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  EXPECT(ZOO_UNSUPPORTED_OPERATOR, "custom.zoo: node 0", zoo_open(file, NULL, &s, &e));
  CHECK(e.node == 0);
  options.operators = wrong;
  options.operator_count = 1;
  EXPECT(ZOO_UNSUPPORTED_OPERATOR, "node 0", zoo_open(file, &options, &s, &e));
  options.operators = refused;
  EXPECT(ZOO_INVALID_ATTRIBUTE, "custom.zoo: acme does not like this", zoo_open(file, &options, &s, &e));
  options.operators = good;
  options.operator_count = 2;
  options.observer = watch;
  options.observer_context = &watched;
  for (uint32_t threads = 1; threads <= 3; threads++) {
    options.threads = threads;
    watched = 0;
    EXPECT(ZOO_OK, "", zoo_open(file, &options, &s, &e));
    run_and_compare(s);
    CHECK(watched == 11);
    zoo_close(s);
  }
  options.operators = failed;
  options.operator_count = 1;
  EXPECT(ZOO_OK, "", zoo_open(file, &options, &s, &e));
  EXPECT(ZOO_OPERATOR_FAILED, "node 0", zoo_run(s, &e));
  CHECK(e.node == 0);
  /* its input is no image */
  EXPECT(ZOO_INVALID_SHAPE, "one image", zoo_classify_file(s, "photo.png", top, &count, &e));
  zoo_close(s);
  unlink(file);
  rmdir(folder);
  return check_result("custom_operator");
}
