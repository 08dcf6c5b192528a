// maxPool2d and maxPool2dGrad.
#include <algorithm>
#include <limits>
#include "kernels.h"
#include "pool.h"

namespace fovea::FOVEA_ISA {

namespace {

template <bool contiguous>
FOVEA_INLINE void storeIndex(uint8_t* p, ivec v, ptrdiff_t stride, int lanes) {
  if (contiguous && lanes == kLanes) return storeBytes(p, v);
  uint8_t lane[kLanes];
  storeBytes(lane, v);
  for (int i = 0; i < lanes; ++i) p[i * stride] = lane[i];
}
template <bool contiguous>
FOVEA_INLINE void storeIndex(int32_t* p, ivec v, ptrdiff_t stride, int lanes) {
  storeChannels<contiguous>(reinterpret_cast<float*>(p), (vec)v, stride, lanes);
}

template <bool contiguous>
FOVEA_INLINE ivec loadIndex(const uint8_t* p, ptrdiff_t stride, int lanes) {
  if (contiguous && lanes == kLanes) return loadBytes(p);
  uint8_t lane[kLanes] = {};
  for (int i = 0; i < lanes; ++i) lane[i] = p[i * stride];
  return loadBytes(lane);
}
template <bool contiguous>
FOVEA_INLINE ivec loadIndex(const int32_t* p, ptrdiff_t stride, int lanes) {
  return (ivec)loadChannels<contiguous>(reinterpret_cast<const float*>(p), stride, lanes);
}

template <class Index, bool contiguous>
void maxPool(const MaxPool2dArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const int64_t *xs = args.x.strides, *ys = args.y.strides, *is = args.index.strides;
  const ptrdiff_t xc = channelStrideOf(args.x, g), yc = channelStrideOf(args.y, g),
                  ic = channelStrideOf(args.index, g);
  const float* x = frame.at<float>(args.x);
  float* y = frame.at<float>(args.y);
  Index* index = frame.at<Index>(args.index);
  const ptrdiff_t down = g.dilation[0] * xs[2], across = g.dilation[1] * xs[3];
  forEachRow(frame, g, g.outSize[0], [&](int64_t n, int64_t oh, int) {
    const Span rows = windowSpan(g, 0, oh);
    for (int64_t ow = 0; ow < g.outSize[1]; ++ow) {
      const Span cols = windowSpan(g, 1, ow);
      const float* window = x + n * xs[0] + (oh * g.stride[0] - g.padding[0]) * xs[2] +
                            (ow * g.stride[1] - g.padding[1]) * xs[3];
      float* to = y + n * ys[0] + oh * ys[2] + ow * ys[3];
      Index* toIndex = index ? index + n * is[0] + oh * is[2] + ow * is[3] : nullptr;
      forEachVector<contiguous>(g.channels, [&](auto channels) __attribute__((always_inline)) {
        constexpr int vectors = decltype(channels)::vectors;
        const int64_t c = channels.first;
        vec best[vectors];
        ivec where[vectors];
        unroll<vectors>([&](auto k) {
          best[k] = broadcast(-std::numeric_limits<float>::infinity());
          // The first element wins over nothing at all, even if it is −∞ itself.
          where[k] = broadcast(static_cast<int32_t>(rows.first * g.kernelSize[1] + cols.first));
        });
        for (int64_t i = rows.first; i < rows.last; ++i) {
          for (int64_t j = cols.first; j < cols.last; ++j) {
            const float* at = window + i * down + j * across + c * xc;
            const ivec tap = broadcast(static_cast<int32_t>(i * g.kernelSize[1] + j));
            unroll<vectors>([&](auto k) {
              const vec v = loadChannels<contiguous>(at + k * kLanes, xc, channels.lanes);
              const ivec wins = ~(v <= best[k]) & (best[k] == best[k]);  // greater, or the first NaN
              best[k] = wins ? v : best[k];
              where[k] = wins ? tap : where[k];
            });
          }
        }
        unroll<vectors>([&](auto k) {
          storeChannels<contiguous>(to + c * yc + k * kLanes, best[k], yc, channels.lanes);
          if (toIndex) storeIndex<contiguous>(toIndex + c * ic + k * kLanes, where[k], ic, channels.lanes);
        });
      });
    }
  });
}

// Each pixel of gx gathers from the windows over it, so every element is written once, by one
// thread, and a vector of channels needs no scatter.
template <class Index, bool contiguous>
void maxPoolGrad(const MaxPool2dGradArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const int64_t *gs = args.gy.strides, *is = args.index.strides, *xs = args.gx.strides;
  const ptrdiff_t gc = channelStrideOf(args.gy, g), ic = channelStrideOf(args.index, g),
                  xc = channelStrideOf(args.gx, g);
  const float* gy = frame.at<float>(args.gy);
  const Index* index = frame.at<Index>(args.index);
  float* gx = frame.at<float>(args.gx);
  const WindowLists lists(frame.scratch, g);
  forEachRow(frame, g, g.inSize[0], [&](int64_t n, int64_t ih, int) {
    for (int64_t iw = 0; iw < g.inSize[1]; ++iw) {
      float* to = gx + n * xs[0] + ih * xs[2] + iw * xs[3];
      forEachVector<contiguous>(g.channels, [&](auto channels) __attribute__((always_inline)) {
        constexpr int vectors = decltype(channels)::vectors;
        const int64_t c = channels.first;
        vec sum[vectors];
        unroll<vectors>([&](auto k) { sum[k] = vec{}; });
        lists.each(ih, iw, [&](const Window& row, const Window& column) __attribute__((always_inline)) {
          const ivec tap = broadcast(static_cast<int32_t>(row.element * g.kernelSize[1] + column.element));
          const Index* chosen = index + n * is[0] + row.output * is[2] + column.output * is[3] + c * ic;
          const float* from = gy + n * gs[0] + row.output * gs[2] + column.output * gs[3] + c * gc;
          unroll<vectors>([&](auto k) {
            const ivec here = loadIndex<contiguous>(chosen + k * kLanes, ic, channels.lanes) == tap;
            const vec v = loadChannels<contiguous>(from + k * kLanes, gc, channels.lanes);
            sum[k] += here ? v : vec{};
          });
        });
        unroll<vectors>([&](auto k) {
          storeChannels<contiguous>(to + c * xc + k * kLanes, sum[k], xc, channels.lanes);
        });
      });
    }
  });
}

}  // namespace

const char* maxPool2d(const MaxPool2dArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const bool indexed = args.index.buffer >= 0, bytes = indexed && args.index.dtype == kU8;
  if (bytes && g.kernelSize[0] * g.kernelSize[1] > 256) {
    return "maxPool2d: a u8 index cannot number the positions of a window of more than 256";
  }
  byLayout(channelStrideOf(args.x, g) == 1 && channelStrideOf(args.y, g) == 1 &&
               (!indexed || channelStrideOf(args.index, g) == 1),
           [&](auto contiguous) {
             if (bytes) maxPool<uint8_t, contiguous>(args, frame);
             else maxPool<int32_t, contiguous>(args, frame);
           });
  return nullptr;
}

size_t maxPool2dScratch(const MaxPool2dArgs&, int) { return 0; }

const char* maxPool2dGrad(const MaxPool2dGradArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  byLayout(channelStrideOf(args.gy, g) == 1 && channelStrideOf(args.index, g) == 1 &&
               channelStrideOf(args.gx, g) == 1,
           [&](auto contiguous) {
             if (args.index.dtype == kU8) maxPoolGrad<uint8_t, contiguous>(args, frame);
             else maxPoolGrad<int32_t, contiguous>(args, frame);
           });
  return nullptr;
}

size_t maxPool2dGradScratch(const MaxPool2dGradArgs& args, int) {
  return WindowLists::bytes(args.geometry);
}

}  // namespace fovea::FOVEA_ISA
