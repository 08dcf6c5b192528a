// See winograd_panels.h; the arithmetic is in winograd_transform.h.
#include "winograd_panels.h"
#include <algorithm>
#include "winograd_pixels.h"
#include "winograd_transform.h"

namespace fovea::FOVEA_ISA {

namespace {

template <class T>
void transformVector(const float* const* at, const float* const* next, int64_t c, int lanes, float* to,
                     ptrdiff_t point) {
  if (lanes == kLanes) transformPixels<T>(at, next, c, std::true_type{}, lanes, to, point);
  else transformPixels<T>(at, next, c, std::false_type{}, lanes, to, point);
}

alignas(64) constexpr float kZeros[TilePanels::kRun] = {};

/** Walks over the tiles of a batch, in the order image, row, column. */
struct Walk {
  const TileGrid& grid;
  int64_t image, row, column;

  Walk(const TileGrid& grid, int64_t tile)
      : grid(grid),
        image(tile / (grid.rows * grid.columns)),
        row(tile / grid.columns % grid.rows),
        column(tile % grid.columns) {}
  void step() {
    if (++column < grid.columns) return;
    column = 0;
    if (++row < grid.rows) return;
    row = 0, ++image;
  }
};

/** The addresses of a tile's pixels, `data` being a channel of the first pixel. */
void locate(const TilePanels& p, const float* data, const Walk& tile, const float** at) {
  address(at, data + tile.image * p.images.n, p.images, tile.row * p.grid.step + p.row,
          tile.column * p.grid.step + p.column, p.edge, kZeros);
}

}  // namespace

void TilePanels::make(float* to, int64_t run, int64_t block, int64_t begin, int64_t end) const {
  constexpr int kVectors = kRun / kLanes, kPixels = kMostAlpha * kMostAlpha;
  const int64_t perGroup = divideUp(channels, kRun), group = run / perGroup, first = run % perGroup * kRun;
  const int64_t count = std::min(kRun, channels - first);
  float* out[kVectors];
  int64_t step[kVectors];
  for (int64_t c = 0; c < count; c += kLanes) {
    const int64_t panel = columns.of(first + c), v = c / kLanes;
    step[v] = columns.width(panel);
    out[v] = to + offset(group, panel) + (begin - block) * step[v] + first + c - columns.start(panel);
  }
  const float* data = images.data + (group * channels + first) * images.c;
  const float* pointers[2][kPixels];
  alignas(64) float copy[kPixels * kRun];
  Walk tile(grid, begin);
  if (begin < end) locate(*this, data, tile, pointers[0]);
  for (int64_t t = begin; t < end; ++t) {
    const float** at = pointers[(t - begin) % 2];
    const float** next = pointers[(t - begin + 1) % 2];
    if (t + 1 < end) {
      tile.step();
      locate(*this, data, tile, next);
    } else {
      next = at;
    }
    if (images.c != 1) gather(at, edge * edge, count, images.c, copy, kRun, kZeros);
    for (int64_t c = 0; c < count; c += kLanes) {
      float*& o = out[c / kLanes];
      transform(at, next, c, static_cast<int>(std::min<int64_t>(kLanes, count - c)), o, point);
      o += step[c / kLanes];
    }
  }
}

PixelTransform inputTransformOf(int alpha) {
  return alpha == 6 ? transformVector<InputTransform<6>> : transformVector<InputTransform<8>>;
}

PixelTransform filterTransformOf(int r, int m) {
  if (r == 3) return m == 4 ? transformVector<FilterTransform<3, 4>> : transformVector<FilterTransform<3, 6>>;
  return m == 2 ? transformVector<FilterTransform<5, 2>> : transformVector<FilterTransform<5, 4>>;
}

}  // namespace fovea::FOVEA_ISA
