// avgPool2d and avgPool2dGrad.
#include <algorithm>
#include "kernels.h"
#include "pool.h"

namespace fovea::FOVEA_ISA {

namespace {

/** By what the sum over output (oh, ow)'s window is divided. */
float divisorOf(const PoolGeometry& g, bool countPadding, int64_t oh, int64_t ow) {
  return static_cast<float>(windowSpan(g, 0, oh, countPadding ? g.padding[0] : 0).count() *
                            windowSpan(g, 1, ow, countPadding ? g.padding[1] : 0).count());
}

template <bool contiguous>
void avgPool(const AvgPool2dArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const ptrdiff_t *xs = args.x.strides, *ys = args.y.strides;
  const ptrdiff_t xc = channelStrideOf(args.x, g), yc = channelStrideOf(args.y, g);
  const float* x = frame.at<float>(args.x);
  float* y = frame.at<float>(args.y);
  const ptrdiff_t down = g.dilation[0] * xs[2], across = g.dilation[1] * xs[3];
  forEachRow(frame, g, g.outSize[0], [&](int64_t n, int64_t oh) {
    const Span rows = windowSpan(g, 0, oh);
    for (int64_t ow = 0; ow < g.outSize[1]; ++ow) {
      const Span cols = windowSpan(g, 1, ow);
      const float* window = x + n * xs[0] + (oh * g.stride[0] - g.padding[0]) * xs[2] +
                            (ow * g.stride[1] - g.padding[1]) * xs[3];
      float* to = y + n * ys[0] + oh * ys[2] + ow * ys[3];
      const vec divisor = broadcast(divisorOf(g, args.countPadding, oh, ow));
      forEachVector<contiguous>(g.channels, [&](auto channels) __attribute__((always_inline)) {
        constexpr int vectors = decltype(channels)::vectors;
        const int64_t c = channels.first;
        vec sum[vectors];
        unroll<vectors>([&](auto k) { sum[k] = vec{}; });
        for (int64_t i = rows.first; i < rows.last; ++i) {
          for (int64_t j = cols.first; j < cols.last; ++j) {
            const float* at = window + i * down + j * across + c * xc;
            unroll<vectors>([&](auto k) {
              sum[k] += loadChannels<contiguous>(at + k * kLanes, xc, channels.lanes);
            });
          }
        }
        unroll<vectors>([&](auto k) {
          storeChannels<contiguous>(to + c * yc + k * kLanes, sum[k] / divisor, yc, channels.lanes);
        });
      });
    }
  });
}

template <bool contiguous>
void avgPoolGrad(const AvgPool2dGradArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const ptrdiff_t *gs = args.gy.strides, *xs = args.gx.strides;
  const ptrdiff_t gc = channelStrideOf(args.gy, g), xc = channelStrideOf(args.gx, g);
  const float* gy = frame.at<float>(args.gy);
  float* gx = frame.at<float>(args.gx);
  const WindowLists lists(frame.scratch, g, args.countPadding);
  forEachRow(frame, g, g.inSize[0], [&](int64_t n, int64_t ih) {
    for (int64_t iw = 0; iw < g.inSize[1]; ++iw) {
      float* to = gx + n * xs[0] + ih * xs[2] + iw * xs[3];
      forEachVector<contiguous>(g.channels, [&](auto channels) __attribute__((always_inline)) {
        constexpr int vectors = decltype(channels)::vectors;
        const int64_t c = channels.first;
        vec sum[vectors];
        unroll<vectors>([&](auto k) { sum[k] = vec{}; });
        lists.each(ih, iw, [&](const Window& row, const Window& column) __attribute__((always_inline)) {
          const float* from = gy + n * gs[0] + row.output * gs[2] + column.output * gs[3] + c * gc;
          const vec scale = broadcast(1 / (row.count * column.count));
          unroll<vectors>([&](auto k) {
            sum[k] += scale * loadChannels<contiguous>(from + k * kLanes, gc, channels.lanes);
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

const char* avgPool2d(const AvgPool2dArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  byLayout(channelStrideOf(args.x, g) == 1 && channelStrideOf(args.y, g) == 1,
           [&](auto contiguous) { avgPool<contiguous>(args, frame); });
  return nullptr;
}

size_t avgPool2dScratch(const AvgPool2dArgs&, int) { return 0; }

const char* avgPool2dGrad(const AvgPool2dGradArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  byLayout(channelStrideOf(args.gy, g) == 1 && channelStrideOf(args.gx, g) == 1,
           [&](auto contiguous) { avgPoolGrad<contiguous>(args, frame); });
  return nullptr;
}

size_t avgPool2dGradScratch(const AvgPool2dGradArgs& args, int) {
  return WindowLists::bytes(args.geometry);
}

}  // namespace fovea::FOVEA_ISA
