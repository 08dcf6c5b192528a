// The elementwise program behind a matrix product, run over one finished block of it after the other while
// the block is in the cache.
#pragma once
#include "abi.h"
#include "frame.h"

namespace fovea::FOVEA_ISA {

/** A block of a product, and where it is: rows and columns as the call counts them. */
struct ProductBlock {
  const float* data;
  ptrdiff_t rowStride, columnStride;
  int64_t item, row, column, rows, columns;
};

inline bool hasEpilogue(const MatmulArgs& args) { return args.resultCount > 0; }

/** Strides of what the call stores: c, or the first result of its epilogue. */
const int64_t* resultStrides(const MatmulArgs& args);

/** Bytes of scratch that a thread needs for it. */
size_t epilogueBytes(const MatmulArgs& args);

/** Asks for what the epilogue will read for a part of the product, while that is still being computed. */
void prefetchEpilogue(const MatmulArgs& args, const ProductBlock& part, const Frame& frame);

void runEpilogue(const MatmulArgs& args, const ProductBlock& block, const Frame& frame, char* scratch);

}  // namespace fovea::FOVEA_ISA
