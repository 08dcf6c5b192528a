// The register tile of every matrix product, and the panels of B that it reads.
//
// A tile is as much of C as the registers hold: kTileRows rows of kTileVectors vectors (simd.h has the sizes). Each
// step of the depth loads one row of a panel of B, broadcasts one element of A per row, and feeds one FMA for each
// vector of the tile, so that loads take far less than the FMAs do: after Goto and van de Geijn, "Anatomy of
// High-Performance Matrix Multiplication" (2008), and BLIS (Van Zee and van de Geijn, 2015). What differs between
// products is where A's elements are and what becomes of the sums: gemm.cc and winograd_product.cc.
#pragma once
#include <array>
#include "scratch.h"
#include "simd.h"

namespace fovea::FOVEA_ISA {

constexpr int64_t kPanel = kLanes * kTileVectors;
/** Depth of a block, such that a block of a panel stays in the first-level cache. */
constexpr int64_t kDepthBlock = kLanes == 16 ? 192 : 256;

/** Columns of a packed matrix, its missing ones included. */
constexpr int64_t paddedColumns(int64_t n) { return roundUp(n, kLanes); }

/**
 * Columns cut into panels of some units each, up to `most`, as even as can be: 4 vectors make 2 + 2, not 3 + 1,
 * whose last would compute little for what it loads. A panel is [depth][width], its missing columns 0, and begins
 * where all columns before it, times the depth, end.
 */
struct Panels {
  int64_t columns, unit, units, count;
  explicit Panels(int64_t columns, int64_t unit = kLanes, int64_t most = kTileVectors)
      : columns(columns), unit(unit), units(divideUp(columns, unit)), count(divideUp(units, most)) {
    if (count > 0) least = units / count, longer = units % count;
  }
  /** The first column of a panel. */
  int64_t start(int64_t panel) const { return (panel * least + (panel < longer ? panel : longer)) * unit; }
  /** Columns of a panel, its missing ones included. */
  int64_t width(int64_t panel) const { return (least + (panel < longer)) * unit; }
  /** The panel of a column. */
  int64_t of(int64_t column) const {
    const int64_t at = column / unit, before = longer * (least + 1);
    return at < before ? at / (least + 1) : longer + (at - before) / least;
  }
  /** Columns that are there in panels [first, last). */
  int64_t columnsOf(int64_t first, int64_t last) const {
    const int64_t end = start(last);
    return (end < columns ? end : columns) - start(first);
  }
  int64_t padded() const { return units * unit; }

 private:
  int64_t least = 0, longer = 0;  // units of a panel, and how many panels have one more
};

/** sum[r] = Σ over k of left(r, k) · row k of b; with each step, meanwhile(k). */
template <int rows, int vectors, class Left, class Meanwhile>
FOVEA_INLINE void sumTile(vec (&sum)[rows][vectors], int64_t depth, const float* b, const Left& left,
                          const Meanwhile& meanwhile) {
  unroll<rows>([&](auto r) { unroll<vectors>([&](auto v) { sum[r][v] = vec{}; }); });
  for (int64_t k = 0; k < depth; ++k, b += vectors * kLanes) {
    meanwhile(k);
    vec right[vectors];
    unroll<vectors>([&](auto v) { right[v] = load(b + v * kLanes); });
    unroll<rows>([&](auto r) {
      const vec element = broadcast(left(r, k));
      unroll<vectors>([&](auto v) { sum[r][v] += element * right[v]; });
    });
  }
}

/** Functions Tile<rows, vectors>::run, as a table [vectors − 1][rows − 1]. */
template <template <int, int> class Tile, int vectors, int... row>
constexpr auto tilesOf(std::integer_sequence<int, row...>) {
  return std::array{&Tile<row + 1, vectors>::run...};
}
template <template <int, int> class Tile, int... column>
constexpr auto tileTable(std::integer_sequence<int, column...>) {
  return std::array{tilesOf<Tile, column + 1>(std::make_integer_sequence<int, kTileRows>{})...};
}
template <template <int, int> class Tile>
constexpr auto kTilesOf = tileTable<Tile>(std::make_integer_sequence<int, kTileVectors>{});

}  // namespace fovea::FOVEA_ISA
