// The dense kernels of one instruction set: matrix products, convolutions, pools. Each .cc behind
// this header is compiled once per instruction set with -DFOVEA_ISA=avx512|avx2|portable, so that
// one binary holds all of them, each in its own namespace, and the addon picks at run time.
//
// What each call computes, and the order of strides, is stated in src/backends/kernels.ts. Results
// depend on shapes, values and instruction set alone, never on the number of threads.
#pragma once
#include <cstddef>
#include "abi.h"
#include "frame.h"

#ifndef FOVEA_ISA
#error "compile with -DFOVEA_ISA=avx512, avx2 or portable"
#endif

namespace fovea::FOVEA_ISA {

// K(args, frame) does the work: null on success, else which value it cannot take.
// KScratch(args, threads) says what scratch K uses with this many threads.

const char* matmul(const MatmulArgs& args, const Frame& frame);
ScratchBytes matmulScratch(const MatmulArgs& args, int threads);

const char* conv2d(const Conv2dArgs& args, const Frame& frame);
ScratchBytes conv2dScratch(const Conv2dArgs& args, int threads);

const char* conv2dGradInput(const Conv2dGradInputArgs& args, const Frame& frame);
ScratchBytes conv2dGradInputScratch(const Conv2dGradInputArgs& args, int threads);

const char* conv2dGradWeight(const Conv2dGradWeightArgs& args, const Frame& frame);
ScratchBytes conv2dGradWeightScratch(const Conv2dGradWeightArgs& args, int threads);

const char* maxPool2d(const MaxPool2dArgs& args, const Frame& frame);
ScratchBytes maxPool2dScratch(const MaxPool2dArgs& args, int threads);

const char* maxPool2dGrad(const MaxPool2dGradArgs& args, const Frame& frame);
ScratchBytes maxPool2dGradScratch(const MaxPool2dGradArgs& args, int threads);

const char* avgPool2d(const AvgPool2dArgs& args, const Frame& frame);
ScratchBytes avgPool2dScratch(const AvgPool2dArgs& args, int threads);

const char* avgPool2dGrad(const AvgPool2dGradArgs& args, const Frame& frame);
ScratchBytes avgPool2dGradScratch(const AvgPool2dGradArgs& args, int threads);

}  // namespace fovea::FOVEA_ISA
