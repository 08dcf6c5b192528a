// conv2dGradWeight by Winograd's minimal filtering. The gradient of an r×r weight is a correlation whose
// filter is the result's gradient; cut into tiles of m×m, each of which is the filter of F(r, m):
//
//     gw[o, c] = Aᵀ [ Σ over tiles of  (Bᵀ x_tile[c] B) ⊙ (G gy_tile[o] Gᵀ) ] A
//
// Nothing but the sum depends on the tiles, so the inverse transform is done once per pair of channels,
// and the sum is, for each of the α² points on its own, a matrix product over tiles:
//
//     M[point] (c × o)  +=  V[point]ᵀ (c × tiles) · Y[point] (tiles × o)
//
// Tiles are taken in blocks: one block's V and Y are made, as the panels that the product reads, then
// multiplied. Where M is large all threads work at one block together, and each point is a task. Where M
// is small the blocks are dealt to chunks, each with an M of its own that its thread keeps in its cache,
// added up at the end in their order. The cuts follow from the shape alone, and so do the result's bits.
#include "winograd_weight.h"
#include <algorithm>
#include "winograd_panels.h"
#include "winograd_transform.h"

namespace fovea::FOVEA_ISA {

namespace {

/** to[i·r + j] = (Aᵀ X A)[i][j], for kLanes columns; X's elements, row by row, are `point` floats apart. */
template <int r, int m>
void transformSums(const float* from, ptrdiff_t point, float* to) {
  constexpr int alpha = r + m - 1;
  transformTile<ResultTransform<r, m>>([&](int i, int j) { return load(from + (i * alpha + j) * point); },
                                       [&](int i, int j, vec v) { store(to + (i * r + j) * kLanes, v); });
}

/** F(r, m), whose tiles of the result's gradient are m×m. */
struct Family {
  int r, m, alpha;
  void (*result)(const float* from, ptrdiff_t point, float* to);
  float bias;  // Σ of a tile of gy over its transform at the points (1, 1): gbias costs no pass of its own
};

template <int r, int m>
constexpr Family familyOf() {
  constexpr auto g = filterTransform<r, m>();
  static_assert(Points<r + m - 1>::at[1] == 1, "a polynomial at 1 is the sum of its coefficients");
  return {r, m, r + m - 1, transformSums<r, m>, static_cast<float>(1 / (g.at[1][0] * g.at[1][0]))};
}

Family familyOf(const Conv2dGradWeightArgs& args) {
  const bool six = args.algorithm == kConvWinograd6;
  if (args.geometry.kernelSize[0] == 3) return six ? familyOf<3, 4>() : familyOf<3, 6>();
  return six ? familyOf<5, 2>() : familyOf<5, 4>();
}

/** Input channels of a block of M, and of a task at the end. */
constexpr int64_t kRows = 8;

// Tiles of a block. The product reads and writes all of M for each block, so large layers want more of them;
// but V and Y should stay in the third-level cache, and those of a small layer in the second. Measured.
constexpr int64_t kFewTiles = 96, kManyTiles = 128, kMostTiles = 256;
constexpr int64_t kNearFloats = 224 * 1024;  // of V and Y, up to which there may be kMostTiles
constexpr int64_t kBlockFloats = 16 << 20;   // of V and Y at most

// There are chunks where M has so few floats, and blocks enough to share out.
constexpr int64_t kChunkFloats = 64 * 1024;
constexpr int64_t kFewestChunks = 8, kMostChunks = 16;

struct WinogradWeight {
  const ConvGeometry& g;
  Family family;
  bool sumsBias;
  TileGrid grid;
  int64_t points, tiles;
  int64_t channels, columns, padded;      // of a group: inputs, outputs, outputs with padding
  int64_t sumPoint, rowBlock, sumFloats;  // M is [group][block of kRows][point][row][column]
  int64_t blockTiles, blocks, chunks;
  TilePanels x, gy;
  int64_t splits;  // of a product's panels, so that there are tasks for all threads

  float *sums, *biasSums;
  ptrdiff_t *aRow, *aDepth, *cRow;
  char* commonBlock;
  ScratchBytes bytes;

  WinogradWeight(const Conv2dGradWeightArgs& args, const float* xData, const float* gyData, char* scratch,
                 int threads)
      : g(args.geometry),
        family(familyOf(args)),
        sumsBias(args.gbias.buffer >= 0),
        grid{divideUp(g.outSize[0], family.m), divideUp(g.outSize[1], family.m), family.m},
        points(family.alpha * family.alpha),
        tiles(grid.count(g.batch)),
        channels(g.inChannels / g.groups),
        columns(g.outChannels / g.groups),
        padded(paddedColumns(columns)),
        sumPoint(pointStep(kRows * padded)),
        rowBlock(points * sumPoint),
        sumFloats(g.groups * divideUp(channels, kRows) * rowBlock),
        blockTiles(cut()),
        blocks(divideUp(tiles, blockTiles)),
        chunks(sumFloats <= kChunkFloats && blocks >= kFewestChunks ? std::min(blocks, kMostChunks) : 1),
        x(imagesOf(args.x, xData, g.inChannels, g.inSize), grid, inputTransformOf(family.alpha), family.alpha,
          -g.padding[0], -g.padding[1], g.groups, kLineFloats, 1, blockTiles),
        gy(imagesOf(args.gy, gyData, g.outChannels, g.outSize), grid, filterTransformOf(family.r, family.m),
           family.m, 0, 0, g.groups, kLanes, kTileVectors, blockTiles),
        splits(std::clamp<int64_t>(divideUp(4 * threads, g.groups * points), 1, gy.columns.count)) {
    Carver shared(scratch);
    sums = shared.take<float>(chunks * sumFloats);
    biasSums = shared.take<float>(chunks * g.groups * padded);
    aRow = shared.take<ptrdiff_t>(channels);
    aDepth = shared.take<ptrdiff_t>(blockTiles);
    cRow = shared.take<ptrdiff_t>(channels);
    commonBlock = shared.rest();
    Carver own(nullptr);
    Own(own, *this);
    bytes = chunks > 1 ? ScratchBytes{shared.used(), own.used()} : ScratchBytes{shared.used() + own.used(), 0};
  }

  /** Tiles of a block, so that all blocks are about as large. */
  int64_t cut() const {
    const int64_t perTile = points * g.groups * (roundUp(channels, kLineFloats) + padded);
    const int64_t balanced = std::clamp(2 * channels * columns / (3 * (channels + columns)), kFewTiles, kManyTiles);
    const int64_t wanted = std::min(std::clamp(kNearFloats / perTile, balanced, kMostTiles),
                                    std::max<int64_t>(kBlockFloats / perTile, 1));
    const int64_t nearest = std::max<int64_t>((tiles + wanted / 2) / wanted, 1);
    return std::max<int64_t>(divideUp(tiles, nearest), 1);
  }

  /** V and Y of a block: a thread's own where there are chunks, else shared by all. */
  struct Own {
    float *v, *y;
    Own(Carver& carver, const WinogradWeight& f) {
      v = carver.take<float>(f.points * f.x.point);
      y = carver.take<float>(f.points * f.gy.point);
    }
  };
  Own own(const Frame& frame, int thread) const {
    Carver carver(chunks > 1 ? frame.own(thread) : commonBlock);
    return Own(carver, *this);
  }

  // A block's two phases, as tasks that do not touch each other's results.
  static constexpr int64_t kParts = 4;
  int64_t transforms() const { return (x.runs() + gy.runs()) * kParts; }
  int64_t products() const { return g.groups * points * splits; }
};

/** Task `task` of the first phase of block `block`: a part of the tiles, for a run of channels. */
void transformTask(const WinogradWeight& f, const WinogradWeight::Own& own, int64_t block, int64_t task) {
  const int64_t part = task % WinogradWeight::kParts, run = task / WinogradWeight::kParts;
  const int64_t first = block * f.blockTiles, count = std::min(f.blockTiles, f.tiles - first);
  const int64_t begin = first + part * count / WinogradWeight::kParts;
  const int64_t end = first + (part + 1) * count / WinogradWeight::kParts;
  if (run < f.x.runs()) f.x.make(own.v, run, first, begin, end);
  else f.gy.make(own.y, run - f.x.runs(), first, begin, end);
}

/** Task `task` of the second phase: a range of the panels of one point of one group. */
void productTask(const WinogradWeight& f, const WinogradWeight::Own& own, int64_t block, int64_t chunk,
                 bool isFirst, int64_t task) {
  const int64_t split = task % f.splits, point = task / f.splits % f.points, group = task / f.splits / f.points;
  Product product;
  product.m = f.channels;
  product.depth = std::min(f.blockTiles, f.tiles - block * f.blockTiles);
  product.a = own.v + point * f.x.point + f.x.offset(group, 0);
  product.aRow = f.aRow;
  product.aDepth = f.aDepth;
  product.cRow = f.cRow;
  product.isFar = product.accumulate = !isFirst;
  float* sums = f.sums + chunk * f.sumFloats + group * divideUp(f.channels, kRows) * f.rowBlock + point * f.sumPoint;
  const int64_t panels = f.gy.columns.count, last = (split + 1) * panels / f.splits;
  for (int64_t panel = split * panels / f.splits; panel < last; ++panel) {
    const int64_t start = f.gy.columns.start(panel);
    product.n = f.gy.columns.columnsOf(panel, panel + 1);
    product.b = own.y + point * f.gy.point + f.gy.offset(group, panel);
    product.c = sums + start;
    multiply(product);
    if (f.sumsBias && point == f.family.alpha + 1) {
      sumPanel(product.b, f.gy.columns.width(panel), product.depth, !isFirst,
               f.biasSums + (chunk * f.g.groups + group) * f.padded + start);
    }
  }
}

/** Adds up the chunks, transforms the sums and writes gw, for block `block` of a group's input channels. */
void finishRows(const WinogradWeight& f, int64_t group, int64_t block, const Conv2dGradWeightArgs& args, float* gw) {
  alignas(64) float total[kMostAlpha * kMostAlpha * kLanes], results[kRows * 25 * kLanes];
  const int64_t c = block * kRows, rows = std::min(kRows, f.channels - c), taps = f.family.r * f.family.r;
  const int64_t* strides = args.gw.strides;
  const float* sums = f.sums + (group * divideUp(f.channels, kRows) + block) * f.rowBlock;
  for (int64_t o = 0; o < f.columns; o += kLanes) {
    for (int64_t i = 0; i < rows; ++i) {
      const float* at = sums + i * f.padded + o;
      for (int64_t p = 0; p < f.points; ++p) __builtin_prefetch(at + p * f.sumPoint + kLanes, 0, 2);
      float* to = results + i * taps * kLanes;
      if (f.chunks == 1) {
        f.family.result(at, f.sumPoint, to);
        continue;
      }
      for (int64_t p = 0; p < f.points; ++p) {
        vec sum = load(at + p * f.sumPoint);
        for (int64_t chunk = 1; chunk < f.chunks; ++chunk) sum += load(at + p * f.sumPoint + chunk * f.sumFloats);
        store(total + p * kLanes, sum);
      }
      f.family.result(total, kLanes, to);
    }
    const int64_t outputs = std::min<int64_t>(kLanes, f.columns - o);
    for (int64_t j = 0; j < outputs; ++j) {
      float* to = gw + (group * f.columns + o + j) * strides[0] + c * strides[1];
      const float* from = results + j;
      for (int64_t i = 0; i < rows; ++i) {
        for (int64_t row = 0; row < f.family.r; ++row) {
          for (int64_t column = 0; column < f.family.r; ++column, from += kLanes) {
            to[i * strides[1] + row * strides[2] + column * strides[3]] = *from;
          }
        }
      }
    }
  }
}

void finishBias(const WinogradWeight& f, float* gbias, ptrdiff_t stride) {
  for (int64_t group = 0; group < f.g.groups; ++group) {
    for (int64_t o = 0; o < f.columns; ++o) {
      const float* at = f.biasSums + group * f.padded + o;
      float sum = 0;
      for (int64_t chunk = 0; chunk < f.chunks; ++chunk) sum += at[chunk * f.g.groups * f.padded];
      gbias[(group * f.columns + o) * stride] = sum * f.family.bias;
    }
  }
}

}  // namespace

const char* conv2dGradWeightWinograd(const Conv2dGradWeightArgs& args, const Frame& frame) {
  const ConvGeometry& g = args.geometry;
  if (!takesWinograd(g)) return kNotForWinograd;
  const WinogradWeight f(args, frame.at<float>(args.x), frame.at<float>(args.gy), frame.scratch,
                         frame.pool.threads());
  float* gw = frame.at<float>(args.gw);
  for (int64_t c = 0; c < f.channels; ++c) {
    f.aRow[c] = f.x.offset(0, f.x.columns.of(c)) + c - f.x.columns.start(f.x.columns.of(c));
    f.cRow[c] = c / kRows * f.rowBlock + c % kRows * f.padded;
  }
  ramp(f.aDepth, f.blockTiles, kLineFloats);
  std::fill(f.biasSums, f.biasSums + f.chunks * g.groups * f.padded, 0.0f);
  if (f.blocks == 0) std::fill(f.sums, f.sums + f.sumFloats, 0.0f);

  if (f.chunks > 1) {
    const auto sumChunk = [&](int chunk, int thread) {
      const WinogradWeight::Own own = f.own(frame, thread);
      const int64_t begin = chunk * f.blocks / f.chunks, end = (chunk + 1) * f.blocks / f.chunks;
      for (int64_t block = begin; block < end; ++block) {
        for (int64_t task = 0; task < f.transforms(); ++task) transformTask(f, own, block, task);
        for (int64_t task = 0; task < f.products(); ++task) {
          productTask(f, own, block, chunk, block == begin, task);
        }
      }
    };
    frame.pool.run(static_cast<int>(f.chunks), sumChunk, workOf(g));
  } else {
    const WinogradWeight::Own own = f.own(frame, 0);
    const double pointTiles = static_cast<double>(g.groups * f.points * f.blockTiles);
    const double bytes = 4 * pointTiles * static_cast<double>(f.channels + f.columns);
    const double operations = 2 * pointTiles * static_cast<double>(f.channels * f.columns);
    for (int64_t block = 0; block < f.blocks; ++block) {
      frame.pool.run(static_cast<int>(f.transforms()),
                     [&](int task, int) { transformTask(f, own, block, task); }, 4 * bytes);
      frame.pool.run(static_cast<int>(f.products()),
                     [&](int task, int) { productTask(f, own, block, 0, block == 0, task); }, operations);
    }
  }

  const int64_t rowBlocks = divideUp(f.channels, kRows);
  frame.pool.run(static_cast<int>(g.groups * rowBlocks),
                 [&](int task, int) { finishRows(f, task / rowBlocks, task % rowBlocks, args, gw); },
                 8.0 * static_cast<double>(f.chunks * f.sumFloats));
  if (f.sumsBias) finishBias(f, frame.at<float>(args.gbias), args.gbias.strides[0]);
  return nullptr;
}

ScratchBytes conv2dGradWeightWinogradScratch(const Conv2dGradWeightArgs& args, int threads) {
  if (!takesWinograd(args.geometry)) return {};
  return WinogradWeight(args, nullptr, nullptr, nullptr, threads).bytes;
}

}  // namespace fovea::FOVEA_ISA
