// Random numbers, and tensors whose layout is drawn from them. One sequence, so that a seed says it all.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>
#include "../abi.h"

namespace fovea::bench {

void setSeed(unsigned seed);
/** A whole number in [low, high]. */
int64_t between(int64_t low, int64_t high);
inline bool oneIn(int n) { return between(1, n) == 1; }

/** What results hold before a call, and the gaps between their elements after it. */
constexpr float kUntouched = 12345.5f;

using Index = std::vector<int64_t>;

struct Tensor {
  std::vector<int64_t> shape;
  Operand operand{};
  std::vector<float> data;  // bytes or whole numbers, for the other types

  /** None: an operand that is not given. */
  Tensor() { operand.buffer = -1; }
  /**
   * Of a program's buffer `buffer`. `order`: dimensions from the outermost to the innermost, dense; if it
   * is empty, dimensions in any order, gaps between elements, reversed axes.
   */
  Tensor(int64_t buffer, std::vector<int64_t> sizes, std::vector<int> order = {}, DType dtype = kF32);

  bool isGiven() const { return operand.buffer >= 0; }
  /** The element's position in its buffer. */
  int64_t at(const Index& index) const;
  float& operator()(const Index& index) { return data[static_cast<size_t>(at(index))]; }
  int64_t integer(const Index& index) const;
  void setInteger(const Index& index, int64_t value);

  /** Calls body(index) for each element, the last dimension first. */
  void each(const std::function<void(const Index&)>& body) const;
  /** Fills it with numbers between −2 and 2. */
  void randomise();
};

}  // namespace fovea::bench
