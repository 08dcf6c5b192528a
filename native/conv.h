// What the three convolution kernels share: how they read an image, how they cut up a batch, and
// how they write results whose channels are not contiguous.
//
// All three are matrix products with an indirect operand (see gemm.h). A task takes some whole
// images or a band of rows of one, copies what it reads into a padded [row][column][channel] band
// that stays in the second-level cache, and addresses windows inside it by offsets. The copy is
// read some hundreds of times, and takes in padding and strange layouts, so that nothing after it
// needs to know about either.
#pragma once
#include "abi.h"
#include "gemm.h"

namespace fovea::FOVEA_ISA {

/**
 * Floats that a task's band should not exceed: what a second-level cache leaves room for, of 512 KB
 * in general and of 1 MB where there is AVX-512.
 */
constexpr int64_t kBandFloats = (kLanes == 16 ? 160 : 96) * 1024;

/** A strided batch of images. */
struct Images {
  const float* data;
  int64_t channels, height, width;
  ptrdiff_t n, c, h, w;  // strides
};

Images imagesOf(const Operand& operand, const float* data, int64_t channels, const int64_t size[2]);

/**
 * Copies rows of images into a dense band, columns [firstColumn, lastColumn) of each, as zeros where
 * they lie outside the image. Even a 1×1 convolution gains by it (a quarter, on Zen 5): a copy reads
 * memory in long runs, the product's tiles do not.
 */
struct Reader {
  Images images;
  int64_t firstColumn, columns;
  ptrdiff_t row, column;  // strides of a band; that of a channel is 1

  Reader(const Images& images, int64_t firstColumn, int64_t lastColumn);
  /** Images [image, image + count), rows [firstRow, firstRow + rows) of each; image n at n·rows·row. */
  void read(float* band, int64_t image, int64_t count, int64_t firstRow, int64_t rows) const;
};

/** Tasks of `images` whole images, or of `rows` rows of one image. */
struct Tiling {
  int64_t images, rows;       // of a full task
  int64_t imageGroups, bands; // how many there are
  int64_t tasks() const { return imageGroups * bands; }
};

/**
 * Cuts `batch` images of `rows` × `columns` results, each row of which needs `step` rows of
 * `rowFloats` more than the one before and the first one `extent` of them. At least `atLeast`
 * tasks, if there are as many rows.
 */
Tiling tile(int64_t batch, int64_t rows, int64_t columns, int64_t step, int64_t extent,
            int64_t rowFloats, int64_t atLeast);

/** One task of a tiling: images [image, image + images), rows [row, row + rows) of each. */
struct Piece {
  int64_t image, images, row, rows;
};
Piece pieceOf(const Tiling& tiling, int64_t batch, int64_t rows, int64_t task);

/** to[toRow[i] + j·toColumn] = from[i·width + j]. */
void scatter(const float* from, int64_t m, int64_t n, int64_t width, float* to, const ptrdiff_t* toRow,
             ptrdiff_t toColumn);

/** The stride of the channels of an image; of a single channel it means nothing and counts as 1. */
inline ptrdiff_t channelStride(const Operand& operand, int64_t channels) {
  return channels == 1 ? 1 : operand.strides[1];
}

/** Rough operations in a whole convolution, for Pool::run. */
inline double workOf(const ConvGeometry& g) {
  return 2.0 * static_cast<double>(g.batch * g.outChannels * g.outSize[0] * g.outSize[1]) *
         static_cast<double>(g.inChannels / g.groups * g.kernelSize[0] * g.kernelSize[1]);
}

/**
 * Offsets of a window's elements, in the order kernel row, kernel column, channel, in anything with
 * these strides: the dilated window of an input band, or the weights themselves.
 */
inline void windowOffsets(ptrdiff_t* offsets, const int64_t kernelSize[2], int64_t channels,
                          ptrdiff_t row, ptrdiff_t column, ptrdiff_t channel) {
  for (int64_t i = 0; i < kernelSize[0]; ++i) {
    for (int64_t j = 0; j < kernelSize[1]; ++j) {
      for (int64_t c = 0; c < channels; ++c) *offsets++ = i * row + j * column + c * channel;
    }
  }
}

/** Offsets of `images` × `rows` × `columns` pixels, in that order. */
inline void pixelOffsets(ptrdiff_t* offsets, int64_t images, int64_t rows, int64_t columns,
                         ptrdiff_t image, ptrdiff_t row, ptrdiff_t column) {
  for (int64_t n = 0; n < images; ++n) {
    for (int64_t i = 0; i < rows; ++i) {
      for (int64_t j = 0; j < columns; ++j) *offsets++ = n * image + i * row + j * column;
    }
  }
}

}  // namespace fovea::FOVEA_ISA
