// Winograd's transforms of one tile and any number of channels, picked by algorithm and filter at run time.
// Tiles and results are addressed by tables of pointers, one for each of their pixels: one that lies outside its
// image points at zeros, or at a place that nobody reads. Meanwhile the next tile is fetched: its rows are too
// short for the processor to see them coming.
#pragma once
#include "abi.h"
#include "simd.h"

namespace fovea::FOVEA_ISA {

/** Where the m² results of a tile belong, and a value for each: results whose value is ≤ 0 become 0. */
struct TileResults {
  float** to;
  const float** mask;  // null for none
};

/** What is done to results before they are masked and stored. */
struct TileFinish {
  const float* bias;  // [channels up to a whole vector]; null for none
  bool relu;
};

struct TileTransforms {
  int alpha, m, r;
  /**
   * V[i][j] = (Bᵀ d B)[i][j] at to + (i·α + j)·point, d[i][j] at from[i·α + j]. Whole vectors of channels are
   * written, with 0 for what is missing.
   */
  void (*input)(const float* const* from, const float* const* next, int64_t channels, float* to, ptrdiff_t point);
  /** U[i][j] = (G g Gᵀ)[i][j] at to + (i·α + j)·point, g[i][j] at from + (i·r + j)·width; whole vectors. */
  void (*filter)(const float* from, int64_t width, float* to, ptrdiff_t point);
  /** The results (Aᵀ M A)[i][j] at.to[i·m + j], finished; M[i][j] at from + (i·α + j)·point. */
  void (*result)(const float* from, ptrdiff_t point, int64_t channels, const TileFinish& finish,
                 const TileResults& at, const TileResults& next);
};

/** Those of one of Winograd's algorithms for filters of r×r; r must be 3 or 5. */
const TileTransforms& tileTransforms(int64_t algorithm, int64_t r);

}  // namespace fovea::FOVEA_ISA
