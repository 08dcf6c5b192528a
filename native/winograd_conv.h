// conv2d and conv2dGradInput by Winograd's minimal filtering, for the calls that name such an algorithm.
#pragma once
#include "kernels.h"

namespace fovea::FOVEA_ISA {

const char* conv2dWinograd(const Conv2dArgs& args, const Frame& frame);
ScratchBytes conv2dWinogradScratch(const Conv2dArgs& args, int threads);

const char* conv2dGradInputWinograd(const Conv2dGradInputArgs& args, const Frame& frame);
ScratchBytes conv2dGradInputWinogradScratch(const Conv2dGradInputArgs& args, int threads);

}  // namespace fovea::FOVEA_ISA
