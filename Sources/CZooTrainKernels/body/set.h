// All bodies in the words of the including file, and the set they make. SET and ISA_NAME name it.
#include "outer.h"
#include "channels.h"
#include "elements.h"
#include "winograd.h"

const zoo_train_kernels SET = {
    .isa_name = ISA_NAME,
    .outer = outer,
    .dot = dot,
    .scatter = scatter,
    .output_spectrum = output_spectrum,
    .weight_tile = weight_tile,
    .fetch = fetch,
    .moments = moments,
    .sums = sums,
    .normalize = normalize,
    .norm_dots = norm_dots,
    .norm_gradient = norm_gradient,
    .activation = activation,
    .add = add,
    .multiply = multiply,
    .pool = pool,
    .sgd = sgd,
    .rmsprop = rmsprop,
    .adam = adam,
};
