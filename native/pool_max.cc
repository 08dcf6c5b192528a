// maxPool2d. A row of results at a time: where windows lie inside the row whole, their sizes are constants
// for the compiler (2 × 2 and 3 × 3), and what differs at the edges is done window by window.
//
// A vector holds neighbouring channels. Windows that move on by one pixel read neighbouring floats for
// neighbouring results, so that pixels then count as more channels; of windows that move on by two, with
// half as many channels as a vector has lanes, the pixels of two loads are sorted into one vector.
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

/** The largest values so far and their windows' positions; the first element wins over nothing at all. */
struct Best {
  vec value;
  ivec where;
  FOVEA_INLINE void meet(vec v, int tap) {
    const mask wins = beats(v, value);
    value = select(wins, v, value), where = select(wins, broadcast(tap), where);
  }
};

/** A row of results and the part of the input above which its windows lie. */
template <class Index>
struct Row {
  const float* window;  // of the first result, were it inside
  float* y;
  Index* index;  // null where nobody asks
  Span rows;     // of the windows
  ptrdiff_t down, across, step, x, yNext, yChannel, indexNext, indexChannel;
  int kernelWidth;
  bool streams;  // y past the caches

  /** Stores results of channels from c on, of result column `ow`. */
  template <bool contiguous>
  FOVEA_INLINE void put(const Best& best, int64_t ow, int64_t c, int lanes) const {
    const ptrdiff_t yc = contiguous ? 1 : yChannel, ic = contiguous ? 1 : indexChannel;
    float* const to = y + ow * yNext + c * yc;
    if (contiguous && streams) stream(to, best.value);
    else storeChannels<contiguous>(to, best.value, yc, lanes);
    if (index) storeIndex<contiguous>(index + ow * indexNext + c * ic, best.where, ic, lanes);
  }
};

/** Elements rows × columns of any window, for a block of its channels. */
template <bool contiguous, class Index, class Block>
FOVEA_INLINE void poolBlock(const Row<Index>& row, const Span& columns, int64_t ow, Block block) {
  constexpr int vectors = Block::vectors;
  const float* window = row.window + ow * row.step + block.first * row.x;
  Best best[vectors];
  for (Best& b : best) {
    b = {broadcast(-std::numeric_limits<float>::infinity()),
         broadcast(static_cast<int32_t>(row.rows.first * row.kernelWidth + columns.first))};
  }
  for (int64_t i = row.rows.first; i < row.rows.last; ++i) {
    for (int64_t j = columns.first; j < columns.last; ++j) {
      const float* at = window + i * row.down + j * row.across;
      const int tap = static_cast<int>(i) * row.kernelWidth + static_cast<int>(j);
      unroll<vectors>([&](auto k) { best[k].meet(loadChannels<contiguous>(at + k * kLanes, row.x, block.lanes), tap); });
    }
  }
  unroll<vectors>([&](auto k) { row.template put<contiguous>(best[k], ow, block.first + k * kLanes, block.lanes); });
}

template <bool contiguous, class Index>
void poolPixel(const Row<Index>& row, const Span& columns, int64_t ow, int64_t channels) {
  forEachVector<contiguous>(channels, [&](auto block) __attribute__((always_inline)) {
    poolBlock<contiguous>(row, columns, ow, block);
  });
}

/**
 * The best of `taps` vectors without a NaN among them: first the largest, then the first that equals it,
 * which is fewer and less dependent steps than to carry both along. False if there is a NaN.
 */
template <int taps, class Load>
FOVEA_INLINE bool bestOf(bool withIndex, int firstTap, Best& best, const Load& load) {
  vec v[taps];
  unroll<taps>([&](auto t) { v[t] = load(t); });
  best.value = v[0];
  mask isNaN = unordered(v[0], v[taps - 1]);
  unroll<taps - 1>([&](auto t) { best.value = largerNumber(v[t + 1], best.value); });
  unroll<(taps - 1) / 2>([&](auto t) { isNaN |= unordered(v[2 * t + 1], v[2 * t + 2]); });
  if (!withIndex) return !isAny(isNaN);
  ivec where = broadcast(firstTap + taps - 1);
  unroll<taps - 1>([&](auto t) {
    constexpr int tap = taps - 2 - t;
    where = select(equal(v[tap], best.value), broadcast(firstTap + tap), where);
  });
  best.where = where;
  return !isAny(isNaN);
}

/** `height` rows of windows of width kw that lie inside, of results [first, last); channels are contiguous. */
template <int height, int kw, class Index>
void poolWhole(const Row<Index>& row, int64_t first, int64_t last, int64_t channels) {
  const ptrdiff_t down = row.down, across = row.across;
  const int firstTap = static_cast<int>(row.rows.first) * kw;
  for (int64_t ow = first; ow < last; ++ow) {
    const float* window = row.window + row.rows.first * down + ow * row.step;
    forEachVector<true>(channels, [&](auto block) __attribute__((always_inline)) {
      for (int k = 0; k < block.vectors; ++k) {
        const Channels<1, true> part{block.first + k * kLanes, block.lanes};
        const float* at = window + part.first;
        Best best{};
        const bool done = bestOf<height * kw>(row.index, firstTap, best, [&](auto tap) __attribute__((always_inline)) {
          return loadChannels<true>(at + tap / kw * down + tap % kw * across, 1, part.lanes);
        });
        if (done) row.template put<true>(best, ow, part.first, part.lanes);
        else poolBlock<true>(row, {0, kw}, ow, part);
      }
    });
  }
}

/**
 * The same for kLanes / 2 channels and windows two pixels apart: two results a vector. Returns the first
 * result that is left: what a second load would read must not lie past the row's `end`.
 */
template <int height, int kw, class Index>
int64_t poolPairs(const Row<Index>& row, int64_t first, int64_t last, const float* end) {
  constexpr int half = kLanes / 2;
  const ptrdiff_t down = row.down, across = row.across;
  const int firstTap = static_cast<int>(row.rows.first) * kw;
  const float* window = row.window + first * row.step;
  for (; first + 2 <= last; first += 2, window += 2 * row.step) {
    if (window + (kw - 1) * across + 2 * kLanes > end) break;
    const float* at = window + row.rows.first * down;
    Best best{};
    const bool done = bestOf<height * kw>(row.index, firstTap, best, [&](auto tap) __attribute__((always_inline)) {
      const float* from = at + tap / kw * down + tap % kw * across;
      return firstHalves(load(from), load(from + kLanes));
    });
    if (done) {
      row.template put<true>(best, 0, first * half, kLanes);
    } else {
      for (int64_t ow = first; ow < first + 2; ++ow) poolPixel<true>(row, {0, kw}, ow, half);
    }
  }
  return first;
}

template <class Index, bool contiguous, int kh, int kw>
void maxPool(const MaxPool2dArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const int64_t *xs = args.x.strides, *ys = args.y.strides, *is = args.index.strides;
  const float* x = frame.at<float>(args.x);
  Index* index = frame.at<Index>(args.index);
  Row<Index> row{};
  row.down = g.dilation[0] * xs[2], row.across = g.dilation[1] * xs[3], row.step = g.stride[1] * xs[3];
  row.x = channelStrideOf(args.x, g), row.yChannel = channelStrideOf(args.y, g);
  row.indexChannel = channelStrideOf(args.index, g), row.yNext = ys[3], row.indexNext = is[3];
  row.y = frame.at<float>(args.y);
  row.kernelWidth = static_cast<int>(g.kernelSize[1]);

  constexpr bool known = kh > 0 && contiguous;
  const Span whole = known ? wholeWindows(g, 1) : Span{0, 0};
  const bool isDense = xs[3] == g.channels && ys[3] == g.channels && (!index || is[3] == g.channels);
  const bool inRuns = isDense && g.stride[1] == 1;
  const bool inPairs = isDense && g.stride[1] == 2 && g.dilation[1] == 1 && 2 * g.channels == kLanes;
  row.streams = contiguous && canStream(args.y, row.y, g, g.outSize);
  forEachRow<true>(frame, g, g.outSize[0], [&](int64_t n, int64_t oh, int) {
    Row<Index> here = row;
    here.rows = windowSpan(g, 0, oh);
    here.window = x + n * xs[0] + (oh * g.stride[0] - g.padding[0]) * xs[2] - g.padding[1] * xs[3];
    here.y = row.y + n * ys[0] + oh * ys[2];
    here.index = index ? index + n * is[0] + oh * is[2] : nullptr;
    for (int64_t ow = 0; ow < g.outSize[1];) {
      if constexpr (known) {
        const int64_t height = here.rows.count();
        if (ow == whole.first && whole.count() > 0 && height > 1) {
          const float* end = here.window + (g.padding[1] + g.inSize[1]) * g.channels;
          const auto poolMiddle = [&](auto h) {
            if (inPairs) ow = poolPairs<h, kw>(here, ow, whole.last, end);
            if (inRuns) poolWhole<h, kw>(here, ow, ow + 1, whole.count() * g.channels);
            else poolWhole<h, kw>(here, ow, whole.last, g.channels);
          };
          if (height == kh) poolMiddle(std::integral_constant<int, kh>{});
          else poolMiddle(std::integral_constant<int, 2>{});
          ow = whole.last;
          continue;
        }
      }
      poolPixel<contiguous>(here, windowSpan(g, 1, ow), ow, g.channels);
      ++ow;
    }
  });
}

}  // namespace

const char* maxPool2d(const MaxPool2dArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const bool indexed = args.index.buffer >= 0, bytes = indexed && args.index.dtype == kU8;
  const int64_t height = g.kernelSize[0], width = g.kernelSize[1];
  if (bytes && height * width > 256) {
    return "maxPool2d: a u8 index cannot number the positions of a window of more than 256";
  }
  const bool contiguous = channelStrideOf(args.x, g) == 1 && channelStrideOf(args.y, g) == 1 &&
                          (!indexed || channelStrideOf(args.index, g) == 1);
  if (!contiguous) {
    if (bytes) maxPool<uint8_t, false, 0, 0>(args, frame);
    else maxPool<int32_t, false, 0, 0>(args, frame);
  } else if (!bytes && indexed) {
    maxPool<int32_t, true, 0, 0>(args, frame);
  } else if (height == 2 && width == 2) {
    maxPool<uint8_t, true, 2, 2>(args, frame);
  } else if (height == 3 && width == 3) {
    maxPool<uint8_t, true, 3, 3>(args, frame);
  } else {
    maxPool<uint8_t, true, 0, 0>(args, frame);
  }
  return nullptr;
}

ScratchBytes maxPool2dScratch(const MaxPool2dArgs&, int) { return {}; }

}  // namespace fovea::FOVEA_ISA
