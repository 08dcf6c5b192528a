// A kernel's scratch memory, dealt out in pieces, and the arithmetic of sizes that goes with it.
#pragma once
#include <cstddef>
#include <cstdint>
#include "sanitize.h"

namespace fovea::FOVEA_ISA {

constexpr int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t roundUp(int64_t a, int64_t b) { return divideUp(a, b) * b; }

/**
 * Deals out pieces, each at a multiple of 64 bytes. Made with a null base, it only adds up sizes, so that one
 * function can both measure a layout and lay it out.
 */
class Carver {
 public:
  explicit Carver(char* base) : base_(base) {}
  template <class T>
  T* take(int64_t count) {
    const size_t bytes = static_cast<size_t>(roundUp(count * static_cast<int64_t>(sizeof(T)), 64));
    char* const piece = rest();
    if (piece) fence(piece, bytes);
    used_ += bytes + kFence;
    return reinterpret_cast<T*>(piece);
  }
  size_t used() const { return used_; }
  /** Where the next piece will be. */
  char* rest() const { return base_ ? base_ + used_ : nullptr; }

 private:
  char* base_;
  size_t used_ = 0;
};

}  // namespace fovea::FOVEA_ISA
