// The kernels for matrix units (AMX), on a unit that is emulated in C: their meaning can be tested where there is none.
#ifndef EMULATED_TILES_H
#define EMULATED_TILES_H
#include <stddef.h>
#include <zoo_kernels.h>

// NULL where the vectors that the kernels use beside the unit are missing too.
zoo_integer_igemm_ukernel emulated_i8_igemm(void);
zoo_f32_igemm_ukernel emulated_bf16_igemm(void);

// Lines of 64 bytes, side by side, that emulated_i8_igemm was the last to fetch in this thread since it was asked before, and the first.
size_t emulated_fetched_lines(const void **first);

#endif
