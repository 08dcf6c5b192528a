// Convolutions with few result channels: images in the lanes.
//
// The matrix product (gemm.h) holds result channels in the lanes of a vector, so that a layer of 6
// channels would use 6 lanes of 16. Here a vector holds one element, (row, column, channel), of
// kLanes images: all lanes work whatever the channels and widths are, a filter's weight is one
// broadcast, and no vector is ever cut or shifted.
//
// To have images innermost is the layout of cuda-convnet (Krizhevsky, 2012); that it pays where channels are few
// is what Li, Yang, Feng, Chakradhar and Zhou, "Optimizing Memory Efficiency for Deep Convolutional Neural
// Networks on GPUs" (2016), found there too.
//
// A task copies rows of kLanes images into a band [row][column][channel][lane], transposing on the
// way, with columns of zeros where windows hang over the sides; rows outside an image are not
// stored, their taps are left out. Where images are fewer than lanes, the other lanes are zero.
#pragma once
#include <algorithm>
#include "conv.h"
#include "kernels.h"

namespace fovea::FOVEA_ISA {

/** Up to so many result channels a group are computed this way; measured: 8 fill shorter vectors. */
constexpr int kMostLaneColumns = kLanes == 16 ? 8 : 7;

#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kRegisters = 32;
#else
constexpr int kRegisters = 16;
#endif

/**
 * Vectors of the other operand beside `rows` result channels in a register tile: rows · vectors
 * sums, the vectors themselves and one broadcast or vector of the channels must fit.
 */
constexpr int laneVectors(int rows) {
  return std::min((kRegisters - 1) / (rows + 1), 8);
}

/** Reads rows of kLanes images, columns [firstColumn, firstColumn + columns) of each. */
struct LaneReader {
  Images images;
  int64_t firstColumn, columns;

  int64_t rowFloats() const { return columns * images.channels * kLanes; }
  /** Row `row`, inside the images, of images [image, image + count), as [column][channel][lane]. */
  void read(float* to, int64_t image, int count, int64_t row) const;
};

/** Writes `from`, [column][channel][lane], to row `row` of images [image, image + count) at `data`. */
void writeLanes(float* data, const Images& images, const float* from, int64_t image, int count,
                int64_t row);

/** Tasks of kLanes images and `rows` rows of results. */
struct LaneTiling {
  int64_t imageGroups, bands, rows;
  int64_t tasks() const { return imageGroups * bands; }
};

/** As Tiling in conv_direct.h; no rows at all if what one row of results needs does not fit a band. */
LaneTiling tileLanes(int64_t batch, int64_t rows, int64_t step, int64_t extent, int64_t rowFloats,
                     int64_t atLeast);

/** Few result channels a group, and images enough that at most a third of the lanes stay empty. */
inline bool lanesPay(int64_t columns, int64_t batch) {
  return columns <= kMostLaneColumns && batch > 0 && 3 * batch >= 2 * roundUp(batch, kLanes);
}

/** Splits `count` into the fewest parts of at most `most`, as even as can be; where part i starts. */
struct EvenSplit {
  int64_t parts, each, larger;  // the first `larger` parts have one more
  EvenSplit(int64_t count, int64_t most)
      : parts(divideUp(count, most)), each(count / std::max<int64_t>(parts, 1)), larger(count - parts * each) {}
  int64_t start(int64_t i) const { return i * each + std::min(i, larger); }
};

// As the kernels of kernels.h, for the shapes that their `…InLanes` says yes to.

bool conv2dInLanes(const Conv2dArgs& args);
const char* conv2dLanes(const Conv2dArgs& args, const Frame& frame);
ScratchBytes conv2dLanesScratch(const Conv2dArgs& args, int threads);

bool conv2dGradInputInLanes(const Conv2dGradInputArgs& args);
const char* conv2dGradInputLanes(const Conv2dGradInputArgs& args, const Frame& frame);
ScratchBytes conv2dGradInputLanesScratch(const Conv2dGradInputArgs& args, int threads);

bool conv2dGradWeightInLanes(const Conv2dGradWeightArgs& args);
const char* conv2dGradWeightLanes(const Conv2dGradWeightArgs& args, const Frame& frame);
ScratchBytes conv2dGradWeightLanesScratch(const Conv2dGradWeightArgs& args, int threads);

}  // namespace fovea::FOVEA_ISA
