// The training kernels in portable C.
#include <zoo_train_kernels.h>
#include "scalar.h"
#define ROWS1 4
#define ROWS2 4
#define SET zoo_train_kernels_scalar
#define ISA_NAME "scalar"
#include "body/set.h"
