// maxPool2dGrad. Windows that tile the input, like 2 × 2 two apart, each write what is under them: gy where
// the index says so and 0 elsewhere, so that gy and index are read once and nothing is filled beforehand.
// Under windows that overlap, each pixel gathers from those over it. Either way every element is written once,
// by one thread.
#include <algorithm>
#include "kernels.h"
#include "pool.h"

namespace fovea::FOVEA_ISA {

namespace {

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

/** Writes channels of gx: past the caches, where gx is larger than they are. */
template <bool contiguous, bool streams>
FOVEA_INLINE void put(float* p, vec v, ptrdiff_t stride, int lanes) {
  if (streams) stream(p, v);
  else storeChannels<contiguous>(p, v, stride, lanes);
}

template <class Index>
struct Maps {
  const float* gy;
  const Index* index;
  float* gx;
  const int64_t *gs, *is, *xs;
  ptrdiff_t gc, ic, xc;

  Maps(const MaxPool2dGradArgs& args, const Frame& frame)
      : gy(frame.at<float>(args.gy)), index(frame.at<Index>(args.index)), gx(frame.at<float>(args.gx)),
        gs(args.gy.strides), is(args.index.strides), xs(args.gx.strides),
        gc(channelStrideOf(args.gy, args.geometry)), ic(channelStrideOf(args.index, args.geometry)),
        xc(channelStrideOf(args.gx, args.geometry)) {}
};

// ---------------------------------------------------------------- windows that tile the input

bool isTwoByTwo(const PoolGeometry& g) {
  for (int axis = 0; axis < 2; ++axis) {
    if (g.kernelSize[axis] != 2 || g.stride[axis] != 2 || g.padding[axis] != 0 || g.dilation[axis] != 1) return false;
  }
  return true;
}

/** For such windows; channels are contiguous. */
template <bool streams>
void spreadTiles(const MaxPool2dGradArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const Maps<uint8_t> m(args, frame);
  const int64_t width = g.inSize[1], height = g.inSize[0], tiles = std::min(g.outSize[1], width / 2);
  const bool isDense = m.gs[3] == g.channels && m.is[3] == g.channels && m.xs[3] == g.channels;
  const bool inPairs = isDense && 2 * g.channels == kLanes;
  const auto clear = [&](float* to, int64_t pixels) {
    for (int64_t i = 0; i < pixels; ++i) std::fill_n(to + i * m.xs[3], g.channels, 0.0f);
  };
  forEachRow<streams>(frame, g, divideUp(height, 2), [&](int64_t n, int64_t oh, int) {
    float* const top = m.gx + n * m.xs[0] + 2 * oh * m.xs[2];
    if (oh >= g.outSize[0]) {
      clear(top, width);
      if (2 * oh + 1 < height) clear(top + m.xs[2], width);
      return;
    }
    const ptrdiff_t right = m.xs[3], below = m.xs[2];
    const bool two = 2 * oh + 1 < height;
    const float* gy = m.gy + n * m.gs[0] + oh * m.gs[2];
    const uint8_t* index = m.index + n * m.is[0] + oh * m.is[2];
    float* to = top;
    int64_t ow = 0;
    if (inPairs) {
      for (; ow + 2 <= tiles; ow += 2, gy += kLanes, index += kLanes, to += 2 * kLanes) {
        const vec v = load(gy);
        const ivec chosen = loadBytes(index);
        unroll<2>([&](auto i) {
          if (i == 1 && !two) return;
          const vec a = select(equal(chosen, broadcast(2 * i)), v, vec{});
          const vec b = select(equal(chosen, broadcast(2 * i + 1)), v, vec{});
          put<true, streams>(to + i * below, firstHalves(a, b), 1, kLanes);
          put<true, streams>(to + i * below + kLanes, lastHalves(a, b), 1, kLanes);
        });
      }
    }
    for (; ow < tiles; ++ow, gy += m.gs[3], index += m.is[3], to += 2 * right) {
      forEachVector<true>(g.channels, [&](auto block) __attribute__((always_inline)) {
        constexpr int vectors = decltype(block)::vectors;
        vec v[vectors];
        ivec chosen[vectors];
        unroll<vectors>([&](auto k) {
          v[k] = loadChannels<true>(gy + block.first + k * kLanes, 1, block.lanes);
          chosen[k] = loadIndex<true>(index + block.first + k * kLanes, 1, block.lanes);
        });
        unroll<4>([&](auto tap) {
          if (tap >= 2 && !two) return;
          float* at = to + tap / 2 * below + tap % 2 * right + block.first;
          unroll<vectors>([&](auto k) {
            put<true, streams>(at + k * kLanes, select(equal(chosen[k], broadcast(tap)), v[k], vec{}), 1, block.lanes);
          });
        });
      });
    }
    if (2 * tiles == width) return;
    // The last column lies under half a window, or under none.
    clear(to, width - 2 * tiles);
    if (two) clear(to + below, width - 2 * tiles);
    if (tiles == g.outSize[1]) return;
    for (int64_t c = 0; c < g.channels; ++c) {
      if (index[c] % 2 == 0 && (two || index[c] == 0)) to[index[c] / 2 * below + c] = gy[c];
    }
  });
}

// ---------------------------------------------------------------- windows that overlap

/** A window over a pixel: which of its elements that is, and where its channels lie, from the pixel's base on. */
struct Over {
  ptrdiff_t gy, index;
  int32_t tap;
};
struct OverList {
  const Over* first;
  int count;
};

/** Channels of a pixel of gx, given the windows over it and the base of those. */
template <class Index, bool contiguous, bool streams>
FOVEA_INLINE void gather(const Maps<Index>& m, const OverList& list, const float* gy, const Index* index, float* to,
                         int64_t channels) {
  const ptrdiff_t gc = contiguous ? 1 : m.gc, ic = contiguous ? 1 : m.ic, xc = contiguous ? 1 : m.xc;
  forEachVector<contiguous>(channels, [&](auto block) __attribute__((always_inline)) {
    constexpr int vectors = decltype(block)::vectors;
    const int64_t c = block.first;
    vec sum[vectors];
    for (vec& s : sum) s = vec{};
    for (const Over *over = list.first, *end = over + list.count; over < end; ++over) {
      const Index* chosen = index + over->index + c * ic;
      const float* from = gy + over->gy + c * gc;
      const ivec tap = broadcast(over->tap);
      unroll<vectors>([&](auto k) {
        const mask here = equal(loadIndex<contiguous>(chosen + k * kLanes, ic, block.lanes), tap);
        vec v = loadChannels<contiguous>(from + k * kLanes, gc, block.lanes);
#if defined(__AVX512F__)
        asm("" : "+v"(v));  // a load under the mask would begin only when the index has come from memory
#endif
        sum[k] += select(here, v, vec{});
      });
    }
    unroll<vectors>([&](auto k) {
      put<contiguous, streams>(to + c * xc + k * kLanes, sum[k], xc, block.lanes);
    });
  });
}

/** What a thread lists for a row of gx. */
struct Own {
  Over* over;
  OverList* byPhase;
  Own(Carver& carver, const PoolGeometry& g) {
    over = carver.take<Over>(g.kernelSize[0] * g.kernelSize[1]);
    byPhase = carver.take<OverList>(g.stride[1]);
  }
};

template <class Index, bool contiguous, bool streams>
void gatherAll(const MaxPool2dGradArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const Maps<Index> m(args, frame);
  const WindowLists lists(frame.scratch, g);
  const int64_t stride = g.stride[1], padding = g.padding[1];
  // Pixels [first, last) have all windows that pixels of their phase, (column + padding) mod stride, can have.
  const int64_t first = std::max<int64_t>(0, (g.kernelSize[1] - 1) * g.dilation[1] - padding);
  const int64_t last = std::min(g.inSize[1], g.outSize[1] * stride - padding);
  const bool inRuns = contiguous && stride == 1 && m.gs[3] == g.channels && m.is[3] == g.channels && m.xs[3] == g.channels;

  forEachRow<streams>(frame, g, g.inSize[0], [&](int64_t n, int64_t ih, int thread) {
    const float* gy = m.gy + n * m.gs[0];
    const Index* index = m.index + n * m.is[0];
    float* gx = m.gx + n * m.xs[0] + ih * m.xs[2];
    const auto listAt = [&](int64_t iw, Over* to) {
      const int64_t base = (iw + padding) / stride;
      OverList list{to, 0};
      lists.each(ih, iw, [&](const Window& row, const Window& column) {
        const int64_t across = column.output - base;
        to[list.count++] = {row.output * m.gs[2] + across * m.gs[3], row.output * m.is[2] + across * m.is[3],
                            static_cast<int32_t>(row.element * g.kernelSize[1] + column.element)};
      });
      return list;
    };
    const auto pixel = [&](int64_t iw, const OverList& list, int64_t channels) __attribute__((always_inline)) {
      const int64_t base = (iw + padding) / stride;
      gather<Index, contiguous, streams>(m, list, gy + base * m.gs[3], index + base * m.is[3], gx + iw * m.xs[3], channels);
    };
    Carver carver(frame.own(thread));
    const Own own(carver, g);
    Over* const over = own.over;
    for (int64_t iw = 0; iw < std::min(first, g.inSize[1]); ++iw) pixel(iw, listAt(iw, over), g.channels);
    if (inRuns && last > first) {
      pixel(first, listAt(first, over), (last - first) * g.channels);
    } else if (last > first) {
      int listed = 0;
      for (int64_t i = 0; i < std::min(stride, last - first); ++i) {
        own.byPhase[i] = listAt(first + i, over + listed);
        listed += own.byPhase[i].count;
      }
      for (int64_t iw = first, phase = 0; iw < last; ++iw) {
        pixel(iw, own.byPhase[phase], g.channels);
        if (++phase == stride) phase = 0;
      }
    }
    for (int64_t iw = std::max(first, last); iw < g.inSize[1]; ++iw) pixel(iw, listAt(iw, over), g.channels);
  });
}

}  // namespace

const char* maxPool2dGrad(const MaxPool2dGradArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const bool contiguous = channelStrideOf(args.gy, g) == 1 && channelStrideOf(args.index, g) == 1 &&
                          channelStrideOf(args.gx, g) == 1;
  const bool bytes = args.index.dtype == kU8;
  if (!contiguous) {
    if (bytes) gatherAll<uint8_t, false, false>(args, frame);
    else gatherAll<int32_t, false, false>(args, frame);
  } else if (!bytes) {
    gatherAll<int32_t, true, false>(args, frame);
  } else {
    byFlag(canStream(args.gx, frame.at<float>(args.gx), g, g.inSize), [&](auto streams) {
      if (isTwoByTwo(g)) spreadTiles<streams>(args, frame);
      else gatherAll<uint8_t, true, streams>(args, frame);
    });
  }
  return nullptr;
}

ScratchBytes maxPool2dGradScratch(const MaxPool2dGradArgs& args, int) {
  Carver carver(nullptr);
  Own(carver, args.geometry);
  return {WindowLists::bytes(args.geometry), carver.used()};
}

}  // namespace fovea::FOVEA_ISA
