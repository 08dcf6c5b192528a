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

/** Outputs [first, last) whose windows, along an axis, lie inside the input whole. */
inline Span wholeWindows(const PoolGeometry& g, int axis) {
  const int64_t room = g.inSize[axis] - 1 - (g.kernelSize[axis] - 1) * g.dilation[axis] + g.padding[axis];
  return {divideUp(g.padding[axis], g.stride[axis]),
          room < 0 ? 0 : std::min(g.outSize[axis], room / g.stride[axis] + 1)};
}

/** How a kernel holds `vectors` vectors of channels, the last of them perhaps partial. */
template <int vectors_, bool contiguous_>
struct Channels {
  static constexpr int vectors = vectors_;
  static constexpr bool contiguous = contiguous_;
  int64_t first;
  int lanes;  // of the last vector
};

template <bool contiguous>
FOVEA_INLINE vec loadChannels(const float* p, ptrdiff_t stride, int lanes) {
  if (contiguous) return lanes == kLanes ? load(p) : loadPart(p, lanes);
  float lane[kLanes] = {};
  for (int i = 0; i < lanes; ++i) lane[i] = p[i * stride];
  return load(lane);
}

template <bool contiguous>
FOVEA_INLINE void storeChannels(float* p, vec v, ptrdiff_t stride, int lanes) {
  if (contiguous) return lanes == kLanes ? store(p, v) : storePart(p, v, lanes);
  float lane[kLanes];
  store(lane, v);
  for (int i = 0; i < lanes; ++i) p[i * stride] = lane[i];
}

/**
 * Calls body(Channels) until all channels are done: four vectors at a time while there are as many,
 * so that each pixel is read in long runs, then one at a time.
 */
template <bool contiguous, class Body>
FOVEA_INLINE void forEachVector(int64_t channels, Body&& body) {
  int64_t c = 0;
  if (contiguous) {
    for (; c + 4 * kLanes <= channels; c += 4 * kLanes) body(Channels<4, true>{c, kLanes});
    for (; c + 2 * kLanes <= channels; c += 2 * kLanes) body(Channels<2, true>{c, kLanes});
    for (; c + kLanes <= channels; c += kLanes) body(Channels<1, true>{c, kLanes});
  }
  for (; c < channels; c += kLanes) {
    body(Channels<1, contiguous>{c, static_cast<int>(channels - c < kLanes ? channels - c : kLanes)});
  }
}

inline ptrdiff_t channelStrideOf(const Operand& operand, const PoolGeometry& g) {
  return g.channels == 1 ? 1 : operand.strides[1];
}

/** Calls body with the flag as a constant. */
template <class Body>
void byFlag(bool flag, Body&& body) {
  if (flag) body(std::true_type{});
  else body(std::false_type{});
}

/** A window, along one axis, that reads a given input position with its `element`. */
struct Window {
  int32_t element, output;
  float share;  // 1 / its elements inside the input and the margin around it
};

/**
 * The windows over every row and every column of the input, listed once a call, so that a gradient
 * can be gathered: at most kernelSize of each.
 */
class WindowLists {
 public:
  WindowLists(char* scratch, const PoolGeometry& g, bool withPadding = false) {
    char* at = scratch;
    for (int axis = 0; axis < 2; ++axis) {
      int32_t* starts = starts_[axis] = reinterpret_cast<int32_t*>(at);
      Window* windows = windows_[axis] = reinterpret_cast<Window*>(starts + g.inSize[axis] + 1);
      at = reinterpret_cast<char*>(windows + g.inSize[axis] * g.kernelSize[axis]);
      int32_t count = 0;
      for (int64_t i = 0; i < g.inSize[axis]; ++i) {
        starts[i] = count;
        for (int64_t element = 0; element < g.kernelSize[axis]; ++element) {
          const int64_t from = i + g.padding[axis] - element * g.dilation[axis];
          const int64_t output = from / g.stride[axis];
          if (from < 0 || from % g.stride[axis] != 0 || output >= g.outSize[axis]) continue;
          const Span span = windowSpan(g, axis, output, withPadding ? g.padding[axis] : 0);
          windows[count++] = {static_cast<int32_t>(element), static_cast<int32_t>(output),
                              1 / static_cast<float>(span.count())};
        }
      }
      starts[g.inSize[axis]] = count;
    }
  }
  static size_t bytes(const PoolGeometry& g) {
    size_t sum = 0;
    for (int axis = 0; axis < 2; ++axis) {
      sum += static_cast<size_t>(4 * (g.inSize[axis] + 1)) +
             sizeof(Window) * static_cast<size_t>(g.inSize[axis] * g.kernelSize[axis]);
    }
    return sum;
  }

  /** Calls body(window) for each window over position i of an axis. */
  template <class Body>
  FOVEA_INLINE void over(int axis, int64_t i, Body&& body) const {
    for (int32_t w = starts_[axis][i]; w < starts_[axis][i + 1]; ++w) body(windows_[axis][w]);
  }

  /** Whether the same windows are over positions i and j of an axis. */
  bool sameOutputs(int axis, int64_t i, int64_t j) const {
    const int32_t *starts = starts_[axis], count = starts[i + 1] - starts[i];
    if (starts[j + 1] - starts[j] != count) return false;
    for (int32_t w = 0; w < count; ++w) {
      if (windows_[axis][starts[i] + w].output != windows_[axis][starts[j] + w].output) return false;
    }
    return true;
  }

  /** Calls body(row window, column window) for each window over row i, column j. */
  template <class Body>
  FOVEA_INLINE void each(int64_t i, int64_t j, Body&& body) const {
    for (int32_t r = starts_[0][i]; r < starts_[0][i + 1]; ++r) {
      for (int32_t c = starts_[1][j]; c < starts_[1][j + 1]; ++c) {
        body(windows_[0][r], windows_[1][c]);
      }
    }
  }

 private:
  int32_t* starts_[2];
  Window* windows_[2];
};

/** Bytes: results from here on leave the caches before anyone reads them. */
constexpr int64_t kWorthStreaming = 16 << 20;

/** Whether to stream() images of contiguous channels: they are large, and all vectors lie where that is possible. */
inline bool canStream(const Operand& operand, const float* data, const PoolGeometry& g, const int64_t* size) {
  if (4 * g.batch * g.channels * size[0] * size[1] < kWorthStreaming || g.channels % kLanes != 0) return false;
  const int64_t* strides = operand.strides;
  return strides[0] % kLanes == 0 && strides[2] % kLanes == 0 && strides[3] % kLanes == 0 &&
         reinterpret_cast<uintptr_t>(data) % sizeof(vec) == 0;
}

/** Calls body(image, row, thread) for each row of each image, on all threads; `streams`: it uses stream(). */
template <bool streams = false, class Body>
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
        if (streams) streamed();
      },
      4 * bytes);
}

}  // namespace fovea::FOVEA_ISA
