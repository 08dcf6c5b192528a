// The matrix products of Winograd's algorithms, one for each point: C = A·B, all three dense, and A and C
// scratch memory of whole vectors, so that nothing has to be cut off or looked up as in gemm.h.
#pragma once
#include "tile.h"

namespace fovea::FOVEA_ISA {

/** C = A·B for one panel of B. */
struct PanelProduct {
  int64_t m, depth, width;  // of the panel
  const float* a;           // element (i, k) at i·aRow + k
  ptrdiff_t aRow;
  const float* panel;       // [depth][width]
  float* c;                 // element (i, j) at i·cRow + j
  ptrdiff_t cRow;
  const float* next;        // the panel that comes next, to be fetched meanwhile; any address will do
};

/**
 * Terms are summed in the order of the depth within a block of it, and blocks in their order: the bits of an
 * element depend on the depth alone.
 */
void multiplyPanel(const PanelProduct& product);

}  // namespace fovea::FOVEA_ISA
