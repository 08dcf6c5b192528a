// A correlation of images by Winograd's minimal filtering: what conv2d and conv2dGradInput have in common.
#pragma once
#include "conv.h"
#include "frame.h"
#include "winograd_tile.h"

namespace fovea::FOVEA_ISA {

/** out = in ⋆ w, finished in some way. Windows read 0 where they reach past an image. */
struct Correlation {
  int64_t batch, groups, channels, columns;  // of one group: inputs and outputs
  int64_t padding[2];                        // may be negative
  Images in, out, mask;                      // mask.data is null for none
  float* result;                             // out.data, to be written
  const float* w;
  ptrdiff_t wGroup, wColumn, wChannel, wRow, wTap;
  bool isFlipped;                            // the filters, along rows and columns
  const float* bias;
  ptrdiff_t biasStride;
  bool relu;
};

void correlate(const Correlation& correlation, const TileTransforms& transforms, const Frame& frame);
ScratchBytes correlateScratch(const Correlation& correlation, const TileTransforms& transforms, int threads);

}  // namespace fovea::FOVEA_ISA
