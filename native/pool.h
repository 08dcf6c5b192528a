// What the pooling kernels share: windows along an axis, both ways, and vectors of channels.
//
// A vector holds neighbouring channels of one pixel: with channels last that is one load, and with
// any other layout a gather, which is slow and right.
#pragma once
#include "frame.h"
#include "gemm.h"

namespace fovea::FOVEA_ISA {

/** Elements [first, last) of a window that lie inside the input. */
struct Span {
  int64_t first, last;
  int64_t count() const { return last > first ? last - first : 0; }
};

/** The part of output `o`'s window, along an axis, that reads positions below `size` + `margin`. */
inline Span windowSpan(const PoolGeometry& g, int axis, int64_t o, int64_t margin = 0) {
  const int64_t start = o * g.stride[axis] - g.padding[axis], step = g.dilation[axis];
  const int64_t before = -margin - start, after = g.inSize[axis] + margin - start;
  return {before > 0 ? divideUp(before, step) : 0,
          after > 0 ? std::min(g.kernelSize[axis], divideUp(after, step)) : 0};
}

/** calls body(element, output) for each window, along an axis, whose `element` is at input i. */
template <class Body>
FOVEA_INLINE void forEachWindow(const PoolGeometry& g, int axis, int64_t i, Body&& body) {
  for (int64_t element = 0; element < g.kernelSize[axis]; ++element) {
    const int64_t at = i + g.padding[axis] - element * g.dilation[axis];
    if (at < 0) break;
    if (at % g.stride[axis] == 0 && at / g.stride[axis] < g.outSize[axis]) {
      body(element, at / g.stride[axis]);
    }
  }
}

FOVEA_INLINE vec loadChannels(const float* p, ptrdiff_t stride, int lanes) {
  if (stride == 1) return lanes == kLanes ? load(p) : loadPart(p, lanes);
  vec v{};
  for (int i = 0; i < lanes; ++i) v[i] = p[i * stride];
  return v;
}

FOVEA_INLINE void storeChannels(float* p, vec v, ptrdiff_t stride, int lanes) {
  if (stride == 1 && lanes == kLanes) return store(p, v);
  if (stride == 1) return storePart(p, v, lanes);
  for (int i = 0; i < lanes; ++i) p[i * stride] = v[i];
}

/** Calls body(first channel, lanes) for each vector of channels. */
template <class Body>
FOVEA_INLINE void forEachVector(int64_t channels, Body&& body) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    body(c, static_cast<int>(channels - c < kLanes ? channels - c : kLanes));
  }
}

inline ptrdiff_t channelStrideOf(const Operand& operand, const PoolGeometry& g) {
  return g.channels == 1 ? 1 : operand.strides[1];
}

/** The window and its place in gy that an input pixel's gradient comes from. */
struct Contribution {
  int32_t tap;
  float scale;
  ptrdiff_t gy, index;
};

/** Calls body(image, row, thread) for each row of each image, on all threads. */
template <class Body>
void forEachRow(const Frame& frame, const PoolGeometry& g, int64_t rows, const Body& body) {
  const int64_t all = g.batch * rows;
  const int64_t tasks = std::min<int64_t>(all, 8 * frame.pool.threads());
  const double bytes = 4.0 * static_cast<double>(g.batch * g.channels * g.inSize[0] * g.inSize[1]);
  frame.pool.run(
      static_cast<int>(tasks),
      [&](int task, int thread) {
        for (int64_t i = task * all / tasks; i < (task + 1) * all / tasks; ++i) {
          body(i / rows, i % rows, thread);
        }
      },
      4 * bytes);
}

}  // namespace fovea::FOVEA_ISA
