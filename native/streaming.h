// The kernels of one instruction set that stream through memory: elementwise programs, reductions,
// the cross-entropy loss. Compiled per instruction set like those of kernels.h, to the same rules.
#pragma once
#include <cstddef>

#include "abi.h"
#include "frame.h"

#ifndef FOVEA_ISA
#error "compile with -DFOVEA_ISA=avx512, avx2 or portable"
#endif

namespace fovea::FOVEA_ISA {

const char* elementwise(const ElementwiseArgs& args, const Frame& frame);
ScratchBytes elementwiseScratch(const ElementwiseArgs& args, int threads);

const char* reduce(const ReduceArgs& args, const Frame& frame);
ScratchBytes reduceScratch(const ReduceArgs& args, int threads);

const char* crossEntropy(const CrossEntropyArgs& args, const Frame& frame);
ScratchBytes crossEntropyScratch(const CrossEntropyArgs& args, int threads);

const char* crossEntropyGrad(const CrossEntropyGradArgs& args, const Frame& frame);
ScratchBytes crossEntropyGradScratch(const CrossEntropyGradArgs& args, int threads);

}  // namespace fovea::FOVEA_ISA
