// See winograd_product.h; the register tile is in tile.h.
//
// All filters together are more than a second-level cache holds, and each panel of them is used for one block of
// tiles only: each step of the product fetches one line of what comes next, which hides nearly all of the wait.
#include "winograd_product.h"
#include <algorithm>

namespace fovea::FOVEA_ISA {

namespace {

/** One register tile over `depth`. */
template <int rows, int vectors>
struct PanelTile {
  static void run(const PanelProduct& p, int64_t depth, const float* a, const float* b, float* c, bool accumulate,
                  const float* next) {
    const ptrdiff_t aRow = p.aRow, cRow = p.cRow;
    vec sum[rows][vectors];
    // Into the second-level cache: the first is full.
    const auto fetch = [&](int64_t k) { __builtin_prefetch(next + k * kLineFloats, 0, 2); };
    sumTile(sum, depth, b, [&](auto r, int64_t k) { return a[r * aRow + k]; }, fetch);
    unroll<rows>([&](auto r) {
      unroll<vectors>([&](auto v) {
        float* to = c + r * cRow + v * kLanes;
        store(to, accumulate ? load(to) + sum[r][v] : sum[r][v]);
      });
    });
  }
};

}  // namespace

void multiplyPanel(const PanelProduct& p) {
  const auto& tiles = kTilesOf<PanelTile>[static_cast<size_t>(p.width / kLanes - 1)];
  const int64_t blocks = std::max<int64_t>(1, divideUp(p.depth, kDepthBlock));
  const int64_t blockDepth = divideUp(p.depth, blocks);
  for (int64_t k = 0; k < p.depth; k += blockDepth) {
    const int64_t depth = std::min(blockDepth, p.depth - k);
    const float* block = p.panel + k * p.width;
    const float* next = k + depth < p.depth ? block + depth * p.width : p.next;
    const float* last = next + (divideUp(p.width, kLineFloats) - 1) * depth * kLineFloats;
    for (int64_t i = 0; i < p.m; i += kTileRows) {
      const int64_t rows = std::min<int64_t>(kTileRows, p.m - i);
      tiles[static_cast<size_t>(rows - 1)](p, depth, p.a + i * p.aRow + k, block, p.c + i * p.cRow, k > 0, next);
      next = std::min(next + depth * kLineFloats, last);
    }
  }
}

}  // namespace fovea::FOVEA_ISA
