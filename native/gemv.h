// Matrix times vector: a matmul of one row or one column, bound by memory and so not worth packing.
#pragma once
#include "frame.h"

namespace fovea::FOVEA_ISA {

/** Whether the call is a matrix times a vector, in a layout that can be read in order. */
bool gemvTakes(const MatmulArgs& args);
const char* gemv(const MatmulArgs& args, const Frame& frame);
ScratchBytes gemvScratch(const MatmulArgs& args, int threads);

}  // namespace fovea::FOVEA_ISA
