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
// Tiles are taken in blocks: one block's V and Y are made, in the layouts that the product reads, then
// multiplied. Where M is large all threads work at one block together, and each point is a task. Where M
// is small the blocks are dealt to chunks, each with an M of its own that its thread keeps in its cache,
// added up at the end in their order. The cuts follow from the shape alone, and so do the result's bits.
#include "winograd_weight.h"
#include <algorithm>
#include "conv.h"
#include "winograd_transform.h"

namespace fovea::FOVEA_ISA {

namespace {

// ---------------------------------------------------------------- transforms

/**
 * to = T · from · Tᵀ for kLanes channels: element (i, j) of `from` at i·row + j·column, of `to` at
 * (i·rows + j)·point.
 */
template <class T>
void transform(const float* from, ptrdiff_t row, ptrdiff_t column, float* to, ptrdiff_t point) {
  transformTile<T>([&](int i, int j) { return load(from + i * row + j * column); },
                   [&](int i, int j, vec v) { store(to + (i * T::matrix.rows + j) * point, v); });
}

using Transform = void (*)(const float*, ptrdiff_t, ptrdiff_t, float*, ptrdiff_t);

struct Family {
  int r, m, alpha;
  Transform input, gradient, result;
  float bias;  // Σ gy of a tile over its transform at the points (1, 1)
};

template <int r, int m>
constexpr Family familyOf() {
  constexpr auto g = filterTransform<r, m>();
  constexpr int alpha = r + m - 1;
  static_assert(Points<alpha>::at[1] == 1, "a polynomial at 1 is the sum of its coefficients");
  return {r, m, alpha, &transform<InputTransform<alpha>>, &transform<FilterTransform<r, m>>,
          &transform<ResultTransform<r, m>>, static_cast<float>(1 / (g.at[1][0] * g.at[1][0]))};
}

Family familyOf(const Conv2dGradWeightArgs& args) {
  const bool six = args.algorithm == kConvWinograd6;
  if (args.geometry.kernelSize[0] == 3) return six ? familyOf<3, 4>() : familyOf<3, 6>();
  return six ? familyOf<5, 2>() : familyOf<5, 4>();
}

constexpr int kMostAlpha = 8;

// ---------------------------------------------------------------- layout

/** Channels of an element of V: a cache line. */
constexpr int64_t kLine = 16;
/** Channels that a task transforms side by side, tile by tile. */
constexpr int64_t kRun = 64;

/**
 * Step from point to point of a matrix of `floats`: an odd number of cache lines, so that an element's α²
 * points lie in different sets of the first-level cache.
 */
constexpr int64_t pointStep(int64_t floats) { return roundUp(floats, 2 * kLine) + kLine; }

/** One operand of a block, as [point][group][panel][tile][channel of the panel]. */
struct Side {
  Images images;
  Transform transform;
  int64_t edge;         // rows and columns of a tile of this operand
  int64_t first[2];      // row and column of the first tile
  int64_t channels;      // of a group
  int64_t padded;        // those that a group takes up
  int64_t panel;         // the last one of a group may be narrower
  int64_t point;
  int64_t runs;  // of kRun channels, in a group

  Side(const Images& images, Transform transform, int64_t edge, int64_t firstRow, int64_t firstColumn,
       int64_t groups, int64_t panel, int64_t unit, int64_t tiles)
      : images(images),
        transform(transform),
        edge(edge),
        first{firstRow, firstColumn},
        channels(images.channels / groups),
        padded(roundUp(channels, unit)),
        panel(panel),
        point(pointStep(groups * padded * tiles)),
        runs(divideUp(channels, kRun)) {}

  int64_t width(int64_t channel) const { return std::min(panel, padded - channel / panel * panel); }
};

struct WinogradWeight {
  const ConvGeometry& g;
  Family family;
  bool sumsBias;
  int64_t points, tileRows, tileColumns, tiles;
  int64_t channels, columns, padded;  // of a group: inputs, outputs, outputs with padding
  int64_t blockTiles, blocks, chunks;
  Side x, gy;
  int64_t sumPoint, sumFloats;  // of M: step from point to point, all of one chunk's

  float *sums, *biasSums;
  ptrdiff_t *aRow, *aDepth, *cRow;
  char* threadScratch;
  size_t threadBytes, bytes;

  static constexpr int64_t kBlockChannels = 8;

  WinogradWeight(const Conv2dGradWeightArgs& args, const float* xData, const float* gyData, char* scratch,
                 int threads)
      : g(args.geometry),
        family(familyOf(args)),
        sumsBias(args.gbias.buffer >= 0),
        points(family.alpha * family.alpha),
        tileRows(divideUp(g.outSize[0], family.m)),
        tileColumns(divideUp(g.outSize[1], family.m)),
        tiles(g.batch * tileRows * tileColumns),
        channels(g.inChannels / g.groups),
        columns(g.outChannels / g.groups),
        padded(paddedColumns(columns)),
        blockTiles(cut()),
        blocks(divideUp(tiles, blockTiles)),
        chunks(chunked() ? std::clamp<int64_t>(blocks, 1, kMostChunks) : 1),
        x(imagesOf(args.x, xData, g.inChannels, g.inSize), family.input, family.alpha,
          -g.padding[0], -g.padding[1], g.groups, kLine, kLine, blockTiles),
        gy(imagesOf(args.gy, gyData, g.outChannels, g.outSize), family.gradient, family.m, 0, 0,
           g.groups, kPanel, kLanes, blockTiles),
        sumPoint(pointStep(g.groups * channels * padded)),
        sumFloats(points * sumPoint) {
    Carver shared(scratch);
    sums = shared.take<float>(chunks * sumFloats);
    biasSums = shared.take<float>(chunks * g.groups * padded);
    aRow = shared.take<ptrdiff_t>(channels);
    aDepth = shared.take<ptrdiff_t>(blockTiles);
    cRow = shared.take<ptrdiff_t>(channels);
    threadScratch = scratch + shared.used();
    Carver own(nullptr);
    Own(own, *this);
    threadBytes = own.used();
    bytes = shared.used() + static_cast<size_t>(chunked() ? threads : 1) * threadBytes;
  }

  static constexpr int64_t kMostChunks = 16;
  static constexpr int64_t kBlockBytes = 64 << 20;

  bool chunked() const { return points * g.groups * channels * padded <= 400 * 1024; }

  /** Tiles of a block. */
  int64_t cut() const {
    const int64_t perTile = points * g.groups * (roundUp(channels, kLine) + padded);
    const int64_t most = chunked() ? std::clamp<int64_t>((kLanes == 16 ? 160 : 96) * 1024 / perTile, 48, 256)
                                   : std::min<int64_t>(256, kBlockBytes / 4 / perTile);
    return divideUp(std::max<int64_t>(tiles, 1), divideUp(std::max<int64_t>(tiles, 1), most));
  }

  /** V and Y of a block: of a thread where there are chunks, else shared by all. */
  struct Own {
    float *v, *y;
    Own(Carver& carver, const WinogradWeight& f) {
      v = carver.take<float>(f.points * f.x.point);
      y = carver.take<float>(f.points * f.gy.point);
    }
  };
  Own own(int thread) const {
    Carver carver(threadScratch + static_cast<size_t>(chunked() ? thread : 0) * threadBytes);
    return Own(carver, *this);
  }

  // A block's two phases, as tasks that do not touch each other's results.
  static constexpr int64_t kParts = 4;
  int64_t transforms() const { return g.groups * (x.runs + gy.runs) * kParts; }
  int64_t products() const { return g.groups * points; }
};


// ---------------------------------------------------------------- a block

/** A tile of up to kLanes channels, with zeros where it hangs over the edge, as [row][column][lane]. */
void copyTile(float* to, const Images& from, const float* data, int64_t edge, int64_t row, int64_t column,
              int lanes) {
  for (int64_t i = row; i < row + edge; ++i) {
    for (int64_t j = column; j < column + edge; ++j, to += kLanes) {
      if (i < 0 || j < 0 || i >= from.height || j >= from.width) {
        store(to, vec{});
        continue;
      }
      const float* pixel = data + i * from.h + j * from.w;
      if (from.c == 1) {
        store(to, lanes == kLanes ? load(pixel) : loadPart(pixel, lanes));
      } else {
        store(to, vec{});
        for (int lane = 0; lane < lanes; ++lane) to[lane] = pixel[lane * from.c];
      }
    }
  }
}

/** Tiles [begin, end) of the whole call, tile `block` being the block's first, for one run of channels. */
void transformRun(const WinogradWeight& f, const Side& side, float* to, int64_t group, int64_t run,
                  int64_t block, int64_t begin, int64_t end) {
  alignas(64) float copy[kMostAlpha * kMostAlpha * kLanes];
  const Images& from = side.images;
  const int64_t last = std::min((run + 1) * kRun, side.channels);
  const float* data = from.data + group * side.channels * from.c;
  float* groupAt = to + group * side.padded * f.blockTiles;
  for (int64_t t = begin; t < end; ++t) {
    const int64_t image = t / (f.tileRows * f.tileColumns);
    const int64_t row = t / f.tileColumns % f.tileRows * f.family.m + side.first[0];
    const int64_t column = t % f.tileColumns * f.family.m + side.first[1];
    const bool inside = from.c == 1 && row >= 0 && column >= 0 && row + side.edge <= from.height &&
                        column + side.edge <= from.width;
    for (int64_t c = run * kRun; c < last; c += kLanes) {
      const float* at = data + image * from.n + c * from.c;
      const int lanes = static_cast<int>(std::min<int64_t>(kLanes, side.channels - c));
      const int64_t start = c / side.panel * side.panel;
      float* out = groupAt + start * f.blockTiles + (t - block) * side.width(c) + c - start;
      if (inside && lanes == kLanes) {
        side.transform(at + row * from.h + column * from.w, from.h, from.w, out, side.point);
      } else {
        copyTile(copy, from, at, side.edge, row, column, lanes);
        side.transform(copy, side.edge * kLanes, kLanes, out, side.point);
      }
    }
  }
}

/** Task `task` of the first phase of block `block`. */
void transformTask(const WinogradWeight& f, const WinogradWeight::Own& own, int64_t block, int64_t task) {
  const int64_t part = task % WinogradWeight::kParts, runs = f.x.runs + f.gy.runs;
  const int64_t run = task / WinogradWeight::kParts % runs, group = task / WinogradWeight::kParts / runs;
  const int64_t first = block * f.blockTiles, count = std::min(f.blockTiles, f.tiles - first);
  const int64_t begin = first + part * count / WinogradWeight::kParts;
  const int64_t end = first + (part + 1) * count / WinogradWeight::kParts;
  if (run < f.x.runs) transformRun(f, f.x, own.v, group, run, first, begin, end);
  else transformRun(f, f.gy, own.y, group, run - f.x.runs, first, begin, end);
}

/** bias += Σ over `tiles` of y, [tile][width]. */
void sumTiles(const float* y, int64_t tiles, int64_t width, float* bias) {
  for (int64_t j = 0; j < width; j += kLanes) {
    vec sum{};
    for (int64_t t = 0; t < tiles; ++t) sum += load(y + t * width + j);
    store(bias + j, load(bias + j) + sum);
  }
}

/** Task `task` of the second phase: one point of one group. */
void productTask(const WinogradWeight& f, const WinogradWeight::Own& own, int64_t block, int64_t chunk,
                 bool first, int64_t task) {
  const int64_t group = task / f.points, point = task % f.points;
  Product product;
  product.m = f.channels;
  product.depth = std::min(f.blockTiles, f.tiles - block * f.blockTiles);
  product.a = own.v + point * f.x.point + group * f.x.padded * f.blockTiles;
  product.aRow = f.aRow;
  product.aDepth = f.aDepth;
  product.cRow = f.cRow;
  product.accumulate = !first;
  const float* y = own.y + point * f.gy.point + group * f.padded * f.blockTiles;
  float* c = f.sums + chunk * f.sumFloats + point * f.sumPoint + group * f.channels * f.padded;
  for (int64_t j = 0; j < f.columns; j += kPanel) {
    product.n = std::min(kPanel, f.columns - j);
    product.panels = y + j * f.blockTiles;
    product.c = c + j;
    multiply(product);
    if (f.sumsBias && point == f.family.alpha + 1) {
      sumTiles(product.panels, product.depth, f.gy.width(j),
               f.biasSums + (chunk * f.g.groups + group) * f.padded + j);
    }
  }
}

// ---------------------------------------------------------------- the end

/** Adds up the chunks and writes gw, for a group's input channels [c, c + kBlockChannels). */
void finishBlock(const WinogradWeight& f, int64_t group, int64_t c, const Conv2dGradWeightArgs& args, float* gw) {
  constexpr int64_t kMost = WinogradWeight::kBlockChannels;
  alignas(64) float sum[kMostAlpha * kMostAlpha * kLanes], block[kMost * 25 * kLanes];
  const int64_t count = std::min(kMost, f.channels - c), taps = f.family.r * f.family.r;
  const ptrdiff_t* strides = args.gw.strides;
  for (int64_t o = 0; o < f.columns; o += kLanes) {
    for (int64_t i = 0; i < count; ++i) {
      const float* at = f.sums + (group * f.channels + c + i) * f.padded + o;
      for (int64_t p = 0; p < f.points; ++p, at += f.sumPoint) {
        vec total = load(at);
        for (int64_t chunk = 1; chunk < f.chunks; ++chunk) total += load(at + chunk * f.sumFloats);
        store(sum + p * kLanes, total);
      }
      f.family.result(sum, f.family.alpha * kLanes, kLanes, block + i * taps * kLanes, kLanes);
    }
    const int64_t outputs = std::min<int64_t>(kLanes, f.columns - o);
    for (int64_t j = 0; j < outputs; ++j) {
      float* to = gw + (group * f.columns + o + j) * strides[0] + c * strides[1];
      const float* from = block + j;
      for (int64_t i = 0; i < count; ++i) {
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

bool canTake(const ConvGeometry& g) {
  for (int axis = 0; axis < 2; ++axis) {
    if (g.stride[axis] != 1 || g.dilation[axis] != 1) return false;
  }
  return g.kernelSize[0] == g.kernelSize[1] && (g.kernelSize[0] == 3 || g.kernelSize[0] == 5);
}

}  // namespace

const char* conv2dGradWeightWinograd(const Conv2dGradWeightArgs& args, const Frame& frame) {
  if (!canTake(args.geometry)) {
    return "conv2dGradWeight: Winograd is for kernels of 3×3 and 5×5, stride 1 and dilation 1";
  }
  const WinogradWeight f(args, frame.at<float>(args.x), frame.at<float>(args.gy), frame.scratch,
                         frame.pool.threads());
  float* gw = frame.at<float>(args.gw);
  for (int64_t c = 0; c < f.channels; ++c) f.aRow[c] = c / kLine * kLine * f.blockTiles + c % kLine;
  ramp(f.aDepth, f.blockTiles, kLine);
  ramp(f.cRow, f.channels, f.padded);
  std::fill(f.biasSums, f.biasSums + f.chunks * f.g.groups * f.padded, 0.0f);
  if (f.blocks == 0) std::fill(f.sums, f.sums + f.sumFloats, 0.0f);

  const double work = 2.0 * static_cast<double>(f.points * f.tiles * f.g.groups * f.channels) *
                      static_cast<double>(f.padded);
  if (f.chunked()) {
    const auto sumChunk = [&](int chunk, int thread) {
      const WinogradWeight::Own own = f.own(thread);
      const int64_t begin = chunk * f.blocks / f.chunks, end = (chunk + 1) * f.blocks / f.chunks;
      for (int64_t block = begin; block < end; ++block) {
        for (int64_t task = 0; task < f.transforms(); ++task) transformTask(f, own, block, task);
        for (int64_t task = 0; task < f.products(); ++task) {
          productTask(f, own, block, chunk, block == begin, task);
        }
      }
    };
    if (f.blocks > 0) frame.pool.run(static_cast<int>(f.chunks), sumChunk, work);
  } else {
    const WinogradWeight::Own own = f.own(0);
    for (int64_t block = 0; block < f.blocks; ++block) {
      frame.pool.run(static_cast<int>(f.transforms()), [&](int task, int) { transformTask(f, own, block, task); });
      frame.pool.run(static_cast<int>(f.products()),
                     [&](int task, int) { productTask(f, own, block, 0, block == 0, task); });
    }
  }

  const int64_t inBlocks = divideUp(f.channels, WinogradWeight::kBlockChannels);
  const auto finish = [&](int task, int) {
    finishBlock(f, task / inBlocks, task % inBlocks * WinogradWeight::kBlockChannels, args, gw);
  };
  frame.pool.run(static_cast<int>(f.g.groups * inBlocks), finish, 8.0 * static_cast<double>(f.chunks * f.sumFloats));
  if (f.sumsBias) finishBias(f, frame.at<float>(args.gbias), args.gbias.strides[0]);
  return nullptr;
}

size_t conv2dGradWeightWinogradScratch(const Conv2dGradWeightArgs& args, int threads) {
  return canTake(args.geometry) ? WinogradWeight(args, nullptr, nullptr, nullptr, threads).bytes : 0;
}

}  // namespace fovea::FOVEA_ISA
