// Winograd's transforms of one tile and any number of channels, picked by algorithm and filter at run time.
// Tiles, filters and results are addressed by tables of pointers, one for each of their pixels: one that lies
// outside its image points at zeros, or at a place that nobody reads.
#pragma once
#include "abi.h"
#include "simd.h"

namespace fovea::FOVEA_ISA {

/** What is done to results on their way to memory: added bias, then ReLU, then 0 where the mask is ≤ 0. */
struct TileFinish {
  const float* bias;         // [channels up to a whole vector]; null for none
  bool relu;
  const float* const* mask;  // [m²] as the results; null for none
};

struct TileTransforms {
  int alpha, m, r;
  /** to[i·α + j] (`point` apart) = (Bᵀ d B)[i][j], where d[i][j] is at from[i·α + j]; whole vectors of channels. */
  void (*input)(const float* const* from, int64_t channels, float* to, ptrdiff_t point);
  /** to[i·α + j] (`point` apart) = (G g Gᵀ)[i][j], where g[i][j] is at from + (i·r + j)·width. */
  void (*filter)(const float* from, int64_t width, float* to, ptrdiff_t point);
  /** to[i·m + j] = (Aᵀ M A)[i][j], where M[i][j] is at from + (i·α + j)·point. */
  void (*result)(const float* from, ptrdiff_t point, int64_t channels, const TileFinish& finish, float* const* to);
};

/** Those of an algorithm of Winograd's for filters of r×r; r must be 3 or 5. */
const TileTransforms& tileTransforms(int64_t algorithm, int64_t r);

}  // namespace fovea::FOVEA_ISA
