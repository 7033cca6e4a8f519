// Eight tiles in memory, for simd/amx.h. What the hardware refuses with a fault ends the program.
//
// Source: Intel, "Architecture Instruction Set Extensions Programming Reference", 319433, chapter 3.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct emulated_unit {
  tile_shapes shapes;
  uint8_t data[8][TILE_ROWS][TILE_BYTES];
} emulated_unit;

static _Thread_local emulated_unit unit;

static inline void require(int condition) {
  if (!condition)
    abort();
}

static inline void emulated_begin(const tile_shapes *shapes) {
  require(shapes->palette == 1 && shapes->start_row == 0);
  for (int i = 0; i < 14; i++)
    require(shapes->reserved[i] == 0);
  for (int t = 0; t < 16; t++) {
    require(shapes->rows[t] <= TILE_ROWS && shapes->row_bytes[t] <= TILE_BYTES);
    require((shapes->rows[t] == 0) == (shapes->row_bytes[t] == 0) && (t < 8 || shapes->rows[t] == 0));
  }
  unit = (emulated_unit){.shapes = *shapes};
}

static inline void emulated_end(void) { unit = (emulated_unit){.shapes = {.palette = 0}}; }

static inline void emulated_load(int tile, const void *from, size_t stride) {
  require(unit.shapes.palette == 1 && unit.shapes.rows[tile] > 0);
  memset(unit.data[tile], 0, sizeof unit.data[tile]);
  for (int i = 0; i < unit.shapes.rows[tile]; i++)
    memcpy(unit.data[tile][i], (const char *)from + (size_t)i * stride, unit.shapes.row_bytes[tile]);
}

static inline void emulated_store(int tile, void *to, size_t stride) {
  require(unit.shapes.palette == 1 && unit.shapes.rows[tile] > 0);
  for (int i = 0; i < unit.shapes.rows[tile]; i++)
    memcpy((char *)to + (size_t)i * stride, unit.data[tile][i], unit.shapes.row_bytes[tile]);
}

static inline void require_product(int sums, int a, int b) {
  const tile_shapes *s = &unit.shapes;
  require(s->palette == 1 && sums != a && sums != b && a != b);
  require(s->rows[sums] > 0 && s->rows[sums] == s->rows[a] && s->row_bytes[sums] == s->row_bytes[b]);
  require(s->row_bytes[a] == 4 * s->rows[b] && s->row_bytes[sums] % 4 == 0);
}

static inline void emulated_dot_i8(int sums, int a, int b) {
  require_product(sums, a, b);
  for (int i = 0; i < unit.shapes.rows[sums]; i++)
    for (int j = 0; j < unit.shapes.row_bytes[sums] / 4; j++) {
      int32_t sum;
      memcpy(&sum, unit.data[sums][i] + 4 * j, 4);
      for (int k = 0; k < unit.shapes.row_bytes[a]; k++)
        sum += (int32_t)(int8_t)unit.data[a][i][k] * (int8_t)unit.data[b][k / 4][4 * j + k % 4];
      memcpy(unit.data[sums][i] + 4 * j, &sum, 4);
    }
}

static inline float widened_bf16(const uint8_t *from) {
  uint16_t half;
  memcpy(&half, from, 2);
  const uint32_t bits = (uint32_t)half << 16;
  float x;
  memcpy(&x, &bits, 4);
  return x;
}

// First and second products of the pairs have sums of their own, which are added to what is there.
static inline void emulated_dot_bf16(int sums, int a, int b) {
  require_product(sums, a, b);
  for (int i = 0; i < unit.shapes.rows[sums]; i++)
    for (int j = 0; j < unit.shapes.row_bytes[sums] / 4; j++) {
      float sum, parts[2] = {0, 0};
      memcpy(&sum, unit.data[sums][i] + 4 * j, 4);
      for (int k = 0; k < unit.shapes.row_bytes[a] / 2; k++)
        parts[k % 2] += widened_bf16(unit.data[a][i] + 2 * k) * widened_bf16(unit.data[b][k / 2] + 4 * j + k % 2 * 2);
      sum += parts[0] + parts[1];
      memcpy(unit.data[sums][i] + 4 * j, &sum, 4);
    }
}

// The last lines that were fetched, each of which followed the one before it.
static _Thread_local struct {
  const char *first;
  size_t lines;
} fetched;

static inline void emulated_fetch(const char *at) {
  require((uintptr_t)at % 64 == 0);
  if (fetched.lines == 0 || at != fetched.first + 64 * fetched.lines) {
    fetched.first = at;
    fetched.lines = 0;
  }
  fetched.lines++;
}

#define T_BEGIN(shapes) emulated_begin(shapes)
#define T_END() emulated_end()
#define T_LOAD(tile, from, stride) emulated_load(tile, from, stride)
#define T_STORE(tile, to, stride) emulated_store(tile, to, stride)
#define T_DOT_I8(sums, a, b) emulated_dot_i8(sums, a, b)
#define T_DOT_BF16(sums, a, b) emulated_dot_bf16(sums, a, b)
#define T_FETCH(at) emulated_fetch(at)
