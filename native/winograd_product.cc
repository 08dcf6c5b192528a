// See winograd_product.h. The register tile is that of gemm.cc.
//
// All filters together are more than a second-level cache holds, and each panel of them is used for one block of
// tiles only: each step of the product fetches one line of what comes next, which hides nearly all of the wait.
#include "winograd_product.h"
#include <algorithm>
#include <array>

namespace fovea::FOVEA_ISA {

namespace {

/** rows × vectors·kLanes elements of C over `depth`, while `depth` lines from `next` on are fetched. */
template <int rows, int vectors>
void tile(const PanelProduct& p, int64_t depth, const float* a, const float* b, float* c, bool accumulate,
          const float* next) {
  const ptrdiff_t aRow = p.aRow, cRow = p.cRow;
  vec sum[rows][vectors];
  unroll<rows>([&](auto i) { unroll<vectors>([&](auto j) { sum[i][j] = vec{}; }); });
  for (int64_t k = 0; k < depth; ++k, b += vectors * kLanes, next += kLineFloats) {
    __builtin_prefetch(next, 0, 2);  // into the second-level cache: the first is full
    vec right[vectors];
    unroll<vectors>([&](auto j) { right[j] = load(b + j * kLanes); });
    unroll<rows>([&](auto i) {
      const vec left = broadcast(a[i * aRow + k]);
      unroll<vectors>([&](auto j) { sum[i][j] += left * right[j]; });
    });
  }
  unroll<rows>([&](auto i) {
    unroll<vectors>([&](auto j) {
      float* to = c + i * cRow + j * kLanes;
      store(to, accumulate ? load(to) + sum[i][j] : sum[i][j]);
    });
  });
}

using Tile = void (*)(const PanelProduct&, int64_t, const float*, const float*, float*, bool, const float*);

/** The tiles of `vectors` vectors, by their number of rows less one. */
template <int vectors, int... row>
constexpr std::array<Tile, sizeof...(row)> tilesOf(std::integer_sequence<int, row...>) {
  return {&tile<row + 1, vectors>...};
}
template <int... column>
constexpr auto allTiles(std::integer_sequence<int, column...>) {
  return std::array<std::array<Tile, kTileRows>, sizeof...(column)>{
      tilesOf<column + 1>(std::make_integer_sequence<int, kTileRows>{})...};
}
constexpr auto kTiles = allTiles(std::make_integer_sequence<int, kTileVectors>{});

}  // namespace

void multiplyPanel(const PanelProduct& p) {
  const auto& tiles = kTiles[static_cast<size_t>(p.width / kLanes - 1)];
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
