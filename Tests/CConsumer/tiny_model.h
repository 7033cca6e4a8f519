/*
 * tiny_model.h - small valid .zoo models made in memory, so that tests of the library need no
 * converter and no files.
 */
#ifndef TINY_MODEL_H
#define TINY_MODEL_H

#include "tiny_file.h"

#define TINY_CLASS_COUNT 5
#define TINY_SIDE 8    /* height and width of the classifier's input */
#define TINY_FILTERS 4 /* channels after its convolution */

enum tiny_kind {
  TINY_CLASSIFIER, /* f32 [1,8,8,3] -> 3x3 conv, ReLU -> global mean -> dense -> softmax: 5 labels,
                      no preprocessing */
  TINY_CUSTOM,     /* f32 [1,4] -> "acme.scale" with one attribute, 2.5 -> [1,4] */
  TINY_ECHO_F32,   /* f32 [1,2,2,3] -> reshape -> [1,12]; preprocessing BGR, mean 10 20 30, scale 0.5
                    0.25 2 */
  TINY_ECHO_U8,    /* u8, no preprocessing */
  TINY_ECHO_I8,    /* i8, no preprocessing */
  TINY_KIND_COUNT
};

/* ---- the models ---- */

static inline void tiny_build_classifier(tiny_builder *b) {
  const int32_t image[4] = {1, TINY_SIDE, TINY_SIDE, 3}, features[4] = {1, TINY_SIDE, TINY_SIDE, TINY_FILTERS};
  const int32_t pooled[4] = {1, 1, 1, TINY_FILTERS}, flat[2] = {1, TINY_FILTERS}, scores[2] = {1, TINY_CLASS_COUNT};
  const int32_t kernel[3] = {1, 27, TINY_FILTERS}, matrix[2] = {TINY_FILTERS, TINY_CLASS_COUNT};
  const int32_t filters[1] = {TINY_FILTERS}, classes[1] = {TINY_CLASS_COUNT};
  const uint32_t window[11] = {3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1}; /* 3x3, stride 1, padding 1, one group */
  static const char *const names[TINY_CLASS_COUNT] = {"apple", "pear", "plum", "quince", "fig"};
  uint32_t x = tiny_activation(b, "image", 1, 4, image), y = tiny_activation(b, "features", 1, 4, features);
  uint32_t p = tiny_activation(b, "pooled", 1, 4, pooled), f = tiny_activation(b, "flat", 1, 2, flat);
  uint32_t s = tiny_activation(b, "scores", 1, 2, scores), q = tiny_activation(b, "probabilities", 1, 2, scores);
  uint32_t w = tiny_constant(b, "conv.weight", 1, 3, kernel), wb = tiny_constant(b, "conv.bias", 0, 1, filters);
  uint32_t d = tiny_constant(b, "dense.weight", 1, 2, matrix), db = tiny_constant(b, "dense.bias", 0, 1, classes);
  const uint32_t conv[4] = {x, w, wb, y}, pool[2] = {y, p}, reshape[2] = {p, f}, dense[4] = {f, d, db, s},
                 softmax[2] = {s, q};
  uint32_t from = b->attributes.size;
  for (int i = 0; i < 11; i++)
    tiny_put(&b->attributes, window[i], 4);
  tiny_put(&b->attributes, 0, 4); /* clamp to 0 ... infinity */
  tiny_put_float(&b->attributes, 0);
  tiny_put(&b->attributes, 0x7F800000u, 4);
  tiny_node(b, "conv", 1, "", from, 4, conv);
  from = b->attributes.size;
  tiny_put(&b->attributes, 2, 4); /* mean */
  tiny_node(b, "pool", 5, "", from, 2, pool);
  from = b->attributes.size;
  tiny_put(&b->attributes, 2, 4); /* rank, then six extents */
  for (uint32_t axis = 0; axis < 6; axis++)
    tiny_put(&b->attributes, axis == 1 ? TINY_FILTERS : 1, 4);
  tiny_node(b, "reshape", 10, "", from, 2, reshape);
  from = b->attributes.size;
  tiny_put(&b->attributes, UINT32_MAX, 4); /* no activation */
  tiny_node(b, "dense", 3, "", from, 4, dense);
  from = b->attributes.size;
  tiny_put(&b->attributes, 1, 4); /* axis */
  tiny_node(b, "softmax", 14, "", from, 2, softmax);
  for (int i = 0; i < TINY_CLASS_COUNT; i++)
    tiny_put(&b->labels, tiny_string(b, names[i]), 4);
  tiny_put(&b->metadata, tiny_string(b, "name"), 4);
  tiny_put(&b->metadata, tiny_string(b, "tiny"), 4);
  tiny_put(&b->inputs, x, 4);
  tiny_put(&b->outputs, q, 4);
  b->flags = 1; /* the output holds probabilities */
}

static inline void tiny_build_custom(tiny_builder *b) {
  const int32_t shape[2] = {1, 4};
  uint32_t x = tiny_activation(b, "x", 1, 2, shape), y = tiny_activation(b, "y", 1, 2, shape);
  const uint32_t operands[2] = {x, y};
  tiny_put_float(&b->attributes, 2.5f);
  tiny_node(b, "scale", 0, "acme.scale", 0, 2, operands);
  tiny_put(&b->inputs, x, 4);
  tiny_put(&b->outputs, y, 4);
}

static inline void tiny_build_echo(tiny_builder *b, uint32_t type) {
  const int32_t image[4] = {1, 2, 2, 3}, flat[2] = {1, 12};
  static const float numbers[6] = {10, 20, 30, 0.5f, 0.25f, 2};
  uint32_t x = tiny_activation(b, "image", type, 4, image), y = tiny_activation(b, "flat", type, 2, flat);
  const uint32_t operands[2] = {x, y};
  tiny_put(&b->attributes, 2, 4);
  for (uint32_t axis = 0; axis < 6; axis++)
    tiny_put(&b->attributes, axis == 1 ? 12 : 1, 4);
  tiny_node(b, "reshape", 10, "", 0, 2, operands);
  tiny_put(&b->inputs, x, 4);
  tiny_put(&b->outputs, y, 4);
  if (type == 1) {
    tiny_put(&b->preprocessing, 1, 4); /* stretch */
    tiny_put(&b->preprocessing, 1, 4); /* bilinear */
    tiny_put(&b->preprocessing, 1, 4); /* BGR */
    tiny_put(&b->preprocessing, 0, 4);
    for (int i = 0; i < 6; i++)
      tiny_put_float(&b->preprocessing, numbers[i]);
    tiny_put(&b->preprocessing, 0xFFFFFF, 4);
  }
}

/*
 * Writes the model `kind` into `file`, which has TINY_MODEL_CAPACITY bytes (and must start at a
 * multiple of 16 if a session is to be made on it), and returns its size.
 */
static inline size_t tiny_model_build(enum tiny_kind kind, unsigned char *file) {
  tiny_builder b;
  memset(&b, 0, sizeof b);
  (void)tiny_string(&b, "");
  switch (kind) {
  case TINY_CLASSIFIER:
    tiny_build_classifier(&b);
    break;
  case TINY_CUSTOM:
    tiny_build_custom(&b);
    break;
  case TINY_ECHO_F32:
    tiny_build_echo(&b, 1);
    break;
  case TINY_ECHO_U8:
    tiny_build_echo(&b, 3);
    break;
  case TINY_ECHO_I8:
    tiny_build_echo(&b, 2);
    break;
  case TINY_KIND_COUNT:
    return 0;
  }
  return tiny_finish(&b, file);
}

#endif
