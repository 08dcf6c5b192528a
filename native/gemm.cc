// The matrix product's micro-kernel, the loops around it, and packing. See gemm.h.
#include "gemm.h"
#include <algorithm>
#include <array>

namespace fovea::FOVEA_ISA {

namespace {

/** What the tile does to its sums before it stores them. */
struct Finish {
  bool accumulate;
  const float* bias;  // of the tile's first column
  bool relu;
  const float* mask;  // likewise
  const ptrdiff_t* maskRow;
};

/**
 * One register tile: rows × vectors·kLanes elements of C over `depth`. Each step loads one row of
 * B, broadcasts one element of A per row and feeds rows·vectors FMAs. The last vector of C may be
 * partial (`lastLanes`).
 */
template <int rows, int vectors>
void tile(int64_t depth, const float* a, const ptrdiff_t* aRow, const ptrdiff_t* aDepth,
          const float* b, float* c, const ptrdiff_t* cRow, int lastLanes, Finish finish) {
  const float* row[rows];
  vec sum[rows][vectors];
  unroll<rows>([&](auto i) {
    row[i] = a + aRow[i];
    unroll<vectors>([&](auto j) { sum[i][j] = vec{}; });
  });
  if (finish.accumulate) {
    unroll<rows>([&](auto i) {
      unroll<vectors>([&](auto j) { __builtin_prefetch(c + cRow[i] + j * kLanes, 1); });
    });
  }
  for (int64_t k = 0; k < depth; ++k, b += vectors * kLanes) {
    const ptrdiff_t at = aDepth[k];
    vec right[vectors];
    unroll<vectors>([&](auto j) { right[j] = load(b + j * kLanes); });
    unroll<rows>([&](auto i) {
      const vec left = broadcast(row[i][at]);
      unroll<vectors>([&](auto j) { sum[i][j] += left * right[j]; });
    });
  }
  const auto forEach = [&](auto&& change) __attribute__((always_inline)) {
    unroll<rows>([&](auto i) {
      unroll<vectors>([&](auto j) {
        change(sum[i][j], c + cRow[i] + j * kLanes, j * kLanes,
               j + 1 < vectors ? kLanes : lastLanes);
      });
    });
  };
  const bool whole = lastLanes == kLanes;
  if (finish.accumulate) {
    if (whole) forEach([&](vec& v, const float* p, int, int) { v += load(p); });
    else forEach([&](vec& v, const float* p, int, int lanes) { v += loadPart(p, lanes); });
  }
  if (finish.bias) forEach([&](vec& v, const float*, int j, int) { v += load(finish.bias + j); });
  if (finish.relu) forEach([&](vec& v, const float*, int, int) { v = relu(v); });
  if (finish.mask) {
    unroll<rows>([&](auto i) {
      unroll<vectors>([&](auto j) {
        const float* p = finish.mask + finish.maskRow[i] + j * kLanes;
        sum[i][j] = masked(sum[i][j], j + 1 < vectors || whole ? load(p) : loadPart(p, lastLanes));
      });
    });
  }
  if (whole) forEach([&](vec& v, float* p, int, int) { store(p, v); });
  else forEach([&](vec& v, float* p, int, int lanes) { storePart(p, v, lanes); });
}

using Tile = void (*)(int64_t, const float*, const ptrdiff_t*, const ptrdiff_t*, const float*, float*,
                      const ptrdiff_t*, int, Finish);

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

// For each panel, for each block of the depth, for each tile of rows: the block of B stays in the
// first-level cache while A streams past it from the second.
void multiply(const Product& p) {
  const int64_t blocks = std::max<int64_t>(1, divideUp(p.depth, kDepthBlock));
  const int64_t blockDepth = divideUp(p.depth, blocks);
  for (int64_t j = 0; j < p.n; j += kPanel) {
    const int64_t columns = std::min(kPanel, p.n - j);
    const int64_t width = paddedColumns(columns);
    const int lastLanes = static_cast<int>(columns - (width - kLanes));
    const auto& tiles = kTiles[static_cast<size_t>(width / kLanes - 1)];
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t k = block * blockDepth;
      const int64_t depth = std::min(blockDepth, p.depth - k);
      const bool last = block == blocks - 1;
      Finish finish = {p.accumulate || block > 0, last && p.bias ? p.bias + j : nullptr,
                       last && p.relu, last && p.mask ? p.mask + j : nullptr, p.maskRow};
      const float* panel = p.panels + j * p.depth + k * width;
      for (int64_t i = 0; i < p.m; i += kTileRows) {
        const int64_t rows = std::min<int64_t>(kTileRows, p.m - i);
        if (finish.mask) finish.maskRow = p.maskRow + i;
        tiles[static_cast<size_t>(rows - 1)](depth, p.a, p.aRow + i, p.aDepth + k, panel, p.c + j,
                                             p.cRow + i, lastLanes, finish);
      }
    }
  }
}

void packBlock(float* block, int64_t width, int64_t n, int64_t depth, const float* b,
               const ptrdiff_t* bDepth, ptrdiff_t bColumn) {
  if (bColumn == 1 || n == 1) {
    const int64_t whole = n / kLanes * kLanes;
    for (int64_t k = 0; k < depth; ++k, block += width) {
      const float* row = b + bDepth[k];
      for (int64_t j = 0; j < whole; j += kLanes) store(block + j, load(row + j));
      if (whole < n) store(block + whole, loadPart(row + whole, static_cast<int>(n - whole)));
      for (int64_t j = roundUp(n, kLanes); j < width; ++j) block[j] = 0;
    }
    return;
  }
  // Transposing: 16 steps of the depth at a time, so that a line of B is used up while it is near.
  for (int64_t k = 0; k < depth; k += 16, block += 16 * width) {
    const int64_t steps = std::min<int64_t>(16, depth - k);
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t s = 0; s < steps; ++s) block[s * width + j] = b[bDepth[k + s] + j * bColumn];
    }
    for (int64_t s = 0; s < steps; ++s) {
      for (int64_t j = n; j < width; ++j) block[s * width + j] = 0;
    }
  }
}

void packPanels(float* panels, int64_t n, int64_t depth, const float* b, const ptrdiff_t* bDepth,
                ptrdiff_t bColumn, int64_t firstPanel, int64_t lastPanel) {
  for (int64_t panel = firstPanel; panel < lastPanel; ++panel) {
    const int64_t j = panel * kPanel;
    const int64_t columns = std::min(kPanel, n - j);
    packBlock(panels + j * depth, paddedColumns(columns), columns, depth, b + j * bColumn, bDepth,
              bColumn);
  }
}

}  // namespace fovea::FOVEA_ISA
