// The matrix product's micro-kernel, the loops around it, and packing. See gemm.h.
#include "gemm.h"
#include <algorithm>

namespace fovea::FOVEA_ISA {

// Sums stay in registers only if all that touches them is inlined.
#define FOVEA_INLINED __attribute__((always_inline))

namespace {

// A C that is far is asked for before its tile is computed, if that takes long enough. Measured: with AVX-512 up to
// 30% of the time of a product of few blocks; shorter vectors compute long enough for stores not to wait.
constexpr bool kFetchesFar = kLanes == 16;
constexpr int64_t kWorthFetching = 16;

/** What a tile computes, over a block of a product's depth, and what it does to its sums at the end. */
struct Block {
  int64_t depth;
  const float* a;
  const ptrdiff_t *aRow, *aDepth;
  const float* b;
  float* c;
  const ptrdiff_t* cRow;
  int lanes;  // of the last vector of a row that are columns of C
  bool isFar, accumulates, relu;
  const float *bias, *mask;
  const ptrdiff_t* maskRow;
};

/** body(row, vector) for each vector of a tile. */
template <int rows, int vectors, class Body>
FOVEA_INLINE void forEach(const Body& body) {
  unroll<rows>([&](auto r) FOVEA_INLINED { unroll<vectors>([&](auto v) FOVEA_INLINED { body(r, v); }); });
}

/** Finishes a tile's sums and stores them. */
template <bool isWhole, int rows, int vectors>
FOVEA_INLINE void finish(const Block& p, vec (&sum)[rows][vectors]) {
  const auto part = [&](const float* from, auto v) FOVEA_INLINED {
    return isWhole || v + 1 < vectors ? load(from + v * kLanes) : loadPart(from + v * kLanes, p.lanes);
  };
  if (p.accumulates) {
    forEach<rows, vectors>([&](auto r, auto v) FOVEA_INLINED { sum[r][v] += part(p.c + p.cRow[r], v); });
  }
  if (p.bias) forEach<rows, vectors>([&](auto r, auto v) FOVEA_INLINED { sum[r][v] += load(p.bias + v * kLanes); });
  if (p.relu) forEach<rows, vectors>([&](auto r, auto v) FOVEA_INLINED { sum[r][v] = relu(sum[r][v]); });
  if (p.mask) {
    forEach<rows, vectors>([&](auto r, auto v) FOVEA_INLINED {
      sum[r][v] = masked(sum[r][v], part(p.mask + p.maskRow[r], v));
    });
  }
  forEach<rows, vectors>([&](auto r, auto v) FOVEA_INLINED {
    float* to = p.c + p.cRow[r] + v * kLanes;
    if (isWhole || v + 1 < vectors) store(to, sum[r][v]);
    else storePart(to, sum[r][v], p.lanes);
  });
}

/** A register tile. What the end needs of the mask, and of a C that is far, is asked for at the beginning. */
template <int rows, int vectors>
struct BlockTile {
  static void run(const Block& p) {
    const float* row[rows];
    unroll<rows>([&](auto r) { row[r] = p.a + p.aRow[r]; });
    if (p.isFar) {
      forEach<rows, vectors>([&](auto r, auto v) FOVEA_INLINED {
        __builtin_prefetch(p.c + p.cRow[r] + v * kLanes, 1);
      });
    }
    if (p.mask) {
      forEach<rows, vectors>([&](auto r, auto v) FOVEA_INLINED {
        __builtin_prefetch(p.mask + p.maskRow[r] + v * kLanes);
      });
    }
    vec sum[rows][vectors];
    sumTile(sum, p.depth, p.b, [&](auto r, int64_t k) FOVEA_INLINED { return row[r][p.aDepth[k]]; }, [](int64_t) {});
    if (p.lanes == kLanes) finish<true>(p, sum);
    else finish<false>(p, sum);
  }
};

}  // namespace

// For each block of the depth, for each tile of rows: the block of B stays in the first-level cache while A
// streams past it from the second.
void multiply(const Product& p) {
  const int64_t width = paddedColumns(p.n);
  const auto& tiles = kTilesOf<BlockTile>[static_cast<size_t>(width / kLanes - 1)];
  const int64_t blocks = std::max<int64_t>(1, divideUp(p.depth, kDepthBlock)), most = divideUp(p.depth, blocks);
  for (int64_t index = 0; index < blocks; ++index) {
    const int64_t k = index * most;
    const bool isLast = index == blocks - 1;
    Block block;
    block.depth = std::min(most, p.depth - k);
    block.a = p.a, block.aDepth = p.aDepth + k;
    block.b = p.b + k * width;
    block.c = p.c;
    block.lanes = static_cast<int>(p.n - (width - kLanes));
    block.isFar = p.isFar && (kFetchesFar || p.accumulate) && p.depth >= kWorthFetching;
    block.accumulates = p.accumulate || index > 0;
    block.bias = isLast ? p.bias : nullptr;
    block.relu = isLast && p.relu;
    block.mask = isLast ? p.mask : nullptr;
    for (int64_t i = 0; i < p.m; i += kTileRows) {
      block.aRow = p.aRow + i, block.cRow = p.cRow + i;
      block.maskRow = block.mask ? p.maskRow + i : nullptr;
      tiles[static_cast<size_t>(std::min<int64_t>(kTileRows, p.m - i) - 1)](block);
    }
  }
}

void multiply(const Product& all, const Panels& panels, int64_t first, int64_t last) {
  for (int64_t panel = first; panel < last; ++panel) {
    Product p = all;
    const int64_t start = panels.start(panel);
    p.n = panels.columnsOf(panel, panel + 1);
    p.b += start * p.depth, p.c += start;
    if (p.bias) p.bias += start;
    if (p.mask) p.mask += start;
    multiply(p);
  }
}

void packBlock(float* block, int64_t width, int64_t n, int64_t depth, const float* b,
               const ptrdiff_t* bDepth, ptrdiff_t bColumn) {
  if (bColumn == 1 || n == 1) {
    constexpr int64_t kAhead = 16;  // rows are too short for the processor to see them coming
    const int64_t whole = n / kLanes * kLanes;
    for (int64_t k = 0; k < depth; ++k, block += width) {
      const float *row = b + bDepth[k], *ahead = b + bDepth[std::min(k + kAhead, depth - 1)];
      for (int64_t j = 0; j < n; j += kLineFloats) __builtin_prefetch(ahead + j);
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

void packPanels(float* packed, const Panels& panels, int64_t depth, const float* b, const ptrdiff_t* bDepth,
                ptrdiff_t bColumn, int64_t first, int64_t last) {
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t start = panels.start(panel);
    packBlock(packed + start * depth, panels.width(panel), panels.columnsOf(panel, panel + 1), depth,
              b + start * bColumn, bDepth, bColumn);
  }
}

void sumPanel(const float* panel, int64_t width, int64_t depth, bool accumulate, float* sums) {
  for (int64_t j = 0; j < width; j += kLanes) {
    vec sum[4] = {};  // as many additions at once as the adders take
    int64_t k = 0;
    for (; k + 4 <= depth; k += 4) {
      unroll<4>([&](auto i) { sum[i] += load(panel + (k + i) * width + j); });
    }
    for (; k < depth; ++k) sum[0] += load(panel + k * width + j);
    const vec all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    store(sums + j, accumulate ? load(sums + j) + all : all);
  }
}

}  // namespace fovea::FOVEA_ISA
