// The matrix product that everything dense is made of: C (+)= A·B, where B is packed and A is not.
//
// A is *indirect*: element (i, k) is a[aRow[i] + aDepth[k]]. Two tables of offsets are enough to
// say every A that we need without copying it:
//   a matrix, either way up     aRow[i] = i·rowStride                aDepth[k] = k·columnStride
//   a convolution's input       aRow[i] = where pixel i's window is  aDepth[k] = tap k inside a window
//   the same, transposed        aRow[i] = tap i inside a window      aDepth[k] = where pixel k's window is
// so a convolution needs no im2col, nor a kernel of its own. The idea is that of Dukhan, "The
// Indirect Convolution Algorithm" (2019), with offsets per tap in place of pointers per pixel and
// tap; the blocks are those of Goto's algorithm (see tile.h).
#pragma once
#include "tile.h"

namespace fovea::FOVEA_ISA {

/** The product with one panel of B. */
struct Product {
  int64_t m, n, depth;      // n ≤ kPanel
  const float* a;
  const ptrdiff_t* aRow;    // [m]
  const ptrdiff_t* aDepth;  // [depth]
  const float* b;           // [depth][paddedColumns(n)]
  float* c;                 // element (i, j) at c[cRow[i] + j]
  const ptrdiff_t* cRow;    // [m]
  bool isFar = false;       // C is in no cache: it is asked for before a tile needs it
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

/** The products with panels [first, last): b, c, bias and mask are those of column 0. */
void multiply(const Product& product, const Panels& panels, int64_t first, int64_t last);

/** Packs columns of B, element (k, j) at b[bDepth[k] + j·bColumn], as panels [first, last). */
void packPanels(float* packed, const Panels& panels, int64_t depth, const float* b, const ptrdiff_t* bDepth,
                ptrdiff_t bColumn, int64_t first, int64_t last);

/** block[k][j] = b[bDepth[k] + j·bColumn] for j < n, and 0 for n ≤ j < width. */
void packBlock(float* block, int64_t width, int64_t n, int64_t depth, const float* b,
               const ptrdiff_t* bDepth, ptrdiff_t bColumn);

/** sums[j] (+)= Σ of column j of a packed panel. */
void sumPanel(const float* panel, int64_t width, int64_t depth, bool accumulate, float* sums);

/** offsets[i] = i·step. */
inline void ramp(ptrdiff_t* offsets, int64_t count, ptrdiff_t step) {
  for (int64_t i = 0; i < count; ++i) offsets[i] = i * step;
}

}  // namespace fovea::FOVEA_ISA
