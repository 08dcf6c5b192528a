// avgPool2d and avgPool2dGrad, a row at a time, by vectors of neighbouring channels.
//
// Windows of 2 × 2 that tile the input are done in loops of their own, for few channels too: vectors then
// reach past their pixel, and what they write there the next pixel overwrites. At the end of a row, where
// that would be another row's or nobody's, it goes by single channels.
#include <algorithm>
#include "conv.h"
#include "kernels.h"
#include "pool.h"

namespace fovea::FOVEA_ISA {

namespace {

bool areContiguous(const Operand& a, const Operand& b, const PoolGeometry& g) {
  return channelStrideOf(a, g) == 1 && channelStrideOf(b, g) == 1;
}

/** Whether all channels of a row's pixels lie one after the other. */
bool isDense(const Operand& operand, const PoolGeometry& g) {
  return channelStrideOf(operand, g) == 1 && operand.strides[3] == g.channels;
}

/** Maps of 2 × 2 windows, two apart. */
struct Tiles {
  int64_t rows = 0, columns = 0;  // of windows that lie inside whole; none where these maps are others
  int64_t inner = 0;              // columns from whose pixels whole vectors may reach into the next
  int64_t channels;
  bool narrow;  // half a vector takes a pixel, and less of that lies across the lines of a cache

  Tiles(const PoolGeometry& g, bool areDense) : channels(g.channels), narrow(g.channels <= kLanes / 2) {
    for (int axis = 0; axis < 2; ++axis) {
      if (g.kernelSize[axis] != 2 || g.stride[axis] != 2 || g.padding[axis] != 0 || g.dilation[axis] != 1) return;
    }
    if (channels == 0 || !areDense) return;
    const int64_t past = roundUp(channels, narrow ? kLanes / 2 : kLanes) - channels;
    rows = std::min(g.outSize[0], g.inSize[0] / 2);
    columns = std::min(g.outSize[1], g.inSize[1] / 2);
    inner = std::max<int64_t>(columns - divideUp(past, channels), 0);
  }
};

/** So many floats at any address. */
template <int lanes>
struct Floats {
  typedef float type __attribute__((vector_size(4 * lanes), aligned(4), may_alias));
};
template <int lanes>
FOVEA_INLINE typename Floats<lanes>::type& floatsAt(float* p) {
  return *reinterpret_cast<typename Floats<lanes>::type*>(p);
}
template <int lanes>
FOVEA_INLINE const typename Floats<lanes>::type& floatsAt(const float* p) {
  return *reinterpret_cast<const typename Floats<lanes>::type*>(p);
}

// ---------------------------------------------------------------- forward

/** A row of means of tiles, from the two rows of the input above it. */
template <int lanes>
FOVEA_INLINE void poolTiles(const Tiles& tiles, const float* top, const float* bottom, float* y) {
  const int64_t channels = tiles.channels;
  int64_t ow = 0;
  for (; ow < tiles.inner; ++ow, top += 2 * channels, bottom += 2 * channels, y += channels) {
    for (int64_t c = 0; c < channels; c += lanes) {
      const auto left = floatsAt<lanes>(top + c) + floatsAt<lanes>(bottom + c);
      const auto right = floatsAt<lanes>(top + channels + c) + floatsAt<lanes>(bottom + channels + c);
      floatsAt<lanes>(y + c) = (left + right) * 0.25f;
    }
  }
  for (; ow < tiles.columns; ++ow, top += channels, bottom += channels) {
    for (int64_t c = 0; c < channels; ++c, ++top, ++bottom) {
      *y++ = ((*top + *bottom) + (top[channels] + bottom[channels])) * 0.25f;
    }
  }
}

/** The windows of a column of results. */
struct Column {
  Span elements;  // inside the input
  float count;    // as the divisor counts them
};

template <bool contiguous>
void pool(const AvgPool2dArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const int64_t *xs = args.x.strides, *ys = args.y.strides;
  const ptrdiff_t xc = contiguous ? 1 : channelStrideOf(args.x, g), yc = contiguous ? 1 : channelStrideOf(args.y, g);
  const ptrdiff_t below = g.dilation[0] * xs[2], right = g.dilation[1] * xs[3];
  const auto countOf = [&](int axis, int64_t o) {
    return static_cast<float>(windowSpan(g, axis, o, args.countPadding ? g.padding[axis] : 0).count());
  };
  auto* const columns = reinterpret_cast<Column*>(frame.scratch);
  for (int64_t ow = 0; ow < g.outSize[1]; ++ow) columns[ow] = {windowSpan(g, 1, ow), countOf(1, ow)};
  const Tiles tiles(g, isDense(args.x, g) && isDense(args.y, g));

  forEachRow(frame, g, g.outSize[0], [&](int64_t n, int64_t oh, int) {
    const Span rows = windowSpan(g, 0, oh);
    const float rowCount = countOf(0, oh);
    const float* const x =
        frame.at<float>(args.x) + n * xs[0] + (oh * g.stride[0] - g.padding[0]) * xs[2] - g.padding[1] * xs[3];
    float* const y = frame.at<float>(args.y) + n * ys[0] + oh * ys[2];
    const bool tiled = oh < tiles.rows;
    if (tiled && tiles.narrow) poolTiles<kLanes / 2>(tiles, x, x + xs[2], y);
    else if (tiled) poolTiles<kLanes>(tiles, x, x + xs[2], y);
    for (int64_t ow = tiled ? tiles.columns : 0; ow < g.outSize[1]; ++ow) {
      const Span across = columns[ow].elements;
      const vec count = broadcast(std::max(rowCount * columns[ow].count, 1.0f));  // the mean of nothing is 0
      forEachVector<contiguous>(g.channels, [&](auto block) __attribute__((always_inline)) {
        constexpr int vectors = decltype(block)::vectors;
        const float* const window = x + ow * g.stride[1] * xs[3] + block.first * xc;
        vec sum[vectors]{};
        for (int64_t j = across.first; j < across.last; ++j) {
          vec column[vectors]{};
          for (int64_t i = rows.first; i < rows.last; ++i) {
            const float* at = window + i * below + j * right;
            unroll<vectors>([&](auto k) { column[k] += loadChannels<contiguous>(at + k * kLanes, xc, block.lanes); });
          }
          unroll<vectors>([&](auto k) { sum[k] += column[k]; });
        }
        float* const to = y + ow * ys[3] + block.first * yc;
        unroll<vectors>([&](auto k) { storeChannels<contiguous>(to + k * kLanes, sum[k] / count, yc, block.lanes); });
      });
    }
  });
}

}  // namespace

const char* avgPool2d(const AvgPool2dArgs& args, const Frame& frame) {
  if (areContiguous(args.x, args.y, args.geometry)) pool<true>(args, frame);
  else pool<false>(args, frame);
  return nullptr;
}

ScratchBytes avgPool2dScratch(const AvgPool2dArgs& args, int) {
  return {sizeof(Column) * static_cast<size_t>(args.geometry.outSize[1]), 0};
}

// ---------------------------------------------------------------- gradient

namespace {

/** The two rows of the input under a row of tiles. */
template <int lanes>
FOVEA_INLINE void spreadTiles(const Tiles& tiles, const float* gy, float* top, float* bottom) {
  const int64_t channels = tiles.channels;
  int64_t ow = 0;
  for (; ow < tiles.inner; ++ow, gy += channels, top += 2 * channels, bottom += 2 * channels) {
    // First the left pixel's last vector, which reaches into the right pixel, and then that.
    for (int64_t c = 0; c < channels; c += lanes) {
      floatsAt<lanes>(top + c) = floatsAt<lanes>(bottom + c) = floatsAt<lanes>(gy + c) * 0.25f;
    }
    for (int64_t c = 0; c < channels; c += lanes) {
      floatsAt<lanes>(top + channels + c) = floatsAt<lanes>(bottom + channels + c) = floatsAt<lanes>(gy + c) * 0.25f;
    }
  }
  for (; ow < tiles.columns; ++ow, top += channels, bottom += channels) {
    for (int64_t c = 0; c < channels; ++c, ++top, ++bottom) {
      *top = *bottom = top[channels] = bottom[channels] = *gy++ * 0.25f;
    }
  }
}

/** Positions [first, last) of an axis that lie under the same windows. */
struct Group {
  int32_t first, last;
};

/** The lists of windows, and the groups of rows (0) and of columns (1) that they make. */
struct Gathering {
  Group* groups[2];
  int64_t counts[2];
  char* lists;
  bool isDense;  // gy; else each thread makes its row so
  ScratchBytes bytes;

  Gathering(const AvgPool2dGradArgs& args, char* scratch) : isDense(fovea::FOVEA_ISA::isDense(args.gy, args.geometry)) {
    const PoolGeometry& g = args.geometry;
    Carver shared(scratch);
    for (int axis = 0; axis < 2; ++axis) groups[axis] = shared.take<Group>(g.inSize[axis]);
    lists = shared.take<char>(static_cast<int64_t>(WindowLists::bytes(g)));
    Carver own(nullptr);
    if (!isDense) own.take<float>(g.outSize[1] * g.channels);
    bytes = {shared.used(), own.used()};
  }
  void fill(const PoolGeometry& g, const WindowLists& windows) {
    for (int axis = 0; axis < 2; ++axis) {
      counts[axis] = 0;
      for (int32_t i = 0; i < g.inSize[axis]; ++i) {
        if (i == 0 || !windows.sameOutputs(axis, i - 1, i)) groups[axis][counts[axis]++] = {i, i};
        groups[axis][counts[axis] - 1].last = i + 1;
      }
    }
  }
};

// Each position gathers from the windows over it. Positions under the same windows, like the four under
// one of 2 × 2 that tile the input, are computed once.
template <bool contiguous>
void gather(const AvgPool2dGradArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const int64_t *gs = args.gy.strides, *xs = args.gx.strides;
  const ptrdiff_t gc = contiguous ? 1 : channelStrideOf(args.gy, g), xc = contiguous ? 1 : channelStrideOf(args.gx, g);
  Gathering gathering(args, frame.scratch);
  const WindowLists windows(gathering.lists, g, args.countPadding);
  gathering.fill(g, windows);
  const Tiles tiles(g, isDense(args.gx, g));
  const auto denseRow = [&](const float* gy, int thread) {
    if (gathering.isDense) return gy;
    float* const row = Carver(frame.own(thread)).take<float>(g.outSize[1] * g.channels);
    for (int64_t c = 0; c < g.channels; ++c, gy += gs[1]) {
      for (int64_t ow = 0; ow < tiles.columns; ++ow) row[ow * g.channels + c] = gy[ow * gs[3]];
    }
    return static_cast<const float*>(row);
  };

  forEachRow(frame, g, gathering.counts[0], [&](int64_t n, int64_t rowGroup, int thread) {
    const Group rows = gathering.groups[0][rowGroup];
    const float* const gy = frame.at<float>(args.gy) + n * gs[0];
    float* const gx = frame.at<float>(args.gx) + n * xs[0] + rows.first * xs[2];
    const bool tiled = rowGroup < tiles.rows;
    if (tiled) {
      const float* const row = denseRow(gy + rowGroup * gs[2], thread);
      if (tiles.narrow) spreadTiles<kLanes / 2>(tiles, row, gx, gx + xs[2]);
      else spreadTiles<kLanes>(tiles, row, gx, gx + xs[2]);
    }
    for (int64_t columnGroup = tiled ? tiles.columns : 0; columnGroup < gathering.counts[1]; ++columnGroup) {
      const Group columns = gathering.groups[1][columnGroup];
      forEachVector<contiguous>(g.channels, [&](auto block) __attribute__((always_inline)) {
        constexpr int vectors = decltype(block)::vectors;
        vec sum[vectors]{};
        windows.over(1, columns.first, [&](const Window& across) __attribute__((always_inline)) {
          vec column[vectors]{};
          windows.over(0, rows.first, [&](const Window& down) __attribute__((always_inline)) {
            const float* from = gy + down.output * gs[2] + across.output * gs[3] + block.first * gc;
            const vec share = broadcast(down.share * across.share);
            unroll<vectors>([&](auto k) {
              column[k] += share * loadChannels<contiguous>(from + k * kLanes, gc, block.lanes);
            });
          });
          unroll<vectors>([&](auto k) { sum[k] += column[k]; });
        });
        for (int64_t i = 0; i < rows.last - rows.first; ++i) {
          for (int64_t j = columns.first; j < columns.last; ++j) {
            float* to = gx + i * xs[2] + j * xs[3] + block.first * xc;
            unroll<vectors>([&](auto k) { storeChannels<contiguous>(to + k * kLanes, sum[k], xc, block.lanes); });
          }
        }
      });
    }
  });
}

}  // namespace

const char* avgPool2dGrad(const AvgPool2dGradArgs& args, const Frame& frame) {
  if (areContiguous(args.gy, args.gx, args.geometry)) gather<true>(args, frame);
  else gather<false>(args, frame);
  return nullptr;
}

ScratchBytes avgPool2dGradScratch(const AvgPool2dGradArgs& args, int) {
  return Gathering(args, nullptr).bytes;
}

}  // namespace fovea::FOVEA_ISA
