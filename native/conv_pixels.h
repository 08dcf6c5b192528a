// conv2d of fewer pixels than filters, as of one small image: the product turned round.
//
// The matrix product (gemm.h) packs one operand, which then is read over and over, and takes the other as it
// lies. conv_forward.cc packs the filters, and each of them serves all pixels of a batch. Where there are but
// a few pixels, to pack the filters takes longer than to multiply by them: four fifths of the time of
// GoogLeNet's last blocks with one image. So here it is the windows of the pixels that are packed, and the
// filters are read once, in the order in which they lie.
#pragma once
#include "abi.h"
#include "frame.h"

namespace fovea::FOVEA_ISA {

/** Whether pixels, of all images together, are at most two thirds as many as filters in a group. Measured. */
inline bool conv2dHasFewPixels(const Conv2dArgs& args) {
  const ConvGeometry& g = args.geometry;
  return 3 * g.batch * g.outSize[0] * g.outSize[1] <= 2 * (g.outChannels / g.groups);
}

// As the kernel of kernels.h, for such shapes.
const char* conv2dFewPixels(const Conv2dArgs& args, const Frame& frame);
ScratchBytes conv2dFewPixelsScratch(const Conv2dArgs& args, int threads);

}  // namespace fovea::FOVEA_ISA
