// A correlation by Winograd's minimal filtering; winograd.h has the algorithm.
//
// First all filters are transformed, once a call: U, packed as the product reads it. Then the tiles of the
// whole batch, numbered image by image, are cut into blocks; a task takes one through all three steps while
// it is in the caches:
//     V[point] (tiles × channels)  the input's tiles, transformed
//     M[point] = V[point]·U[point] (tiles × columns), α² matrix products
//     y                            M transformed back, with bias, ReLU or mask, straight to where it belongs
// All of them hold whole vectors of channels, so that nothing is ever transposed.
//
// A result's terms are always summed in the same order: its bits do not depend on how tiles fall into blocks.
#include "winograd_correlation.h"
#include <algorithm>
#include "transpose.h"
#include "winograd.h"
#include "winograd_pixels.h"
#include "winograd_product.h"

namespace fovea::FOVEA_ISA {

namespace {

/** Tiles of a block: enough to use a panel of filters well. Measured; 48 to 192 are nearly the same. */
constexpr int64_t kBlockTiles = 96;
/** Blocks are not made smaller than this for threads to have one each. */
constexpr int64_t kFewestTiles = 32;
/** Columns that M holds at once: a block's is still in the cache when it is transformed back. */
constexpr int64_t kGroupColumns = 96;

struct Winograd {
  const Correlation& c;
  const TileTransforms& t;
  int64_t points;
  int64_t across, down, tiles;  // tiles in a row and a column of an image, and in the whole batch
  int64_t depth, padded;        // channels and columns, up to whole vectors
  Panels panels;
  int64_t block, blocks;        // tiles of a block
  int64_t splits;               // of the panels, where there are too few blocks for the threads
  int64_t mWidth;               // columns that M holds at once
  ptrdiff_t vPoint, mPoint;

  // Scratch: shared by all tasks, then that of each thread.
  float *u, *bias, *zeros;
  ScratchBytes bytes;

  Winograd(const Correlation& c, const TileTransforms& t, char* scratch, int threads)
      : c(c), t(t), points(t.alpha * t.alpha), across(divideUp(c.out.width, t.m)),
        down(divideUp(c.out.height, t.m)), tiles(c.batch * down * across), depth(roundUp(c.channels, kLanes)),
        padded(paddedColumns(c.columns)), panels(c.columns) {
    // As many tiles as use a panel of filters well, and fewer where every thread should have a block.
    blocks = divideUp(tiles, kBlockTiles);
    if (tiles >= kFewestTiles * threads) {
      blocks = std::min(roundUp(blocks, threads), std::max(blocks, tiles / kFewestTiles));
    }
    block = roundUp(std::max<int64_t>(divideUp(tiles, std::max<int64_t>(blocks, 1)), 1), kTileRows);
    blocks = divideUp(tiles, block);
    splits = std::clamp<int64_t>(threads / std::max<int64_t>(blocks, 1), 1, panels.count);
    mWidth = std::min<int64_t>(padded, kGroupColumns);
    vPoint = pointStep(block * depth);
    mPoint = pointStep(block * mWidth);

    Carver shared(scratch);
    u = shared.take<float>(c.groups * groupFloats());
    bias = shared.take<float>(c.groups * padded);
    zeros = shared.take<float>(depth);
    Carver own(nullptr);
    Own(own, *this);
    bytes = {shared.used(), own.used()};
  }

  // U is [group][panel][point][channel][width of the panel]; pointStep adds at most so many floats to a point.
  static constexpr int64_t kMostGap = 48;
  int64_t filterPoint(int64_t panel) const { return pointStep(c.channels * panels.width(panel)); }
  int64_t groupFloats() const { return points * (padded * c.channels + panels.count * kMostGap); }
  float* filters(int64_t group, int64_t panel, int64_t point) const {
    return u + group * groupFloats() + points * (panels.start(panel) * c.channels + panel * kMostGap) +
           point * filterPoint(panel);
  }

  struct Own {
    float *v, *m;
    const float* from[2][64];  // the tile at hand and the next
    float* to[2][36];
    const float* mask[2][36];
    float* unused;                       // where results outside of the image go
    float *patch, *staging, *maskPatch;  // for images whose channels do not lie side by side
    Own(Carver& carver, const Winograd& f) {
      const int64_t results = f.t.m * f.t.m;
      v = carver.take<float>(f.points * f.vPoint);
      m = carver.take<float>(f.points * f.mPoint);
      unused = carver.take<float>(f.padded);
      patch = carver.take<float>(f.c.in.c == 1 ? 0 : f.points * f.depth);
      staging = carver.take<float>(f.c.out.c == 1 ? 0 : results * f.padded);
      maskPatch = carver.take<float>(!f.c.mask.data || f.c.mask.c == 1 ? 0 : results * f.padded);
    }
  };

  void transformFilters(int64_t group, int64_t panel, int64_t firstChannel, int64_t lastChannel) const {
    const int64_t r = t.r, first = panels.start(panel), width = panels.width(panel);
    const int64_t columns = std::min(width, c.columns - first);
    alignas(64) float taps[25 * kPanel] = {};  // [tap][width]; columns that are missing stay 0
    // Taps of a flipped filter are stored from the last to the first.
    float* to = c.isFlipped ? taps + (r * r - 1) * width : taps;
    const ptrdiff_t step = c.isFlipped ? -width : width;
    for (int64_t d = firstChannel; d < lastChannel; ++d) {
      const float* from = c.w + group * c.wGroup + first * c.wColumn + d * c.wChannel;
      if (c.wTap == 1 && c.wRow == r) {
        transpose(reinterpret_cast<int32_t*>(to), step, reinterpret_cast<const int32_t*>(from), c.wColumn,
                  static_cast<int>(columns), static_cast<int>(r * r));
      } else {
        for (int64_t tap = 0; tap < r * r; ++tap) {
          const float* at = from + tap / r * c.wRow + tap % r * c.wTap;
          for (int64_t k = 0; k < columns; ++k) to[tap * step + k] = at[k * c.wColumn];
        }
      }
      t.filter(taps, width, filters(group, panel, 0) + d * width, filterPoint(panel));
    }
  }

  struct Place {
    int64_t image, row, column;  // of the first result
  };
  Place placeOf(int64_t tile) const {
    const int64_t at = tile % (down * across);
    return {tile / (down * across), at / across * t.m, at % across * t.m};
  }

  void transformInput(Own& own, int64_t group, int64_t first, int64_t last) const {
    const Images& x = c.in;
    const auto addressTile = [&](int64_t tile) {
      const Place at = placeOf(std::min(tile, last - 1));
      address(own.from[tile % 2], x.data + at.image * x.n + group * c.channels * x.c, x, at.row - c.padding[0],
              at.column - c.padding[1], t.alpha, static_cast<const float*>(zeros));
    };
    addressTile(first);
    for (int64_t tile = first; tile < last; ++tile) {
      addressTile(tile + 1);
      const float** from = own.from[tile % 2];
      if (x.c != 1) gather(from, points, c.channels, x.c, own.patch, depth, zeros);
      t.input(from, own.from[(tile + 1) % 2], c.channels, own.v + (tile - first) * depth, vPoint);
    }
  }

  void transformResult(Own& own, int64_t group, int64_t column, int64_t count, int64_t first, int64_t last) const {
    const TileFinish finish = {c.bias ? bias + group * padded + column : nullptr, c.relu};
    const int64_t channel = group * c.columns + column, results = t.m * t.m;
    const auto addressTile = [&](int64_t tile) {
      const Place at = placeOf(std::min(tile, last - 1));
      const auto of = [&](auto* data, const Images& x) { return data + at.image * x.n + channel * x.c; };
      address(own.to[tile % 2], of(c.result, c.out), c.out, at.row, at.column, t.m, own.unused);
      if (!c.mask.data) return;
      address(own.mask[tile % 2], of(c.mask.data, c.mask), c.mask, at.row, at.column, t.m,
              static_cast<const float*>(own.unused));
    };
    const auto resultsOf = [&](int64_t tile) {
      return TileResults{own.to[tile % 2], c.mask.data ? own.mask[tile % 2] : nullptr};
    };
    addressTile(first);
    for (int64_t tile = first; tile < last; ++tile) {
      addressTile(tile + 1);
      TileResults at = resultsOf(tile);
      if (at.mask && c.mask.c != 1) gather(at.mask, results, count, c.mask.c, own.maskPatch, padded, own.unused);
      float* staged[36];
      if (c.out.c != 1) {
        for (int64_t pixel = 0; pixel < results; ++pixel) staged[pixel] = own.staging + pixel * padded;
        at.to = staged;
      }
      t.result(own.m + (tile - first) * mWidth, mPoint, count, finish, at, resultsOf(tile + 1));
      for (int64_t pixel = 0; c.out.c != 1 && pixel < results; ++pixel) {
        float* to = own.to[tile % 2][pixel];
        for (int64_t k = 0; to != own.unused && k < count; ++k) to[k * c.out.c] = staged[pixel][k];
      }
    }
  }

  void run(int task, char* scratch) const {
    Carver carver(scratch);
    Own own(carver, *this);
    const int64_t first = task / splits * block, last = std::min(first + block, tiles);
    const int64_t split = task % splits;
    const int64_t lastPanel = (split + 1) * panels.count / splits;
    for (int64_t group = 0; group < c.groups; ++group) {
      transformInput(own, group, first, last);
      for (int64_t panel = split * panels.count / splits, end; panel < lastPanel; panel = end) {
        const int64_t start = panels.start(panel);
        for (end = panel + 1; end < lastPanel && panels.start(end + 1) - start <= mWidth;) ++end;
        for (int64_t point = 0; point < points; ++point) {
          for (int64_t p = panel; p < end; ++p) {
            PanelProduct product;
            product.m = last - first, product.depth = c.channels, product.width = panels.width(p);
            product.a = own.v + point * vPoint, product.aRow = depth;
            product.panel = filters(group, p, point);
            product.c = own.m + point * mPoint + panels.start(p) - start, product.cRow = mWidth;
            product.next = p + 1 < end ? filters(group, p + 1, point) : filters(group, panel, point + 1);
            multiplyPanel(product);
          }
        }
        transformResult(own, group, start, std::min(panels.start(end), c.columns) - start, first, last);
      }
    }
  }
};

}  // namespace

void correlate(const Correlation& c, const TileTransforms& transforms, const Frame& frame) {
  const Winograd f(c, transforms, frame.scratch, frame.pool.threads());
  if (f.tiles == 0) return;
  std::fill(f.zeros, f.zeros + f.depth, 0.0f);
  if (c.bias) {
    for (int64_t group = 0; group < c.groups; ++group) {
      for (int64_t k = 0; k < f.padded; ++k) {
        f.bias[group * f.padded + k] = k < c.columns ? c.bias[(group * c.columns + k) * c.biasStride] : 0;
      }
    }
  }
  constexpr int64_t kChannels = 64;  // of a task
  const int64_t chunks = divideUp(c.channels, kChannels);
  frame.pool.run(
      static_cast<int>(c.groups * f.panels.count * chunks),
      [&](int task, int) {
        const int64_t panel = task / chunks, channel = task % chunks * kChannels;
        f.transformFilters(panel / f.panels.count, panel % f.panels.count, channel,
                           std::min(channel + kChannels, c.channels));
      },
      16.0 * static_cast<double>(c.groups * f.groupFloats()));
  frame.pool.run(
      static_cast<int>(f.blocks * f.splits), [&](int task, int thread) { f.run(task, frame.own(thread)); },
      2.0 * static_cast<double>(f.tiles * f.points * c.groups) * static_cast<double>(c.channels * c.columns));
}

ScratchBytes correlateScratch(const Correlation& c, const TileTransforms& transforms, int threads) {
  return Winograd(c, transforms, nullptr, threads).bytes;
}

}  // namespace fovea::FOVEA_ISA
