// conv2dGradWeight (see kernels.h) by Winograd's minimal filtering (see winograd.h): for kernels of 3×3 and
// 5×5, stride 1 and dilation 1.
#pragma once
#include "abi.h"
#include "frame.h"
#include "simd.h"

namespace fovea::FOVEA_ISA {

const char* conv2dGradWeightWinograd(const Conv2dGradWeightArgs& args, const Frame& frame);
ScratchBytes conv2dGradWeightWinogradScratch(const Conv2dGradWeightArgs& args, int threads);

}  // namespace fovea::FOVEA_ISA
