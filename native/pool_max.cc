// maxPool2d and maxPool2dGrad.
#include <algorithm>
#include <limits>
#include "kernels.h"
#include "pool.h"

namespace fovea::FOVEA_ISA {

namespace {

FOVEA_INLINE void storeIndex(uint8_t* p, ivec v, ptrdiff_t stride, int lanes) {
  if (stride == 1 && lanes == kLanes) {
    *reinterpret_cast<bytevecInMemory*>(p) = __builtin_convertvector(v, bytevec);
  } else {
    for (int i = 0; i < lanes; ++i) p[i * stride] = static_cast<uint8_t>(v[i]);
  }
}
FOVEA_INLINE void storeIndex(int32_t* p, ivec v, ptrdiff_t stride, int lanes) {
  storeChannels(reinterpret_cast<float*>(p), (vec)v, stride, lanes);
}

FOVEA_INLINE ivec loadIndex(const uint8_t* p, ptrdiff_t stride, int lanes) {
  if (stride == 1 && lanes == kLanes) {
    return __builtin_convertvector(*reinterpret_cast<const bytevecInMemory*>(p), ivec);
  }
  ivec v{};
  for (int i = 0; i < lanes; ++i) v[i] = p[i * stride];
  return v;
}
FOVEA_INLINE ivec loadIndex(const int32_t* p, ptrdiff_t stride, int lanes) {
  return (ivec)loadChannels(reinterpret_cast<const float*>(p), stride, lanes);
}

template <class Index>
void maxPool(const MaxPool2dArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const ptrdiff_t *xs = args.x.strides, *ys = args.y.strides, *is = args.index.strides;
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
      forEachVector(g.channels, [&](int64_t c, int lanes) {
        vec best = broadcast(-std::numeric_limits<float>::infinity());
        // The first element wins over nothing at all, even if it is −∞ itself.
        ivec where = broadcast(static_cast<int32_t>(rows.first * g.kernelSize[1] + cols.first));
        for (int64_t i = rows.first; i < rows.last; ++i) {
          for (int64_t j = cols.first; j < cols.last; ++j) {
            const vec v = loadChannels(window + i * down + j * across + c * xc, xc, lanes);
            const ivec wins = (v > best) | ((v != v) & (best == best));
            best = wins ? v : best;
            where = wins ? broadcast(static_cast<int32_t>(i * g.kernelSize[1] + j)) : where;
          }
        }
        storeChannels(to + c * yc, best, yc, lanes);
        if (toIndex) storeIndex(toIndex + c * ic, where, ic, lanes);
      });
    }
  });
}

// Each pixel of gx gathers from the windows over it, so every element is written once, by one
// thread, and a vector of channels needs no scatter.
template <class Index>
void maxPoolGrad(const MaxPool2dGradArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const ptrdiff_t *gs = args.gy.strides, *is = args.index.strides, *xs = args.gx.strides;
  const ptrdiff_t gc = channelStrideOf(args.gy, g), ic = channelStrideOf(args.index, g),
                  xc = channelStrideOf(args.gx, g);
  const float* gy = frame.at<float>(args.gy);
  const Index* index = frame.at<Index>(args.index);
  float* gx = frame.at<float>(args.gx);
  Contribution* lists = reinterpret_cast<Contribution*>(frame.scratch);
  const int64_t longest = g.kernelSize[0] * g.kernelSize[1];
  forEachRow(frame, g, g.inSize[0], [&](int64_t n, int64_t ih, int thread) {
    Contribution* list = lists + thread * longest;
    for (int64_t iw = 0; iw < g.inSize[1]; ++iw) {
      int64_t count = 0;
      forEachWindow(g, 0, ih, [&](int64_t i, int64_t oh) {
        forEachWindow(g, 1, iw, [&](int64_t j, int64_t ow) {
          list[count++] = {static_cast<int32_t>(i * g.kernelSize[1] + j), 1,
                           n * gs[0] + oh * gs[2] + ow * gs[3], n * is[0] + oh * is[2] + ow * is[3]};
        });
      });
      float* to = gx + n * xs[0] + ih * xs[2] + iw * xs[3];
      forEachVector(g.channels, [&](int64_t c, int lanes) {
        vec sum{};
        for (int64_t k = 0; k < count; ++k) {
          const ivec chosen = loadIndex(index + list[k].index + c * ic, ic, lanes);
          const vec from = loadChannels(gy + list[k].gy + c * gc, gc, lanes);
          sum += chosen == broadcast(list[k].tap) ? from : vec{};
        }
        storeChannels(to + c * xc, sum, xc, lanes);
      });
    }
  });
}

}  // namespace

const char* maxPool2d(const MaxPool2dArgs& args, const Frame& frame) {
  if (args.index.dtype == kU8 && args.index.buffer >= 0) {
    if (args.geometry.kernelSize[0] * args.geometry.kernelSize[1] > 256) {
      return "maxPool2d: a u8 index cannot number the positions of a window of more than 256";
    }
    maxPool<uint8_t>(args, frame);
  } else {
    maxPool<int32_t>(args, frame);
  }
  return nullptr;
}

size_t maxPool2dScratch(const MaxPool2dArgs&, int) { return 0; }

const char* maxPool2dGrad(const MaxPool2dGradArgs& args, const Frame& frame) {
  if (args.index.dtype == kU8) maxPoolGrad<uint8_t>(args, frame);
  else maxPoolGrad<int32_t>(args, frame);
  return nullptr;
}

size_t maxPool2dGradScratch(const MaxPool2dGradArgs& args, int threads) {
  const int64_t* kernel = args.geometry.kernelSize;
  return sizeof(Contribution) * static_cast<size_t>(threads * kernel[0] * kernel[1]);
}

}  // namespace fovea::FOVEA_ISA
