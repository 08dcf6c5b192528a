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

}  // namespace

const char* avgPool2d(const AvgPool2dArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const ptrdiff_t *xs = args.x.strides, *ys = args.y.strides;
  const ptrdiff_t xc = channelStrideOf(args.x, g), yc = channelStrideOf(args.y, g);
  const float* x = frame.at<float>(args.x);
  float* y = frame.at<float>(args.y);
  const ptrdiff_t down = g.dilation[0] * xs[2], across = g.dilation[1] * xs[3];
  forEachRow(frame, g, g.outSize[0], [&](int64_t n, int64_t oh, int) {
    const Span rows = windowSpan(g, 0, oh);
    for (int64_t ow = 0; ow < g.outSize[1]; ++ow) {
      const Span cols = windowSpan(g, 1, ow);
      const float* window = x + n * xs[0] + (oh * g.stride[0] - g.padding[0]) * xs[2] +
                            (ow * g.stride[1] - g.padding[1]) * xs[3];
      float* to = y + n * ys[0] + oh * ys[2] + ow * ys[3];
      const vec divisor = broadcast(divisorOf(g, args.countPadding, oh, ow));
      forEachVector(g.channels, [&](int64_t c, int lanes) {
        vec sum{};
        for (int64_t i = rows.first; i < rows.last; ++i) {
          for (int64_t j = cols.first; j < cols.last; ++j) {
            sum += loadChannels(window + i * down + j * across + c * xc, xc, lanes);
          }
        }
        storeChannels(to + c * yc, sum / divisor, yc, lanes);
      });
    }
  });
  return nullptr;
}

size_t avgPool2dScratch(const AvgPool2dArgs&, int) { return 0; }

const char* avgPool2dGrad(const AvgPool2dGradArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const ptrdiff_t *gs = args.gy.strides, *xs = args.gx.strides;
  const ptrdiff_t gc = channelStrideOf(args.gy, g), xc = channelStrideOf(args.gx, g);
  const float* gy = frame.at<float>(args.gy);
  float* gx = frame.at<float>(args.gx);
  Contribution* lists = reinterpret_cast<Contribution*>(frame.scratch);
  const int64_t longest = g.kernelSize[0] * g.kernelSize[1];
  forEachRow(frame, g, g.inSize[0], [&](int64_t n, int64_t ih, int thread) {
    Contribution* list = lists + thread * longest;
    for (int64_t iw = 0; iw < g.inSize[1]; ++iw) {
      int64_t count = 0;
      forEachWindow(g, 0, ih, [&](int64_t, int64_t oh) {
        forEachWindow(g, 1, iw, [&](int64_t, int64_t ow) {
          list[count++] = {0, 1 / divisorOf(g, args.countPadding, oh, ow),
                           n * gs[0] + oh * gs[2] + ow * gs[3], 0};
        });
      });
      float* to = gx + n * xs[0] + ih * xs[2] + iw * xs[3];
      forEachVector(g.channels, [&](int64_t c, int lanes) {
        vec sum{};
        for (int64_t k = 0; k < count; ++k) {
          sum += broadcast(list[k].scale) * loadChannels(gy + list[k].gy + c * gc, gc, lanes);
        }
        storeChannels(to + c * xc, sum, xc, lanes);
      });
    }
  });
  return nullptr;
}

size_t avgPool2dGradScratch(const AvgPool2dGradArgs& args, int threads) {
  const int64_t* kernel = args.geometry.kernelSize;
  return sizeof(Contribution) * static_cast<size_t>(threads * kernel[0] * kernel[1]);
}

}  // namespace fovea::FOVEA_ISA
