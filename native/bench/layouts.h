// Operands with the layouts that plans choose.
#pragma once
#include <algorithm>
#include <initializer_list>
#include "../abi.h"

namespace fovea::bench {

inline Operand dense(int64_t buffer, std::initializer_list<int64_t> strides) {
  Operand operand{};
  operand.buffer = buffer;
  std::copy(strides.begin(), strides.end(), operand.strides);
  return operand;
}

/** Images of `size` rows and columns, channels last. */
inline Operand images(int64_t buffer, int64_t channels, const int64_t* size, DType dtype = kF32) {
  Operand operand = dense(buffer, {size[0] * size[1] * channels, 1, size[1] * channels, channels});
  operand.dtype = dtype;
  return operand;
}

}  // namespace fovea::bench
