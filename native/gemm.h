// The matrix product that everything dense is made of: C (+)= A·B, where B is packed and A is not.
//
// A is *indirect*: element (i, k) is a[aRow[i] + aDepth[k]]. Two tables of offsets are enough to
// say every A that we need without copying it:
//   a matrix, either way up     aRow[i] = i·rowStride                aDepth[k] = k·columnStride
//   a convolution's input       aRow[i] = where pixel i's window is  aDepth[k] = tap k inside a window
//   the same, transposed        aRow[i] = tap i inside a window      aDepth[k] = where pixel k's window is
// so a convolution needs no im2col, nor a kernel of its own. The idea is that of Dukhan, "The
// Indirect Convolution Algorithm" (2019), with offsets per tap in place of pointers per pixel and
// tap; the blocking is that of BLIS (Van Zee and van de Geijn, 2015).
//
// B is packed into panels of kPanel columns (the last one narrower, a whole number of vectors):
// panel p starts at p·kPanel·depth and holds [depth][width], its missing columns 0.
#pragma once
#include "simd.h"

namespace fovea::FOVEA_ISA {

constexpr int64_t kPanel = kLanes * kTileVectors;
/** Depth of a block, such that a block of a panel takes up about half of the first-level cache. */
constexpr int64_t kDepthBlock = kLanes == 16 ? 192 : 256;

constexpr int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }
constexpr int64_t roundUp(int64_t a, int64_t b) { return divideUp(a, b) * b; }
/** Columns of a packed matrix, its missing ones included. */
constexpr int64_t paddedColumns(int64_t n) { return roundUp(n, kLanes); }

struct Product {
  int64_t m, n, depth;
  const float* a;
  const ptrdiff_t* aRow;    // [m]
  const ptrdiff_t* aDepth;  // [depth]
  const float* panels;      // 64-byte aligned
  float* c;                 // element (i, j) at c[cRow[i] + j]
  const ptrdiff_t* cRow;    // [m]
  bool accumulate = false;  // add to what C holds, else overwrite it
  const float* bias = nullptr;  // [paddedColumns(n)], added last
  bool relu = false;            // after the bias
  const float* mask = nullptr;  // C becomes 0 where mask[maskRow[i] + j] ≤ 0
  const ptrdiff_t* maskRow = nullptr;  // [m]
};

/**
 * Each element's terms are summed in the order of k within a block of the depth, and the blocks in
 * their order: an element's bits depend on the depth alone, not on which tile it falls in.
 */
void multiply(const Product& product);

/**
 * Packs columns [firstPanel·kPanel, …) of B, element (k, j) at b[bDepth[k] + j·bColumn], as panels
 * [firstPanel, lastPanel) of a matrix of n columns.
 */
void packPanels(float* panels, int64_t n, int64_t depth, const float* b, const ptrdiff_t* bDepth,
                ptrdiff_t bColumn, int64_t firstPanel, int64_t lastPanel);

/** block[k][j] = b[bDepth[k] + j·bColumn] for j < n, and 0 for n ≤ j < width. */
void packBlock(float* block, int64_t width, int64_t n, int64_t depth, const float* b,
               const ptrdiff_t* bDepth, ptrdiff_t bColumn);

/** offsets[i] = i·step. */
inline void ramp(ptrdiff_t* offsets, int64_t count, ptrdiff_t step) {
  for (int64_t i = 0; i < count; ++i) offsets[i] = i * step;
}

/**
 * Deals out pieces of a kernel's scratch memory. Made with a null base, it only adds up sizes, so
 * that one function can both measure a layout and lay it out.
 */
class Carver {
 public:
  explicit Carver(char* base) : base_(base) {}
  template <class T>
  T* take(int64_t count) {
    T* piece = base_ ? reinterpret_cast<T*>(base_ + used_) : nullptr;
    used_ += static_cast<size_t>(roundUp(count * static_cast<int64_t>(sizeof(T)), 64));
    return piece;
  }
  size_t used() const { return used_; }

 private:
  char* base_;
  size_t used_ = 0;
};

}  // namespace fovea::FOVEA_ISA
