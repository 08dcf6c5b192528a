// conv2d: y = act(x ⋆ w + bias). A row of the product is an output pixel, its depth runs over the
// window (kernel row, kernel column, channel), its columns are a group's output channels.
#include <algorithm>
#include "conv_lanes.h"
#include "conv_pixels.h"
#include "winograd_conv.h"

namespace fovea::FOVEA_ISA {

namespace {

struct Forward {
  const ConvGeometry& g;
  int64_t channels, columns, depth;  // of one group: inputs, outputs, window
  Reader reader;
  int64_t extent;  // rows of the input under one row of results
  Tiling tiling;
  int64_t splits;  // of the panels, where there are too few pieces for the threads
  ptrdiff_t yChannel;

  // Scratch: shared by all tasks, then that of each thread.
  float *panels, *bias;
  ptrdiff_t *weightAt, *tapAt, *pixelAt, *resultAt, *stagingAt;
  char* threadScratch;
  size_t threadBytes, bytes;

  Forward(const Conv2dArgs& args, const float* x, char* scratch, int threads)
      : g(args.geometry),
        channels(g.inChannels / g.groups),
        columns(g.outChannels / g.groups),
        depth(channels * g.kernelSize[0] * g.kernelSize[1]),
        reader(imagesOf(args.x, x, g.inChannels, g.inSize), -g.padding[1],
               (g.outSize[1] - 1) * g.stride[1] + (g.kernelSize[1] - 1) * g.dilation[1] + 1 -
                   g.padding[1]),
        extent((g.kernelSize[0] - 1) * g.dilation[0] + 1),
        yChannel(channelStride(args.y, g.outChannels)) {
    const int64_t panelCount = divideUp(columns, kPanel);
    const int64_t wanted = threads == 1 ? 1 : 4 * threads;
    tiling = tile(g.batch, g.outSize[0], g.outSize[1], g.stride[0], extent,
                  reader.row, divideUp(wanted, panelCount));
    splits = std::clamp<int64_t>(divideUp(wanted, std::max<int64_t>(tiling.tasks(), 1)), 1, panelCount);

    const int64_t pixels = tiling.images * tiling.rows * g.outSize[1];
    Carver shared(scratch);
    panels = shared.take<float>(g.groups * depth * paddedColumns(columns));
    bias = shared.take<float>(g.groups * paddedColumns(columns));
    weightAt = shared.take<ptrdiff_t>(depth);
    tapAt = shared.take<ptrdiff_t>(depth);
    pixelAt = shared.take<ptrdiff_t>(pixels);
    resultAt = shared.take<ptrdiff_t>(pixels);
    stagingAt = shared.take<ptrdiff_t>(pixels);
    Carver own(nullptr);
    own.take<float>(bandFloats());
    own.take<float>(yChannel == 1 ? 0 : pixels * paddedColumns(columns));
    threadScratch = scratch + shared.used();
    threadBytes = own.used();
    bytes = shared.used() + static_cast<size_t>(threads) * threadBytes;
  }

  int64_t bandFloats() const {
    return tiling.images * inputRows(tiling.rows) * reader.row;
  }
  int64_t inputRows(int64_t rows) const { return (rows - 1) * g.stride[0] + extent; }
};

}  // namespace

const char* conv2d(const Conv2dArgs& args, const Frame& frame) {
  if (args.algorithm != kConvDirect) return conv2dWinograd(args, frame);
  if (conv2dInLanes(args)) return conv2dLanes(args, frame);
  if (conv2dHasFewPixels(args)) return conv2dFewPixels(args, frame);
  const ConvGeometry& g = args.geometry;
  const Forward f(args, frame.at<float>(args.x), frame.scratch, frame.pool.threads());
  if (g.batch == 0) return nullptr;
  const float* w = frame.at<float>(args.w);
  float* y = frame.at<float>(args.y);
  const int64_t padded = paddedColumns(f.columns), panelCount = divideUp(f.columns, kPanel);

  windowOffsets(f.weightAt, g.kernelSize, f.channels, args.w.strides[2], args.w.strides[3],
                args.w.strides[1]);
  windowOffsets(f.tapAt, g.kernelSize, f.channels, g.dilation[0] * f.reader.row,
                g.dilation[1] * f.reader.column, 1);
  const Tiling& t = f.tiling;
  const int64_t inputRows = f.inputRows(t.rows);
  pixelOffsets(f.pixelAt, t.images, t.rows, g.outSize[1], inputRows * f.reader.row,
               g.stride[0] * f.reader.row, g.stride[1] * f.reader.column);
  pixelOffsets(f.resultAt, t.images, t.rows, g.outSize[1], args.y.strides[0], args.y.strides[2],
               args.y.strides[3]);
  if (f.yChannel != 1) ramp(f.stagingAt, t.images * t.rows * g.outSize[1], padded);
  if (const float* bias = frame.at<float>(args.bias)) {
    for (int64_t group = 0; group < g.groups; ++group) {
      for (int64_t j = 0; j < padded; ++j) {
        f.bias[group * padded + j] =
            j < f.columns ? bias[(group * f.columns + j) * args.bias.strides[0]] : 0;
      }
    }
  }
  frame.pool.run(
      static_cast<int>(g.groups * panelCount),
      [&](int task, int) {
        const int64_t group = task / panelCount, panel = task % panelCount;
        packPanels(f.panels + group * f.depth * padded, f.columns, f.depth,
                   w + group * f.columns * args.w.strides[0], f.weightAt, args.w.strides[0], panel,
                   panel + 1);
      },
      8.0 * static_cast<double>(g.outChannels * f.depth));

  const auto convolve = [&](int task, int thread) {
    const Piece piece = pieceOf(t, g.batch, g.outSize[0], task / f.splits);
    const int64_t split = task % f.splits;
    const int64_t first = split * panelCount / f.splits * kPanel;
    const int64_t last = std::min((split + 1) * panelCount / f.splits * kPanel, f.columns);
    Carver own(f.threadScratch + static_cast<size_t>(thread) * f.threadBytes);
    float* band = own.take<float>(f.bandFloats());
    float* staging = own.take<float>(0);
    f.reader.read(band, piece.image, piece.images, piece.row * g.stride[0] - g.padding[0],
                  f.inputRows(piece.rows));
    float* to = y + piece.image * args.y.strides[0] + piece.row * args.y.strides[2];

    for (int64_t group = 0; group < g.groups; ++group) {
      Product product;
      product.m = piece.images * piece.rows * g.outSize[1];
      product.n = last - first;
      product.depth = f.depth;
      product.a = band + group * f.channels;
      product.aRow = f.pixelAt;
      product.aDepth = f.tapAt;
      product.panels = f.panels + (group * padded + first) * f.depth;
      product.bias = args.bias.buffer < 0 ? nullptr : f.bias + group * padded + first;
      product.relu = args.activation == kRelu;
      float* channel = to + (group * f.columns + first) * f.yChannel;
      product.c = f.yChannel == 1 ? channel : staging;
      product.cRow = f.yChannel == 1 ? f.resultAt : f.stagingAt;
      multiply(product);
      if (f.yChannel != 1) {
        scatter(staging, product.m, product.n, padded, channel, f.resultAt, f.yChannel);
      }
    }
  };
  frame.pool.run(static_cast<int>(t.tasks() * f.splits), convolve, workOf(g));
  return nullptr;
}

size_t conv2dScratch(const Conv2dArgs& args, int threads) {
  if (args.algorithm != kConvDirect) return conv2dWinogradScratch(args, threads);
  if (conv2dInLanes(args)) return conv2dLanesScratch(args, threads);
  if (conv2dHasFewPixels(args)) return conv2dFewPixelsScratch(args, threads);
  return Forward(args, nullptr, nullptr, threads).bytes;
}

}  // namespace fovea::FOVEA_ISA
