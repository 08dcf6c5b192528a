// Tiles of a batch of images, transformed, as operands of matrix products over tiles: what the weight
// gradient by Winograd multiplies (see winograd_weight.cc).
//
// A block of tiles is laid out as [point][group][panel][tile][channel of the panel], so that each point of a
// group holds panels as gemm.h reads them: of up to kTileVectors vectors for its operand B, and of one cache line
// of channels for A.
#pragma once
#include "conv.h"
#include "winograd.h"

namespace fovea::FOVEA_ISA {

constexpr int kMostAlpha = 8;

/**
 * to[(i·α + j)·point] = (T·X·Tᵀ)[i][j], for kLanes channels: X's elements, row by row, are c floats after the
 * pointers `at`; `lanes` of their channels exist, the rest count as 0. Meanwhile fetches the same of `next`.
 */
using PixelTransform = void (*)(const float* const* at, const float* const* next, int64_t c, int lanes,
                                float* to, ptrdiff_t point);

/** Bᵀ·X·B of tiles of α×α. */
PixelTransform inputTransformOf(int alpha);
/** G·X·Gᵀ of tiles of m×m, for results of r×r. */
PixelTransform filterTransformOf(int r, int m);

/** How each image of a batch is cut into tiles, `step` rows and columns apart. */
struct TileGrid {
  int64_t rows, columns, step;
  int64_t count(int64_t batch) const { return batch * rows * columns; }
};

struct TilePanels {
  Images images;
  TileGrid grid;
  PixelTransform transform;
  int64_t edge;              // rows and columns of a tile
  int64_t row, column;       // of the first tile, in its image
  int64_t groups, channels;  // channels of a group
  Panels columns;            // a group's channels
  int64_t tiles;             // of a block
  int64_t point;             // step from point to point

  TilePanels(const Images& images, const TileGrid& grid, PixelTransform transform, int64_t edge, int64_t row,
             int64_t column, int64_t groups, int64_t unit, int64_t mostUnits, int64_t tiles)
      : images(images),
        grid(grid),
        transform(transform),
        edge(edge),
        row(row),
        column(column),
        groups(groups),
        channels(images.channels / groups),
        columns(channels, unit, mostUnits),
        tiles(tiles),
        point(pointStep(groups * columns.padded() * tiles)) {}

  /** Floats from a point to a group's panel. */
  int64_t offset(int64_t group, int64_t panel) const { return (group * columns.padded() + columns.start(panel)) * tiles; }

  /** A block's tasks: runs of a group's channels. */
  int64_t runs() const { return groups * divideUp(channels, kRun); }
  /** Run `run` of tiles [begin, end) of the batch, into a block that begins with tile `block`. */
  void make(float* to, int64_t run, int64_t block, int64_t begin, int64_t end) const;

  static constexpr int64_t kRun = 64;
};

}  // namespace fovea::FOVEA_ISA
