// What the three kernels of direct convolution share: how they read images, how they cut up a batch, and how they
// write results.
//
// All three are matrix products with an indirect operand (see gemm.h). A task takes some whole images or a band of
// rows of one, copies what it reads into a padded [row][column][channel] band that stays in the second-level
// cache, and addresses windows inside it by offsets. The copy is read some hundreds of times, and takes in padding
// and strange layouts, so that nothing after it needs to know about either.
#pragma once
#include "conv.h"

namespace fovea::FOVEA_ISA {

/**
 * Copies rows of images into a dense band, columns [firstColumn, lastColumn) of each, as zeros where they lie
 * outside the image. Even a 1×1 convolution gains by it (5 to 17%, on Zen 5): a copy reads memory in long runs, the
 * product's tiles do not.
 */
struct Reader {
  Images images;
  int64_t firstColumn, columns;
  ptrdiff_t row, column;  // strides of a band; that of a channel is 1

  Reader(const Images& images, int64_t firstColumn, int64_t lastColumn);
  /** Images [image, image + count), rows [firstRow, firstRow + rows) of each; image n at n·rows·row. */
  void read(float* band, int64_t image, int64_t count, int64_t firstRow, int64_t rows) const;
};

/** One task's share of a batch: images [image, image + images), rows [row, row + rows) of the results of each. */
struct Piece {
  int64_t image, images, row, rows;
};

/** Pieces of `images` whole images, or of `rows` rows of one image. */
struct Tiling {
  int64_t batch, height;      // what is cut: images, and rows of the results of each
  int64_t images, rows;       // of a whole piece
  int64_t imageGroups, bands; // how many there are

  /**
   * Each row of `width` results needs `step` rows of `rowFloats` more than the one before, and the first one
   * `extent` of them. At least `atLeast` pieces, if there are as many rows.
   */
  Tiling(int64_t batch, int64_t height, int64_t width, int64_t step, int64_t extent, int64_t rowFloats,
         int64_t atLeast);
  int64_t count() const { return imageGroups * bands; }
  Piece operator[](int64_t index) const;
};

/** Every piece, for each of `splits` ranges of the panels where there are too few pieces for the threads. */
struct Tasks {
  Tiling pieces;
  int64_t panels, splits;

  /** As Tiling's, but for as many tasks as that many threads want. */
  Tasks(int threads, const Panels& panels, int64_t batch, int64_t height, int64_t width, int64_t step,
        int64_t extent, int64_t rowFloats);
  int64_t count() const { return pieces.count() * splits; }
  Piece piece(int64_t task) const { return pieces[task / splits]; }
  /** The panels [first, last) of a task. */
  int64_t first(int64_t task) const { return task % splits * panels / splits; }
  int64_t last(int64_t task) const { return (task % splits + 1) * panels / splits; }
};

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

/** The windows of a convolution's input, one for each pixel of its results. */
struct Windows {
  const ConvGeometry& g;
  Reader reader;
  int64_t extent;  // rows of the input under one row of results

  Windows(const ConvGeometry& g, const Operand& x, const float* data)
      : g(g),
        reader(imagesOf(x, data, g.inChannels, g.inSize), -g.padding[1],
               (g.outSize[1] - 1) * g.stride[1] + (g.kernelSize[1] - 1) * g.dilation[1] + 1 - g.padding[1]),
        extent((g.kernelSize[0] - 1) * g.dilation[0] + 1) {}
  /** Rows of the input under so many rows of results. */
  int64_t rows(int64_t results) const { return (results - 1) * g.stride[0] + extent; }
  int64_t bandFloats(const Tiling& t) const { return t.images * rows(t.rows) * reader.row; }
  void read(float* band, const Piece& p) const {
    reader.read(band, p.image, p.images, p.row * g.stride[0] - g.padding[0], rows(p.rows));
  }
  /** Where the elements of a window are, and the windows of a piece's pixels. */
  void tapOffsets(ptrdiff_t* offsets) const {
    windowOffsets(offsets, g.kernelSize, g.inChannels / g.groups, g.dilation[0] * reader.row,
                  g.dilation[1] * reader.column, 1);
  }
  void pixelOffsets(ptrdiff_t* offsets, const Tiling& t) const {
    FOVEA_ISA::pixelOffsets(offsets, t.images, t.rows, g.outSize[1], rows(t.rows) * reader.row,
                            g.stride[0] * reader.row, g.stride[1] * reader.column);
  }
};

/** Images that a product writes: row i of it is the pixel at data + pixelAt[i]. */
struct Pixels {
  float* data;
  const ptrdiff_t* pixelAt;
  ptrdiff_t channel;           // their stride
  float* staging;              // [row][padded columns], if that is not 1
  const ptrdiff_t* stagingAt;  // where its rows are
};

/** Panels [first, last) of a product, into images; its c and cRow are not looked at. */
void multiplyInto(const Pixels& to, Product product, const Panels& panels, int64_t first, int64_t last);

}  // namespace fovea::FOVEA_ISA
