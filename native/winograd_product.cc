// See winograd_product.h. The register tile is that of gemm.cc.
#include "winograd_product.h"
#include <algorithm>
#include <array>

namespace fovea::FOVEA_ISA {

namespace {

template <int rows, int vectors>
void tile(int64_t depth, const float* a, ptrdiff_t aRow, const float* b, float* c, ptrdiff_t cRow, bool accumulate) {
  vec sum[rows][vectors];
  unroll<rows>([&](auto i) { unroll<vectors>([&](auto j) { sum[i][j] = vec{}; }); });
  for (int64_t k = 0; k < depth; ++k, b += vectors * kLanes) {
    vec right[vectors];
    unroll<vectors>([&](auto j) { right[j] = load(b + j * kLanes); });
    unroll<rows>([&](auto i) {
      const vec left = broadcast(a[i * aRow + k]);
      unroll<vectors>([&](auto j) { sum[i][j] += left * right[j]; });
    });
  }
  unroll<rows>([&](auto i) {
    unroll<vectors>([&](auto j) {
      float* p = c + i * cRow + j * kLanes;
      store(p, accumulate ? load(p) + sum[i][j] : sum[i][j]);
    });
  });
}

using Tile = void (*)(int64_t, const float*, ptrdiff_t, const float*, float*, ptrdiff_t, bool);

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

void multiplyPanel(int64_t m, int64_t depth, const float* a, ptrdiff_t aRow, const float* panel, int64_t width,
                   float* c, ptrdiff_t cRow) {
  const auto& tiles = kTiles[static_cast<size_t>(width / kLanes - 1)];
  const int64_t blocks = std::max<int64_t>(1, divideUp(depth, kDepthBlock));
  const int64_t blockDepth = divideUp(depth, blocks);
  for (int64_t k = 0; k < depth; k += blockDepth) {
    const int64_t steps = std::min(blockDepth, depth - k);
    for (int64_t i = 0; i < m; i += kTileRows) {
      const int64_t rows = std::min<int64_t>(kTileRows, m - i);
      tiles[static_cast<size_t>(rows - 1)](steps, a + i * aRow + k, aRow, panel + k * width, c + i * cRow, cRow,
                                           k > 0);
    }
  }
}

}  // namespace fovea::FOVEA_ISA
