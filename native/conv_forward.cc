// conv2d: y = act(x ⋆ w + bias). A row of the product is an output pixel, its depth runs over the
// window (kernel row, kernel column, channel), its columns are a group's output channels.
#include "conv_direct.h"
#include "conv_lanes.h"
#include "conv_pixels.h"
#include "winograd_conv.h"

namespace fovea::FOVEA_ISA {

namespace {

struct Forward {
  const Conv2dArgs& args;
  const ConvGeometry& g;
  int64_t channels, depth;  // of one group: inputs, elements of a window
  Panels columns;           // a group's outputs
  Windows windows;
  Tasks tasks;
  ptrdiff_t yChannel;

  // Scratch: shared by all tasks, then that of each thread.
  float *weights, *bias;  // [group][depth or 1][padded columns], as panels
  ptrdiff_t *weightAt, *tapAt, *pixelAt, *resultAt, *stagingAt;
  ScratchBytes bytes;

  Forward(const Conv2dArgs& args, const float* x, char* scratch, int threads)
      : args(args),
        g(args.geometry),
        channels(g.inChannels / g.groups),
        depth(channels * g.kernelSize[0] * g.kernelSize[1]),
        columns(g.outChannels / g.groups),
        windows(g, args.x, x),
        tasks(threads, columns, g.batch, g.outSize[0], g.outSize[1], g.stride[0], windows.extent,
              windows.reader.row),
        yChannel(channelStride(args.y, g.outChannels)) {
    Carver shared(scratch);
    weights = shared.take<float>(g.groups * depth * columns.padded());
    bias = shared.take<float>(g.groups * columns.padded());
    weightAt = shared.take<ptrdiff_t>(depth);
    tapAt = shared.take<ptrdiff_t>(depth);
    pixelAt = shared.take<ptrdiff_t>(pixels());
    resultAt = shared.take<ptrdiff_t>(pixels());
    stagingAt = shared.take<ptrdiff_t>(pixels());
    Carver own(nullptr);
    Own(own, *this);
    bytes = {shared.used(), own.used()};
  }

  /** Of a whole piece. */
  int64_t pixels() const { return tasks.pieces.images * tasks.pieces.rows * g.outSize[1]; }

  struct Own {
    float *band, *staging;
    Own(Carver& carver, const Forward& f) {
      band = carver.take<float>(f.windows.bandFloats(f.tasks.pieces));
      staging = carver.take<float>(f.yChannel == 1 ? 0 : f.pixels() * f.columns.padded());
    }
  };

  void fillTables(const float* biases) const {
    const int64_t *w = args.w.strides, *y = args.y.strides;
    const Tiling& t = tasks.pieces;
    windowOffsets(weightAt, g.kernelSize, channels, w[2], w[3], w[1]);
    windows.tapOffsets(tapAt);
    windows.pixelOffsets(pixelAt, t);
    pixelOffsets(resultAt, t.images, t.rows, g.outSize[1], y[0], y[2], y[3]);
    ramp(stagingAt, pixels(), columns.padded());
    if (!biases) return;
    for (int64_t j = 0; j < g.groups * columns.padded(); ++j) {
      const int64_t group = j / columns.padded(), column = j % columns.padded();
      bias[j] = column < columns.columns ? biases[(group * columns.columns + column) * args.bias.strides[0]] : 0;
    }
  }

  void packWeights(const float* w, int64_t group, int64_t panel) const {
    const ptrdiff_t column = args.w.strides[0];
    packPanels(weights + group * depth * columns.padded(), columns, depth, w + group * columns.columns * column,
               weightAt, column, panel, panel + 1);
  }

  void convolve(float* y, int task, char* scratch) const {
    Carver carver(scratch);
    const Own own(carver, *this);
    const Piece piece = tasks.piece(task);
    windows.read(own.band, piece);
    y += piece.image * args.y.strides[0] + piece.row * args.y.strides[2];
    for (int64_t group = 0; group < g.groups; ++group) {
      Product product;
      product.m = piece.images * piece.rows * g.outSize[1];
      product.depth = depth;
      product.a = own.band + group * channels;
      product.aRow = pixelAt;
      product.aDepth = tapAt;
      product.b = weights + group * depth * columns.padded();
      product.bias = args.bias.buffer < 0 ? nullptr : bias + group * columns.padded();
      product.relu = args.activation == kRelu;
      const Pixels to = {y + group * columns.columns * yChannel, resultAt, yChannel, own.staging, stagingAt};
      multiplyInto(to, product, columns, tasks.first(task), tasks.last(task));
    }
  }
};

}  // namespace

const char* conv2d(const Conv2dArgs& args, const Frame& frame) {
  if (args.algorithm != kConvDirect) return conv2dWinograd(args, frame);
  if (conv2dInLanes(args)) return conv2dLanes(args, frame);
  if (conv2dHasFewPixels(args)) return conv2dFewPixels(args, frame);
  const Forward f(args, frame.at<float>(args.x), frame.scratch, frame.pool.threads());
  if (f.g.batch == 0) return nullptr;
  const float* w = frame.at<float>(args.w);
  float* y = frame.at<float>(args.y);
  f.fillTables(frame.at<float>(args.bias));
  const int64_t panels = f.columns.count;
  frame.pool.run(
      static_cast<int>(f.g.groups * panels),
      [&](int task, int) { f.packWeights(w, task / panels, task % panels); },
      8.0 * static_cast<double>(f.g.outChannels * f.depth));
  frame.pool.run(
      static_cast<int>(f.tasks.count()), [&](int task, int thread) { f.convolve(y, task, frame.own(thread)); }, workOf(f.g));
  return nullptr;
}

ScratchBytes conv2dScratch(const Conv2dArgs& args, int threads) {
  if (args.algorithm != kConvDirect) return conv2dWinogradScratch(args, threads);
  if (conv2dInLanes(args)) return conv2dLanesScratch(args, threads);
  if (conv2dHasFewPixels(args)) return conv2dFewPixelsScratch(args, threads);
  return Forward(args, nullptr, nullptr, threads).bytes;
}

}  // namespace fovea::FOVEA_ISA
