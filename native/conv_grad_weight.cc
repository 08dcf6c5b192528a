// conv2dGradWeight: gw[o, c, i, j] = Σ over images and output pixels of gy[pixel, o] · x[window of
// pixel, at (i, j, c)]. The forward product turned round: a row is an element of the window, the
// depth runs over pixels, the columns are a group's output channels.
//
// The depth is long and the result small, so the batch is cut into chunks that are summed each on
// its own and then added up in their order. Their number follows from the shape alone, and so do
// the bits of the result.
#include <algorithm>
#include "conv_direct.h"
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
  const Conv2dGradWeightArgs& args;
  const ConvGeometry& g;
  int64_t channels, window;  // of one group: inputs, elements of a window
  Panels columns;            // a group's outputs
  Windows windows;
  Tiling pieces;
  int64_t sumFloats;  // of one chunk: [group][window][padded columns]
  int64_t chunks, splits;
  ptrdiff_t gyChannel;
  bool sumsBias;

  // Scratch: shared by all tasks, then that of each thread.
  float *sums, *biasSums;  // biasSums of a chunk: [group][padded columns]
  ptrdiff_t *tapAt, *sumAt, *weightAt, *pixelAt, *gyAt;
  ScratchBytes bytes;

  GradWeight(const Conv2dGradWeightArgs& args, const float* x, char* scratch, int threads)
      : args(args),
        g(args.geometry),
        channels(g.inChannels / g.groups),
        window(channels * g.kernelSize[0] * g.kernelSize[1]),
        columns(g.outChannels / g.groups),
        windows(g, args.x, x),
        pieces(g.batch, g.outSize[0], g.outSize[1], g.stride[0], windows.extent, windows.reader.row, kMostChunks),
        sumFloats(g.groups * window * columns.padded()),
        chunks(cut()),
        splits(threads == 1 ? 1 : std::clamp<int64_t>(divideUp(2 * threads, chunks), 1, columns.count)),
        gyChannel(channelStride(args.gy, g.outChannels)),
        sumsBias(args.gbias.buffer >= 0) {
    Carver shared(scratch);
    sums = shared.take<float>(chunks * sumFloats);
    biasSums = shared.take<float>(sumsBias ? chunks * biasFloats() : 0);
    tapAt = shared.take<ptrdiff_t>(window);
    sumAt = shared.take<ptrdiff_t>(window);
    weightAt = shared.take<ptrdiff_t>(window);
    pixelAt = shared.take<ptrdiff_t>(pixels());
    gyAt = shared.take<ptrdiff_t>(pixels());
    Carver own(nullptr);
    Own(own, *this);
    bytes = {shared.used(), own.used()};
  }

  int64_t cut() const {
    int64_t count = 1;
    while (count < kMostChunks && count * 2 <= pieces.count() && count * 2 * sumFloats <= kChunkFloats &&
           count * 2 * kChunkPixels <= g.batch * g.outSize[0] * g.outSize[1]) {
      count *= 2;
    }
    return count;
  }
  /** Of a whole piece. */
  int64_t pixels() const { return pieces.images * pieces.rows * g.outSize[1]; }
  int64_t biasFloats() const { return g.groups * columns.padded(); }
  /** Chunks that have a sum: none of a batch without images. */
  int64_t summed() const { return pieces.count() > 0 ? chunks : 0; }

  static constexpr int64_t kBlockChannels = 16;
  struct Own {
    float *band, *panels, *block;
    Own(Carver& carver, const GradWeight& f) {
      band = carver.take<float>(f.windows.bandFloats(f.pieces));
      panels = carver.take<float>(f.pixels() * f.columns.padded());
      block = carver.take<float>(kLanes * kBlockChannels * f.g.kernelSize[0] * f.g.kernelSize[1]);
    }
  };

  void fillTables() const {
    const int64_t *gw = args.gw.strides, *gy = args.gy.strides;
    windows.tapOffsets(tapAt);
    windowOffsets(weightAt, g.kernelSize, channels, gw[2], gw[3], gw[1]);
    ramp(sumAt, window, columns.padded());
    windows.pixelOffsets(pixelAt, pieces);
    pixelOffsets(gyAt, pieces.images, pieces.rows, g.outSize[1], gy[0], gy[2], gy[3]);
  }

  void sumChunk(const float* gy, int64_t chunk, int64_t split, char* scratch) const;
  void finishBlock(int64_t group, int64_t o, int64_t c, float* block, float* gw) const;
  void finishColumns(int64_t group, int64_t o, float* gw, char* scratch) const;
  void finishBias(float* gbias) const;
};

/** Sums a chunk, every piece in its order, for a range of the panels. */
void GradWeight::sumChunk(const float* gy, int64_t chunk, int64_t split, char* scratch) const {
  Carver carver(scratch);
  const Own own(carver, *this);
  const int64_t firstPanel = split * columns.count / splits, lastPanel = (split + 1) * columns.count / splits;
  const int64_t begin = chunk * pieces.count() / chunks, end = (chunk + 1) * pieces.count() / chunks;
  for (int64_t index = begin; index < end; ++index) {
    const Piece piece = pieces[index];
    windows.read(own.band, piece);
    const float* from = gy + piece.image * args.gy.strides[0] + piece.row * args.gy.strides[2];
    for (int64_t group = 0; group < g.groups; ++group) {
      Product product;
      product.m = window;
      product.depth = piece.images * piece.rows * g.outSize[1];
      product.a = own.band + group * channels;
      product.aRow = tapAt;
      product.aDepth = pixelAt;
      product.b = own.panels;
      product.c = sums + chunk * sumFloats + group * window * columns.padded();
      product.cRow = sumAt;
      product.isFar = product.accumulate = index > begin;
      packPanels(own.panels, columns, product.depth, from + group * columns.columns * gyChannel, gyAt, gyChannel,
                 firstPanel, lastPanel);
      multiply(product, columns, firstPanel, lastPanel);
      for (int64_t panel = firstPanel; sumsBias && panel < lastPanel; ++panel) {
        const int64_t start = columns.start(panel);
        sumPanel(own.panels + start * product.depth, columns.width(panel), product.depth, index > begin,
                 biasSums + chunk * biasFloats() + group * columns.padded() + start);
      }
    }
  }
}

/** Adds up the chunks and writes gw, for kLanes output and kBlockChannels input channels. */
void GradWeight::finishBlock(int64_t group, int64_t o, int64_t c, float* block, float* gw) const {
  const int64_t taps = g.kernelSize[0] * g.kernelSize[1], count = std::min(kBlockChannels, channels - c);
  const float* from = sums + group * window * columns.padded() + o;
  for (int64_t tap = 0; tap < taps; ++tap) {
    for (int64_t i = 0; i < count; ++i) {
      const float* at = from + (tap * channels + c + i) * columns.padded();
      vec sum{};
      if (summed() > 0) sum = load(at);
      for (int64_t chunk = 1; chunk < summed(); ++chunk) sum += load(at + chunk * sumFloats);
      store(block + (tap * count + i) * kLanes, sum);
    }
  }
  const int64_t outputs = std::min<int64_t>(kLanes, columns.columns - o);
  for (int64_t j = 0; j < outputs; ++j) {
    float* to = gw + (group * columns.columns + o + j) * args.gw.strides[0];
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t tap = 0; tap < taps; ++tap) {
        to[weightAt[tap * channels + c + i]] = block[(tap * count + i) * kLanes + j];
      }
    }
  }
}

/** The same for all input channels. */
void GradWeight::finishColumns(int64_t group, int64_t o, float* gw, char* scratch) const {
  Carver carver(scratch);
  const Own own(carver, *this);
  for (int64_t c = 0; c < channels; c += kBlockChannels) finishBlock(group, o, c, own.block, gw);
}

void GradWeight::finishBias(float* gbias) const {
  for (int64_t o = 0; o < g.outChannels; ++o) {
    const float* at = biasSums + o / columns.columns * columns.padded() + o % columns.columns;
    float sum = 0;
    for (int64_t chunk = 0; chunk < summed(); ++chunk) sum += at[chunk * biasFloats()];
    gbias[o * args.gbias.strides[0]] = sum;
  }
}

}  // namespace

const char* conv2dGradWeight(const Conv2dGradWeightArgs& args, const Frame& frame) {
  if (args.algorithm != kConvDirect) return conv2dGradWeightWinograd(args, frame);
  if (conv2dGradWeightInLanes(args)) return conv2dGradWeightLanes(args, frame);
  const GradWeight f(args, frame.at<float>(args.x), frame.scratch, frame.pool.threads());
  const float* gy = frame.at<float>(args.gy);
  float* gw = frame.at<float>(args.gw);
  f.fillTables();
  frame.pool.run(
      static_cast<int>(f.summed() * f.splits),
      [&](int task, int thread) { f.sumChunk(gy, task / f.splits, task % f.splits, frame.own(thread)); }, workOf(f.g));
  const int64_t blocks = divideUp(f.columns.columns, kLanes);
  frame.pool.run(
      static_cast<int>(f.g.groups * blocks),
      [&](int task, int thread) { f.finishColumns(task / blocks, task % blocks * kLanes, gw, frame.own(thread)); },
      4.0 * static_cast<double>(f.chunks * f.sumFloats));
  if (f.sumsBias) f.finishBias(frame.at<float>(args.gbias));
  return nullptr;
}

ScratchBytes conv2dGradWeightScratch(const Conv2dGradWeightArgs& args, int threads) {
  if (args.algorithm != kConvDirect) return conv2dGradWeightWinogradScratch(args, threads);
  if (conv2dGradWeightInLanes(args)) return conv2dGradWeightLanesScratch(args, threads);
  return GradWeight(args, nullptr, nullptr, threads).bytes;
}

}  // namespace fovea::FOVEA_ISA
