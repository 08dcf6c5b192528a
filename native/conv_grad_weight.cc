// conv2dGradWeight: gw[o, c, i, j] = Σ over images and output pixels of gy[pixel, o] · x[window of
// pixel, at (i, j, c)]. The forward product turned round: a row is an element of the window, the
// depth runs over pixels, the columns are a group's output channels.
//
// The depth is long and the result small, so the batch is cut into chunks that are summed each on
// its own and then added up in their order. Their number follows from the shape alone, and so do
// the bits of the result.
#include <algorithm>
#include "conv_lanes.h"
#include "winograd_weight.h"

namespace fovea::FOVEA_ISA {

namespace {

constexpr int64_t kMostChunks = 16;
/** Floats that all the chunks' sums together may take, unless one alone takes more. */
constexpr int64_t kChunkFloats = 6 << 20;
/** Pixels that a chunk should sum at least, to be worth adding up. */
constexpr int64_t kChunkPixels = 1024;

struct GradWeight {
  const ConvGeometry& g;
  int64_t channels, columns, window;  // of one group: inputs, outputs, elements of a window
  Reader reader;
  int64_t extent;
  Tiling tiling;
  int64_t chunks, splits;
  int64_t sumFloats;  // of one chunk: [group][window][padded columns]
  ptrdiff_t gyChannel;
  bool sumsBias;

  float *sums, *biasSums;  // biasSums of a chunk: [group][padded columns]
  ptrdiff_t *tapAt, *sumAt, *weightAt, *pixelAt, *gyAt;
  char* threadScratch;
  size_t threadBytes, bytes;

  GradWeight(const Conv2dGradWeightArgs& args, const float* x, char* scratch, int threads)
      : g(args.geometry),
        channels(g.inChannels / g.groups),
        columns(g.outChannels / g.groups),
        window(channels * g.kernelSize[0] * g.kernelSize[1]),
        reader(imagesOf(args.x, x, g.inChannels, g.inSize), -g.padding[1],
               (g.outSize[1] - 1) * g.stride[1] + (g.kernelSize[1] - 1) * g.dilation[1] + 1 -
                   g.padding[1]),
        extent((g.kernelSize[0] - 1) * g.dilation[0] + 1),
        gyChannel(channelStride(args.gy, g.outChannels)),
        sumsBias(args.gbias.buffer >= 0) {
    tiling = tile(g.batch, g.outSize[0], g.outSize[1], g.stride[0], extent,
                  reader.row, kMostChunks);
    sumFloats = g.groups * window * paddedColumns(columns);
    chunks = 1;
    while (chunks < kMostChunks && chunks * 2 <= tiling.tasks() &&
           chunks * 2 * sumFloats <= kChunkFloats &&
           chunks * 2 * kChunkPixels <= g.batch * g.outSize[0] * g.outSize[1]) {
      chunks *= 2;
    }
    const int64_t panelCount = divideUp(columns, kPanel);
    splits = std::clamp<int64_t>(divideUp(2 * threads, chunks), 1, panelCount);
    if (threads == 1) splits = 1;

    const int64_t pixels = tiling.images * tiling.rows * g.outSize[1];
    Carver shared(scratch);
    sums = shared.take<float>(chunks * sumFloats);
    biasSums = shared.take<float>(sumsBias ? chunks * biasFloats() : 0);
    tapAt = shared.take<ptrdiff_t>(window);
    sumAt = shared.take<ptrdiff_t>(window);
    weightAt = shared.take<ptrdiff_t>(window);
    pixelAt = shared.take<ptrdiff_t>(pixels);
    gyAt = shared.take<ptrdiff_t>(pixels);
    threadScratch = scratch + shared.used();
    Carver own(nullptr);
    Own(own, *this);
    threadBytes = own.used();
    bytes = shared.used() + static_cast<size_t>(threads) * threadBytes;
  }

  int64_t inputRows(int64_t rows) const { return (rows - 1) * g.stride[0] + extent; }
  int64_t biasFloats() const { return g.groups * paddedColumns(columns); }

  struct Own {
    float *band, *panels, *block;
    Own(Carver& carver, const GradWeight& f) {
      const int64_t pixels = f.tiling.images * f.tiling.rows * f.g.outSize[1];
      band = carver.take<float>(f.tiling.images * f.inputRows(f.tiling.rows) * f.reader.row);
      panels = carver.take<float>(pixels * paddedColumns(f.columns));
      block = carver.take<float>(kLanes * kBlockChannels * f.g.kernelSize[0] * f.g.kernelSize[1]);
    }
  };

  static constexpr int64_t kBlockChannels = 16;
};

/** sums[j] (+)= Σ of column j of panels [first, last), packed from a matrix of n columns. */
void sumPanels(const float* panels, int64_t n, int64_t depth, int64_t first, int64_t last, bool accumulate,
               float* sums) {
  for (int64_t panel = first; panel < last; ++panel) {
    const int64_t j = panel * kPanel, width = paddedColumns(std::min(kPanel, n - j));
    const float* from = panels + j * depth;
    for (int64_t v = 0; v < width; v += kLanes) {
      vec sum[4] = {};  // as many additions at once as the adders take
      int64_t k = 0;
      for (; k + 4 <= depth; k += 4) {
        unroll<4>([&](auto i) { sum[i] += load(from + (k + i) * width + v); });
      }
      for (; k < depth; ++k) sum[0] += load(from + k * width + v);
      const vec all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
      store(sums + j + v, accumulate ? load(sums + j + v) + all : all);
    }
  }
}

/** Adds up the chunks' sums of the bias and writes them. */
void finishBias(const GradWeight& f, int64_t group, float* gbias, ptrdiff_t step) {
  const float* sums = f.biasSums + group * paddedColumns(f.columns);
  for (int64_t o = 0; o < f.columns; ++o) {
    float sum = 0;
    for (int64_t chunk = 0; chunk < (f.tiling.tasks() > 0 ? f.chunks : 0); ++chunk) {
      sum += sums[chunk * f.biasFloats() + o];
    }
    gbias[(group * f.columns + o) * step] = sum;
  }
}

/** Adds up the chunks and writes gw, for kLanes output and kBlockChannels input channels. */
void finishBlock(const GradWeight& f, int64_t group, int64_t o, int64_t c, float* block, float* gw,
                 ptrdiff_t gwColumn) {
  const int64_t taps = f.g.kernelSize[0] * f.g.kernelSize[1];
  const int64_t padded = paddedColumns(f.columns);
  const int64_t channels = std::min(GradWeight::kBlockChannels, f.channels - c);
  const float* sums = f.sums + group * f.window * padded + o;
  for (int64_t tap = 0; tap < taps; ++tap) {
    for (int64_t i = 0; i < channels; ++i) {
      const float* at = sums + (tap * f.channels + c + i) * padded;
      vec sum{};
      if (f.tiling.tasks() > 0) sum = load(at);
      for (int64_t chunk = 1; chunk < f.chunks; ++chunk) sum += load(at + chunk * f.sumFloats);
      store(block + (tap * channels + i) * kLanes, sum);
    }
  }
  const int64_t outputs = std::min<int64_t>(kLanes, f.columns - o);
  for (int64_t j = 0; j < outputs; ++j) {
    float* to = gw + (group * f.columns + o + j) * gwColumn;
    for (int64_t i = 0; i < channels; ++i) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        to[f.weightAt[tap * f.channels + c + i]] = block[(tap * channels + i) * kLanes + j];
      }
    }
  }
}

}  // namespace

const char* conv2dGradWeight(const Conv2dGradWeightArgs& args, const Frame& frame) {
  if (args.algorithm != kConvDirect) return conv2dGradWeightWinograd(args, frame);
  if (conv2dGradWeightInLanes(args)) return conv2dGradWeightLanes(args, frame);
  const ConvGeometry& g = args.geometry;
  const GradWeight f(args, frame.at<float>(args.x), frame.scratch, frame.pool.threads());
  const float* gy = frame.at<float>(args.gy);
  float* gw = frame.at<float>(args.gw);
  const int64_t padded = paddedColumns(f.columns), panelCount = divideUp(f.columns, kPanel);
  const Tiling& t = f.tiling;

  windowOffsets(f.tapAt, g.kernelSize, f.channels, g.dilation[0] * f.reader.row,
                g.dilation[1] * f.reader.column, 1);
  windowOffsets(f.weightAt, g.kernelSize, f.channels, args.gw.strides[2], args.gw.strides[3],
                args.gw.strides[1]);
  ramp(f.sumAt, f.window, padded);
  pixelOffsets(f.pixelAt, t.images, t.rows, g.outSize[1], f.inputRows(t.rows) * f.reader.row,
               g.stride[0] * f.reader.row, g.stride[1] * f.reader.column);
  pixelOffsets(f.gyAt, t.images, t.rows, g.outSize[1], args.gy.strides[0], args.gy.strides[2],
               args.gy.strides[3]);

  // Chunk by chunk, every piece in its order; a split is a range of the panels.
  const auto sumChunk = [&](int task, int thread) {
    const int64_t chunk = task / f.splits, split = task % f.splits;
    const int64_t firstPanel = split * panelCount / f.splits;
    const int64_t lastPanel = (split + 1) * panelCount / f.splits;
    const int64_t first = firstPanel * kPanel, last = std::min(lastPanel * kPanel, f.columns);
    Carver carver(f.threadScratch + static_cast<size_t>(thread) * f.threadBytes);
    const GradWeight::Own own(carver, f);
    const int64_t begin = chunk * t.tasks() / f.chunks, end = (chunk + 1) * t.tasks() / f.chunks;
    for (int64_t index = begin; index < end; ++index) {
      const Piece piece = pieceOf(t, g.batch, g.outSize[0], index);
      f.reader.read(own.band, piece.image, piece.images, piece.row * g.stride[0] - g.padding[0],
                    f.inputRows(piece.rows));
      const float* from = gy + piece.image * args.gy.strides[0] + piece.row * args.gy.strides[2];
      for (int64_t group = 0; group < g.groups; ++group) {
        Product product;
        product.m = f.window;
        product.n = last - first;
        product.depth = piece.images * piece.rows * g.outSize[1];
        product.a = own.band + group * f.channels;
        product.aRow = f.tapAt;
        product.aDepth = f.pixelAt;
        packPanels(own.panels, f.columns, product.depth, from + group * f.columns * f.gyChannel,
                   f.gyAt, f.gyChannel, firstPanel, lastPanel);
        product.panels = own.panels + first * product.depth;
        if (f.sumsBias) {
          sumPanels(own.panels, f.columns, product.depth, firstPanel, lastPanel, index > begin,
                    f.biasSums + chunk * f.biasFloats() + group * padded);
        }
        product.c = f.sums + chunk * f.sumFloats + group * f.window * padded + first;
        product.cRow = f.sumAt;
        product.accumulate = index > begin;
        multiply(product);
      }
    }
  };
  if (t.tasks() > 0) frame.pool.run(static_cast<int>(f.chunks * f.splits), sumChunk, workOf(g));

  const int64_t outBlocks = divideUp(f.columns, kLanes);
  const int64_t inBlocks = divideUp(f.channels, GradWeight::kBlockChannels);
  const auto finish = [&](int task, int thread) {
    Carver carver(f.threadScratch + static_cast<size_t>(thread) * f.threadBytes);
    const GradWeight::Own own(carver, f);
    const int64_t group = task / outBlocks, o = task % outBlocks * kLanes;
    for (int64_t c = 0; c < inBlocks; ++c) {
      finishBlock(f, group, o, c * GradWeight::kBlockChannels, own.block, gw, args.gw.strides[0]);
    }
  };
  frame.pool.run(static_cast<int>(g.groups * outBlocks), finish,
                 4.0 * static_cast<double>(f.chunks * f.sumFloats));
  if (f.sumsBias) {
    float* gbias = frame.at<float>(args.gbias);
    for (int64_t group = 0; group < g.groups; ++group) finishBias(f, group, gbias, args.gbias.strides[0]);
  }
  return nullptr;
}

size_t conv2dGradWeightScratch(const Conv2dGradWeightArgs& args, int threads) {
  if (args.algorithm != kConvDirect) return conv2dGradWeightWinogradScratch(args, threads);
  if (conv2dGradWeightInLanes(args)) return conv2dGradWeightLanesScratch(args, threads);
  return GradWeight(args, nullptr, nullptr, threads).bytes;
}

}  // namespace fovea::FOVEA_ISA
