// The instructions of elementwise programs, each as a loop over a block of registers.
#pragma once
#include <cstdint>

#include "abi.h"

namespace fovea::FOVEA_ISA {

/** out[i] = op(a[i], b[i], c[i]) for i < count, 4-byte elements; `out` may be one of the others. */
using Operation = void (*)(void* out, const void* a, const void* b, const void* c, int count,
                           int32_t stream);

/** Null if there is no such operation. */
Operation operationOf(int64_t op, int64_t dtype);

/** How many arguments an operation has. */
int argumentCount(int64_t op);

/** Rough cost of an operation for one element, in the arithmetic operations that Pool counts. */
int costOf(int64_t op);

}  // namespace fovea::FOVEA_ISA
