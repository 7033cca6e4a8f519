// Operator entries as constants in read-only memory: Swift defines the functions, C the table, because Swift
// has no constant C structs. One entry per symbol, so that a linker that collects sections keeps only those
// that firmware names.
#include "zoo.h"

#define DECLARE(code, name)                                                \
  zoo_status zoo_##name##_prepare(const zoo_node *node, zoo_error *error); \
  zoo_status zoo_##name##_run(const zoo_node *node, zoo_error *error);
ZOO_OPERATORS(DECLARE)

#define DEFINE(code, name) const zoo_operator zoo_op_##name = {code, #name, zoo_##name##_prepare, zoo_##name##_run};
ZOO_OPERATORS(DEFINE)

#define ENTRY(code, name) &zoo_op_##name,
static const zoo_operator *const all[] = {ZOO_OPERATORS(ENTRY)};

const zoo_operator *const *zoo_all_operators(size_t *count) {
  if (count)
    *count = sizeof all / sizeof all[0];
  return all;
}
