// conv2d and conv2dGradInput by Winograd's minimal filtering, as one correlation: the gradient of the input is
// that of the result's gradient with the filters flipped and transposed, and a padding of r − 1 − p.
#include "winograd_conv.h"
#include <algorithm>
#include "winograd.h"
#include "winograd_correlation.h"

namespace fovea::FOVEA_ISA {

namespace {

Correlation correlationOf(const Conv2dArgs& args, const Frame* frame) {
  const ConvGeometry& g = args.geometry;
  Correlation c{};
  c.batch = g.batch, c.groups = g.groups;
  c.channels = g.inChannels / g.groups, c.columns = g.outChannels / g.groups;
  std::copy(g.padding, g.padding + 2, c.padding);
  c.result = frame ? frame->at<float>(args.y) : nullptr;
  c.in = imagesOf(args.x, frame ? frame->at<float>(args.x) : nullptr, g.inChannels, g.inSize);
  c.out = imagesOf(args.y, c.result, g.outChannels, g.outSize);
  c.w = frame ? frame->at<float>(args.w) : nullptr;
  c.wGroup = c.columns * args.w.strides[0];
  c.wColumn = args.w.strides[0], c.wChannel = args.w.strides[1];
  c.wRow = args.w.strides[2], c.wTap = args.w.strides[3];
  c.bias = frame ? frame->at<float>(args.bias) : nullptr;
  c.biasStride = args.bias.strides[0];
  c.relu = args.activation == kRelu;
  return c;
}

Correlation correlationOf(const Conv2dGradInputArgs& args, const Frame* frame) {
  const ConvGeometry& g = args.geometry;
  static const float someMask = 0;  // for measuring: all that counts is that there is one
  Correlation c{};
  c.batch = g.batch, c.groups = g.groups;
  c.channels = g.outChannels / g.groups, c.columns = g.inChannels / g.groups;
  for (int axis = 0; axis < 2; ++axis) c.padding[axis] = g.kernelSize[axis] - 1 - g.padding[axis];
  c.result = frame ? frame->at<float>(args.gx) : nullptr;
  c.in = imagesOf(args.gy, frame ? frame->at<float>(args.gy) : nullptr, g.outChannels, g.outSize);
  c.out = imagesOf(args.gx, c.result, g.inChannels, g.inSize);
  if (args.mask.buffer >= 0) {
    c.mask = imagesOf(args.mask, frame ? frame->at<float>(args.mask) : &someMask, g.inChannels, g.inSize);
  }
  c.w = frame ? frame->at<float>(args.w) : nullptr;
  c.wGroup = c.channels * args.w.strides[0];
  c.wColumn = args.w.strides[1], c.wChannel = args.w.strides[0];
  c.wRow = args.w.strides[2], c.wTap = args.w.strides[3];
  c.isFlipped = true;
  return c;
}

template <class Args>
const TileTransforms& transformsOf(const Args& args) {
  return tileTransforms(args.algorithm, args.geometry.kernelSize[0]);
}

template <class Args>
const char* run(const Args& args, const Frame& frame) {
  if (!takesWinograd(args.geometry)) return kNotForWinograd;
  correlate(correlationOf(args, &frame), transformsOf(args), frame);
  return nullptr;
}

template <class Args>
ScratchBytes scratchOf(const Args& args, int threads) {
  if (!takesWinograd(args.geometry)) return {};
  return correlateScratch(correlationOf(args, nullptr), transformsOf(args), threads);
}

}  // namespace

const char* conv2dWinograd(const Conv2dArgs& args, const Frame& frame) { return run(args, frame); }
ScratchBytes conv2dWinogradScratch(const Conv2dArgs& args, int threads) { return scratchOf(args, threads); }

const char* conv2dGradInputWinograd(const Conv2dGradInputArgs& args, const Frame& frame) {
  return run(args, frame);
}
ScratchBytes conv2dGradInputWinogradScratch(const Conv2dGradInputArgs& args, int threads) {
  return scratchOf(args, threads);
}

}  // namespace fovea::FOVEA_ISA
