#include "windows.h"
#include <algorithm>
#include <utility>

namespace fovea::bench {

namespace {

int64_t channels() { return oneIn(3) ? 1 : oneIn(4) ? between(30, 70) : between(1, 20); }

/** Squares of `side` with stride 1 and output of as many pixels as `inSize` leaves. */
void setWinogradAxis(ConvGeometry& g, int axis, int64_t side, int64_t inSize) {
  g.kernelSize[axis] = side, g.stride[axis] = g.dilation[axis] = 1;
  g.inSize[axis] = inSize, g.outSize[axis] = inSize + 2 * g.padding[axis] - side + 1;
}

void makeWinograd(ConvGeometry& g) {
  const int64_t side = oneIn(2) ? 3 : 5;
  for (int axis = 0; axis < 2; ++axis) {
    setWinogradAxis(g, axis, side, between(std::max<int64_t>(1, side - 2 * g.padding[axis]), 24));
  }
  if (oneIn(20)) {  // so many tiles that the weight gradient is summed in chunks
    g.batch = 2, g.groups = 1, g.inChannels = between(1, 3), g.outChannels = between(1, 3);
    for (int axis = 0; axis < 2; ++axis) {
      g.padding[axis] = 1;
      setWinogradAxis(g, axis, side, between(136, 142));
    }
  }
  if (oneIn(10)) {  // several blocks of the depth, and more columns than are held at once
    g.batch = g.groups = 1;
    g.inChannels = between(1, 20), g.outChannels = between(100, 300);
    if (oneIn(2)) std::swap(g.inChannels, g.outChannels);
    for (int axis = 0; axis < 2; ++axis) {
      g.padding[axis] = 1;
      setWinogradAxis(g, axis, side, between(side - 2, 6));
    }
  }
}

bool readsNothing(const PoolGeometry& g) {
  for (int64_t row = 0; row < g.outSize[0]; ++row) {
    for (int64_t column = 0; column < g.outSize[1]; ++column) {
      int taps = 0;
      eachTap(g, row, column, [&](int64_t, int64_t, int64_t, int64_t) { ++taps; });
      if (taps == 0) return true;
    }
  }
  return false;
}

PoolGeometry drawPool() {
  const ConvGeometry conv = randomConvolution();
  PoolGeometry g{conv.batch, conv.inChannels, {}, {}, {}, {}, {}, {}};
  // Half of the time the windows and the numbers of channels that kernels have ways of their own for.
  const bool isUsual = oneIn(2);
  const int64_t side = between(2, 3), step = oneIn(2) ? 2 : side == 3 ? 1 : 2;
  if (isUsual) g.channels = oneIn(4) ? between(1, 40) : int64_t{1} << between(0, 7);
  for (int axis = 0; axis < 2; ++axis) {
    g.kernelSize[axis] = isUsual ? side : conv.kernelSize[axis];
    g.stride[axis] = isUsual ? step : conv.stride[axis];
    g.dilation[axis] = isUsual && !oneIn(10) ? 1 : conv.dilation[axis];
    g.padding[axis] = isUsual && oneIn(2) ? 0 : between(0, g.kernelSize[axis] / 2);
    const int64_t extent = (g.kernelSize[axis] - 1) * g.dilation[axis] + 1;
    g.inSize[axis] = between(extent, extent + 9);
    const int64_t room = g.inSize[axis] + 2 * g.padding[axis] - extent;
    g.outSize[axis] = room / g.stride[axis] + 1;
    // Ceil mode, where the last window still starts inside the input or its left padding.
    const bool startsInside = g.outSize[axis] * g.stride[axis] < g.inSize[axis] + g.padding[axis];
    if (room % g.stride[axis] && oneIn(2) && startsInside) ++g.outSize[axis];
  }
  return g;
}

}  // namespace

ConvGeometry randomConvolution() {
  ConvGeometry g{};
  g.batch = oneIn(12) ? 0 : between(1, 4);
  g.groups = oneIn(4) ? between(1, 3) : 1;
  g.inChannels = g.groups * channels(), g.outChannels = g.groups * channels();
  for (int axis = 0; axis < 2; ++axis) {
    g.kernelSize[axis] = oneIn(8) ? between(1, 11) : between(1, 5);
    g.stride[axis] = oneIn(2) ? 1 : between(1, 4);
    g.dilation[axis] = oneIn(3) ? between(1, 3) : 1;
    g.padding[axis] = oneIn(2) ? 0 : between(0, 4);
    const int64_t extent = (g.kernelSize[axis] - 1) * g.dilation[axis] + 1;
    g.inSize[axis] = between(std::max<int64_t>(1, extent - 2 * g.padding[axis]), extent + 14);
    g.outSize[axis] = (g.inSize[axis] + 2 * g.padding[axis] - extent) / g.stride[axis] + 1;
  }
  if (oneIn(3)) makeWinograd(g);
  if (oneIn(8)) {  // few result channels and as many images as lanes, or more
    g.batch = between(4, 40);
    g.inChannels = g.groups * between(1, 9), g.outChannels = g.groups * between(1, 9);
  }
  if (oneIn(15)) {  // large enough for bands of rows
    g.batch = 1, g.groups = 1, g.inChannels = 64, g.outChannels = 5, g.padding[0] = g.padding[1] = 1;
    for (int axis = 0; axis < 2; ++axis) {
      g.kernelSize[axis] = 3, g.dilation[axis] = 1, g.inSize[axis] = between(50, 60);
      g.outSize[axis] = (g.inSize[axis] - 1) / g.stride[axis] + 1;
    }
  }
  return g;
}

PoolGeometry randomPool() {
  PoolGeometry g = drawPool();
  while (readsNothing(g)) g = drawPool();
  return g;
}

bool takesWinograd(const ConvGeometry& g) {
  for (int axis = 0; axis < 2; ++axis) {
    if (g.stride[axis] != 1 || g.dilation[axis] != 1) return false;
  }
  return g.kernelSize[0] == g.kernelSize[1] && (g.kernelSize[0] == 3 || g.kernelSize[0] == 5);
}

}  // namespace fovea::bench
