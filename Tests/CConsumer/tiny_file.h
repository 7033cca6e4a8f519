/*
 * tiny_file.h - writes the bytes of a small .zoo file, record by record.
 *
 * Written from zoo/FORMAT.md alone and in C99, apart from the library's own writer: if the two
 * disagree, a test fails. All functions are static and unchecked: for tests of known models only.
 */
#ifndef TINY_FILE_H
#define TINY_FILE_H

#include <stdint.h>
#include <string.h>

/* Bytes that hold any file made here. */
#define TINY_MODEL_CAPACITY 4096

/* Element `index` of every constant, small and of either sign. */
static inline float tiny_weight(uint32_t index) { return (float)((int)(index * 37 % 19) - 9) / 16; }

/* ---- a file as it grows ---- */

typedef struct tiny_section {
  unsigned char bytes[1536];
  uint32_t size;
} tiny_section;

typedef struct tiny_builder {
  tiny_section tensors, nodes, operands, attributes, inputs, outputs, strings, labels, metadata, preprocessing, weights;
  uint32_t plan_size;
  uint32_t flags;
} tiny_builder;

/* Appends the lowest `width` bytes of `value`, little-endian. */
static inline void tiny_put(tiny_section *section, uint64_t value, uint32_t width) {
  for (uint32_t i = 0; i < width; i++)
    section->bytes[section->size++] = (unsigned char)(value >> (8 * i));
}

static inline void tiny_put_float(tiny_section *section, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  tiny_put(section, bits, 4);
}

static inline void tiny_align(tiny_section *section, uint32_t alignment) {
  while (section->size % alignment)
    tiny_put(section, 0, 1);
}

/* Appends a string and returns its offset. */
static inline uint32_t tiny_string(tiny_builder *builder, const char *text) {
  uint32_t offset = builder->strings.size;
  do
    tiny_put(&builder->strings, (unsigned char)*text, 1);
  while (*text++);
  return offset;
}

/* Appends a tensor record and returns its index. Types and layouts are those of zoo.h; f32 is 1. */
static inline uint32_t tiny_tensor(tiny_builder *builder, const char *name, uint32_t type, uint32_t is_weight,
                                   uint32_t layout, uint32_t rank, const int32_t *shape, uint64_t offset) {
  tiny_section *records = &builder->tensors;
  uint32_t elements = 1;
  tiny_put(records, tiny_string(builder, name), 4);
  tiny_put(records, type, 1);
  tiny_put(records, rank, 1);
  tiny_put(records, is_weight, 1);
  tiny_put(records, layout, 1);
  for (uint32_t axis = 0; axis < 6; axis++) {
    tiny_put(records, axis < rank ? (uint32_t)shape[axis] : 1, 4);
    elements *= axis < rank ? (uint32_t)shape[axis] : 1;
  }
  tiny_put(records, (uint32_t)shape[rank - 1], 4); /* row stride: dense */
  tiny_put(records, 0, 4);                         /* not quantised */
  tiny_put(records, offset, 8);
  tiny_put(records, elements * (type == 1 ? 4u : 1u), 8);
  return records->size / 56 - 1;
}

/* An activation at a place of its own in the plan. */
static inline uint32_t tiny_activation(tiny_builder *builder, const char *name, uint32_t type, uint32_t rank,
                                       const int32_t *shape) {
  uint32_t offset = builder->plan_size, size = type == 1 ? 4 : 1;
  for (uint32_t axis = 0; axis < rank; axis++)
    size *= (uint32_t)shape[axis];
  builder->plan_size = (offset + size + 63) / 64 * 64;
  return tiny_tensor(builder, name, type, 0, 0, rank, shape, offset);
}

/* An f32 constant of tiny_weight(0), tiny_weight(1), ...; with 16 columns at most, panels are in
 * row-major order. */
static inline uint32_t tiny_constant(tiny_builder *builder, const char *name, uint32_t layout, uint32_t rank,
                                     const int32_t *shape) {
  uint32_t elements = 1;
  tiny_align(&builder->weights, 64);
  uint32_t offset = builder->weights.size;
  for (uint32_t axis = 0; axis < rank; axis++)
    elements *= (uint32_t)shape[axis];
  for (uint32_t i = 0; i < elements; i++)
    tiny_put_float(&builder->weights, tiny_weight(i));
  return tiny_tensor(builder, name, 1, 1, layout, rank, shape, offset);
}

/* A node; its attributes are those appended since the node before. The last operand is the output.
 */
static inline void tiny_node(tiny_builder *builder, const char *name, uint32_t code, const char *custom_name,
                             uint32_t attributes_from, uint32_t operand_count, const uint32_t *operands) {
  tiny_section *records = &builder->nodes;
  tiny_put(records, tiny_string(builder, name), 4);
  tiny_put(records, tiny_string(builder, custom_name), 4);
  tiny_put(records, code, 2);
  tiny_put(records, operand_count - 1, 2);
  tiny_put(records, 1, 2);
  tiny_put(records, 0, 2);
  tiny_put(records, builder->operands.size / 4, 4);
  tiny_put(records, attributes_from, 4);
  tiny_put(records, builder->attributes.size - attributes_from, 4);
  tiny_put(records, 0, 4);
  tiny_put(records, 0, 8);
  tiny_put(records, 0, 8);
  for (uint32_t i = 0; i < operand_count; i++)
    tiny_put(&builder->operands, operands[i], 4);
}

/* ---- the file ---- */

static inline uint32_t tiny_word(const unsigned char *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint32_t tiny_rotate(uint32_t x, int by) { return x << by | x >> (32 - by); }

/* XXH32 with seed 0, from the xxHash specification. */
static inline uint32_t tiny_checksum(const unsigned char *p, size_t size) {
  const uint32_t p1 = 2654435761u, p2 = 2246822519u, p3 = 3266489917u, p4 = 668265263u, p5 = 374761393u;
  uint32_t lane[4], hash = p5;
  size_t at = 0;
  lane[0] = p1 + p2;
  lane[1] = p2;
  lane[2] = 0;
  lane[3] = 0u - p1;
  if (size >= 16) {
    for (; at + 16 <= size; at += 16)
      for (int i = 0; i < 4; i++)
        lane[i] = tiny_rotate(lane[i] + tiny_word(p + at + 4 * i) * p2, 13) * p1;
    hash = tiny_rotate(lane[0], 1) + tiny_rotate(lane[1], 7) + tiny_rotate(lane[2], 12) + tiny_rotate(lane[3], 18);
  }
  hash += (uint32_t)size;
  for (; at + 4 <= size; at += 4)
    hash = tiny_rotate(hash + tiny_word(p + at) * p3, 17) * p4;
  for (; at < size; at++)
    hash = tiny_rotate(hash + p[at] * p5, 11) * p1;
  hash = (hash ^ hash >> 15) * p2;
  hash = (hash ^ hash >> 13) * p3;
  return hash ^ hash >> 16;
}

/* That of weights with flag 4: XXH32 of the sums of 16 lanes (zoo/FORMAT.md). */
static inline uint32_t tiny_lane_checksum(const unsigned char *p, size_t size) {
  uint32_t sums[32] = {0};
  unsigned char bytes[128];
  for (size_t word = 0; word < (size + 63) / 64 * 16; word++) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4 && 4 * word + i < size; i++)
      value |= (uint32_t)p[4 * word + i] << (8 * i);
    sums[word % 16] += value;
    sums[16 + word % 16] += sums[word % 16];
  }
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (unsigned char)(sums[i / 4] >> (8 * (i % 4)));
  return tiny_checksum(bytes, sizeof bytes);
}

/* Corrects both checksums after a change of `bytes`, so that what lies behind them can be tested.
 */
static inline void tiny_model_seal(unsigned char *bytes, size_t size) {
  uint32_t weights = tiny_word(bytes + 24), sums[2];
  if (weights < 16 || weights > size)
    return;
  sums[0] = bytes[36] & 4 ? tiny_lane_checksum(bytes + weights, size - weights)
                          : tiny_checksum(bytes + weights, size - weights);
  for (int i = 0; i < 4; i++)
    bytes[32 + i] = (unsigned char)(sums[0] >> (8 * i));
  sums[1] = tiny_checksum(bytes + 16, weights - 16);
  for (int i = 0; i < 4; i++)
    bytes[12 + i] = (unsigned char)(sums[1] >> (8 * i));
}

/* Writes a section's place into the header and its bytes after those written so far. */
static inline void tiny_place(unsigned char *file, size_t *size, uint32_t field, const tiny_section *section,
                              uint32_t stride) {
  uint32_t count = section->size / stride;
  *size = (*size + 7) / 8 * 8;
  for (int i = 0; i < 4; i++) {
    file[field + i] = section->size ? (unsigned char)(*size >> (8 * i)) : 0;
    file[field + 4 + i] = (unsigned char)(count >> (8 * i));
  }
  memcpy(file + *size, section->bytes, section->size);
  *size += section->size;
}

/* Puts the parts together in `file`, of TINY_MODEL_CAPACITY bytes, and returns their size. */
static inline size_t tiny_finish(const tiny_builder *b, unsigned char *file) {
  static const unsigned char start[12] = {0x89, 'Z', 'O', 'O', '\r', '\n', 0x1A, '\n', 1, 0, 0, 0};
  size_t size = 144, weights;
  memset(file, 0, TINY_MODEL_CAPACITY);
  memcpy(file, start, sizeof start);
  tiny_place(file, &size, 56, &b->tensors, 56);
  tiny_place(file, &size, 64, &b->nodes, 48);
  tiny_place(file, &size, 72, &b->operands, 4);
  tiny_place(file, &size, 80, &b->attributes, 1);
  tiny_place(file, &size, 88, &b->inputs, 4);
  tiny_place(file, &size, 96, &b->outputs, 4);
  tiny_place(file, &size, 104, &b->strings, 1);
  tiny_place(file, &size, 112, &b->labels, 4);
  tiny_place(file, &size, 120, &b->metadata, 8);
  tiny_place(file, &size, 136, &b->preprocessing, 1);
  weights = size = (size + 63) / 64 * 64;
  memcpy(file + size, b->weights.bytes, b->weights.size);
  size += b->weights.size;
  for (int i = 0; i < 4; i++) {
    file[16 + i] = (unsigned char)(size >> (8 * i));
    file[24 + i] = (unsigned char)(weights >> (8 * i));
    file[36 + i] = (unsigned char)(b->flags >> (8 * i));
    file[40 + i] = (unsigned char)(b->plan_size >> (8 * i));
  }
  tiny_model_seal(file, size);
  return size;
}

#endif
