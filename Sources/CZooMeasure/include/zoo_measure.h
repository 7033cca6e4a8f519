// What a processor can do at best: loops that keep one unit busy and do nothing else.
//
// The kernels of CZooKernels are held against them. All are for one instruction set of zoo_kernels.h and have the
// same result for the same arguments; the caller takes the time, and has checked zoo_kernels_supported(isa).
#ifndef ZOO_MEASURE_H
#define ZOO_MEASURE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct zoo_measure_loops {
  // Multiply-adds of floats in registers, `rounds` times a few dozen. Returns the operations done: a multiply-add is two.
  uint64_t (*f32)(uint64_t rounds);
  // The same of bytes summed exactly in 32 bits, by the shortest way that the instruction set has.
  uint64_t (*i8)(uint64_t rounds);
  // Reads `bytes` bytes from `from` (a multiple of ZOO_MEASURE_READ_STEP), `rounds` times over. Returns something that
  // depends on each of them.
  uint64_t (*read)(const void *from, size_t bytes, uint64_t rounds);
} zoo_measure_loops;

// Bytes are read in steps of so many.
#define ZOO_MEASURE_READ_STEP 512u

// The loops for `isa`; the portable ones for a value that is unknown.
const zoo_measure_loops *zoo_measure_loops_for(uint32_t isa);

#ifdef __cplusplus
}
#endif
#endif
