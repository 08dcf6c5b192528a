// conv2d and conv2dGradInput with images in the lanes (see conv_lanes.h). With stride 1 the gradient
// of the input is a forward convolution too: of gy, by the flipped filters of swapped channels, with
// padding dilation · (kernel − 1) − padding.
//
// A register tile is all of a group's result channels × a few neighbouring pixels of kLanes images.
// For each tap it loads one vector a pixel and broadcasts one weight a channel. Taps that meet
// nothing but padding for the whole tile are left out.
#include <algorithm>
#include <array>
#include "conv_lanes.h"

namespace fovea::FOVEA_ISA {

namespace {

/** A forward convolution, whichever it was. */
struct Correlation {
  int64_t batch, groups, channels, columns;  // of one group: inputs, results
  int64_t kernel[2], stride[2], dilation[2], padding[2], outSize[2];
  Images in, out, mask;  // the mask has no data if there is none
  // Element (group, column, channel, i, j) of the filters lies at the sum of these times the indices.
  ptrdiff_t wFirst, wGroup, wColumn, wChannel, wTap[2];
  bool relu;
};

Correlation forwardOf(const Conv2dArgs& args, const float* x) {
  const ConvGeometry& g = args.geometry;
  const int64_t* w = args.w.strides;
  const int64_t columns = g.outChannels / g.groups;
  return {g.batch, g.groups, g.inChannels / g.groups, columns,
          {g.kernelSize[0], g.kernelSize[1]}, {g.stride[0], g.stride[1]},
          {g.dilation[0], g.dilation[1]}, {g.padding[0], g.padding[1]},
          {g.outSize[0], g.outSize[1]},
          imagesOf(args.x, x, g.inChannels, g.inSize), imagesOf(args.y, nullptr, g.outChannels, g.outSize),
          {}, 0, columns * w[0], w[0], w[1], {w[2], w[3]}, args.activation == kRelu};
}

Correlation backwardOf(const Conv2dGradInputArgs& args, const float* gy, const float* mask) {
  const ConvGeometry& g = args.geometry;
  const int64_t* w = args.w.strides;
  const int64_t channels = g.outChannels / g.groups, last[2] = {g.kernelSize[0] - 1, g.kernelSize[1] - 1};
  return {g.batch, g.groups, channels, g.inChannels / g.groups,
          {g.kernelSize[0], g.kernelSize[1]}, {1, 1}, {g.dilation[0], g.dilation[1]},
          {last[0] * g.dilation[0] - g.padding[0], last[1] * g.dilation[1] - g.padding[1]},
          {g.inSize[0], g.inSize[1]},
          imagesOf(args.gy, gy, g.outChannels, g.outSize), imagesOf(args.gx, nullptr, g.inChannels, g.inSize),
          imagesOf(args.mask, mask, g.inChannels, g.inSize),
          last[0] * w[2] + last[1] * w[3], channels * w[0], w[1], w[0], {-w[2], -w[3]}, false};
}

/** The taps of a tile: rows of segments of `length` neighbouring vectors. */
struct Taps {
  int64_t rows, segments, length;
  ptrdiff_t xRow, xSegment, wRow;
};

template <int rows, int pixels>
void tile(const Taps& taps, const float* x, ptrdiff_t xPixel, const float* w, const float* bias,
          bool activate, float* y, ptrdiff_t yPixel) {
  vec sum[rows][pixels];
  unroll<rows>([&](auto r) { unroll<pixels>([&](auto p) { sum[r][p] = vec{}; }); });
  for (int64_t i = 0; i < taps.rows; ++i) {
    const float* weight = w + i * taps.wRow;
    for (int64_t s = 0; s < taps.segments; ++s) {
      const float* at = x + i * taps.xRow + s * taps.xSegment;
      for (int64_t k = 0; k < taps.length; ++k, at += kLanes, weight += rows) {
        vec pixel[pixels];
        unroll<pixels>([&](auto p) { pixel[p] = load(at + p * xPixel); });
        unroll<rows>([&](auto r) {
          const vec factor = broadcast(weight[r]);
          unroll<pixels>([&](auto p) { sum[r][p] += factor * pixel[p]; });
        });
      }
    }
  }
  unroll<rows>([&](auto r) {
    unroll<pixels>([&](auto p) {
      vec v = sum[r][p];
      if (bias) v += broadcast(bias[r]);
      store(y + p * yPixel + r * kLanes, activate ? relu(v) : v);
    });
  });
}

using Tile = void (*)(const Taps&, const float*, ptrdiff_t, const float*, const float*, bool, float*,
                      ptrdiff_t);
constexpr int kMostPixels = laneVectors(1);

template <int rows, int... pixel>
constexpr std::array<Tile, kMostPixels> tilesOf(std::integer_sequence<int, pixel...>) {
  return {&tile<rows, pixel + 1>...};
}
template <int... row>
constexpr std::array<std::array<Tile, kMostPixels>, sizeof...(row)> allTiles(
    std::integer_sequence<int, row...>) {
  return {tilesOf<row + 1>(std::make_integer_sequence<int, laneVectors(row + 1)>{})...};
}
constexpr auto kTiles = allTiles(std::make_integer_sequence<int, kMostLaneColumns>{});

/** Taps [first, last) along an axis. */
struct Range {
  int64_t first, last;
  int64_t count() const { return last - first; }
};

/** The taps with which any of results [from, to] can reach inside the input. */
Range tapsInside(const Correlation& g, int axis, int64_t size, int64_t from, int64_t to) {
  const int64_t d = g.dilation[axis], before = g.padding[axis] - to * g.stride[axis];
  const int64_t after = size + g.padding[axis] - from * g.stride[axis];
  const int64_t first = before > 0 ? divideUp(before, d) : 0;
  const int64_t last = after > 0 ? std::min(g.kernel[axis], divideUp(after, d)) : 0;
  return {first, std::max(first, last)};
}

struct Layout {
  const Correlation g;
  LaneReader reader;
  LaneTiling tiling;
  EvenSplit split;  // of a row of results into tiles
  int64_t extent, depth;
  float *weights, *bias;  // [group][i][j][channel][column], [group][column]
  Range* across;          // of each tile of a row: its taps that reach inside the image
  ScratchBytes bytes;

  Layout(const Correlation& g, char* scratch, int threads)
      : g(g), split(g.outSize[1], laneVectors(static_cast<int>(g.columns))) {
    const int64_t reach = (g.kernel[1] - 1) * g.dilation[1];
    reader = {g.in, -g.padding[1], (g.outSize[1] - 1) * g.stride[1] + reach + 1};
    extent = (g.kernel[0] - 1) * g.dilation[0] + 1;
    depth = g.kernel[0] * g.kernel[1] * g.channels;
    tiling = tileLanes(g.batch, g.outSize[0], g.stride[0], extent, reader.rowFloats(),
                       threads == 1 ? 1 : 4 * threads);
    Carver shared(scratch);
    weights = shared.take<float>(g.groups * depth * g.columns);
    bias = shared.take<float>(g.groups * g.columns);
    across = shared.take<Range>(split.parts);
    Carver own(nullptr);
    own.take<float>(bandFloats());
    own.take<float>(rowFloats());
    own.take<float>(rowFloats());
    bytes = {shared.used(), own.used()};
  }
  int64_t bandFloats() const {
    return ((tiling.rows - 1) * g.stride[0] + extent) * reader.rowFloats();
  }
  int64_t rowFloats() const { return g.outSize[1] * g.groups * g.columns * kLanes; }

  void pack(const float* w) const {
    float* to = weights;
    for (int64_t group = 0; group < g.groups; ++group) {
      for (int64_t i = 0; i < g.kernel[0]; ++i) {
        for (int64_t j = 0; j < g.kernel[1]; ++j) {
          for (int64_t c = 0; c < g.channels; ++c) {
            const float* from = w + g.wFirst + group * g.wGroup + i * g.wTap[0] + j * g.wTap[1] + c * g.wChannel;
            for (int64_t o = 0; o < g.columns; ++o) *to++ = from[o * g.wColumn];
          }
        }
      }
    }
  }
};

void correlate(const Layout& f, const Frame& frame, const float* w, const float* bias,
               ptrdiff_t biasStep, float* out) {
  const Correlation& g = f.g;
  f.pack(w);
  const int64_t results = g.groups * g.columns;
  if (bias) {
    for (int64_t o = 0; o < results; ++o) f.bias[o] = bias[o * biasStep];
  }
  for (int64_t i = 0; i < f.split.parts; ++i) {
    f.across[i] = tapsInside(g, 1, g.in.width, f.split.start(i), f.split.start(i + 1) - 1);
  }
  const auto& tiles = kTiles[static_cast<size_t>(g.columns - 1)];
  const ptrdiff_t xRow = f.reader.rowFloats(), xPixel = g.in.channels * kLanes;
  // The taps of a kernel row are one run of vectors if nothing lies between them.
  const bool together = g.groups == 1 && g.dilation[1] == 1;

  const auto work = [&](int task, int thread) {
    const int64_t image = task / f.tiling.bands * kLanes;
    const int count = static_cast<int>(std::min<int64_t>(kLanes, g.batch - image));
    const int64_t firstRow = task % f.tiling.bands * f.tiling.rows;
    const int64_t lastRow = std::min(firstRow + f.tiling.rows, g.outSize[0]);
    Carver own(frame.own(thread));
    float* band = own.take<float>(f.bandFloats());
    float* results = own.take<float>(f.rowFloats());
    float* masks = own.take<float>(f.rowFloats());

    const int64_t from = std::max<int64_t>(firstRow * g.stride[0] - g.padding[0], 0);
    const int64_t to = std::min((lastRow - 1) * g.stride[0] - g.padding[0] + f.extent, g.in.height);
    for (int64_t i = from; i < to; ++i) f.reader.read(band + (i - from) * xRow, image, count, i);

    for (int64_t row = firstRow; row < lastRow; ++row) {
      const Range down = tapsInside(g, 0, g.in.height, row, row);
      const int64_t top = row * g.stride[0] - g.padding[0] + down.first * g.dilation[0] - from;
      for (int64_t part = 0; part < f.split.parts; ++part) {
        const int64_t pixel = f.split.start(part), pixels = f.split.start(part + 1) - pixel;
        const Range across = f.across[part];
        const Taps taps = {down.count(),
                           together ? 1 : across.count(),
                           together ? across.count() * g.channels : g.channels,
                           g.dilation[0] * xRow,
                           g.dilation[1] * xPixel,
                           g.kernel[1] * g.channels * g.columns};
        const float* x = band + top * xRow +
                         (pixel * g.stride[1] + across.first * g.dilation[1]) * xPixel;
        const int64_t tap = (down.first * g.kernel[1] + across.first) * g.channels;
        for (int64_t group = 0; group < g.groups; ++group) {
          tiles[static_cast<size_t>(pixels - 1)](
              taps, x + group * g.channels * kLanes, g.stride[1] * xPixel,
              f.weights + (group * f.depth + tap) * g.columns,
              bias ? f.bias + group * g.columns : nullptr, g.relu,
              results + (pixel * g.groups + group) * g.columns * kLanes,
              g.groups * g.columns * kLanes);
        }
      }
      if (g.mask.data) {
        LaneReader{g.mask, 0, g.outSize[1]}.read(masks, image, count, row);
        for (int64_t i = 0; i < f.rowFloats(); i += kLanes) {
          store(results + i, masked(load(results + i), load(masks + i)));
        }
      }
      writeLanes(out, g.out, results, image, count, row);
    }
  };
  frame.pool.run(static_cast<int>(f.tiling.tasks()), work,
                 2.0 * static_cast<double>(g.batch * results * g.outSize[0] * g.outSize[1] * f.depth));
}

bool fits(const Correlation& g) {
  return lanesPay(g.columns, g.batch) && Layout(g, nullptr, 1).tiling.rows > 0;
}

}  // namespace

bool conv2dInLanes(const Conv2dArgs& args) { return fits(forwardOf(args, nullptr)); }

ScratchBytes conv2dLanesScratch(const Conv2dArgs& args, int threads) {
  return Layout(forwardOf(args, nullptr), nullptr, threads).bytes;
}

const char* conv2dLanes(const Conv2dArgs& args, const Frame& frame) {
  const Correlation g = forwardOf(args, frame.at<float>(args.x));
  correlate(Layout(g, frame.scratch, frame.pool.threads()), frame, frame.at<float>(args.w),
            frame.at<float>(args.bias), args.bias.strides[0], frame.at<float>(args.y));
  return nullptr;
}

bool conv2dGradInputInLanes(const Conv2dGradInputArgs& args) {
  const ConvGeometry& g = args.geometry;
  return g.stride[0] == 1 && g.stride[1] == 1 && fits(backwardOf(args, nullptr, nullptr));
}

ScratchBytes conv2dGradInputLanesScratch(const Conv2dGradInputArgs& args, int threads) {
  return Layout(backwardOf(args, nullptr, nullptr), nullptr, threads).bytes;
}

const char* conv2dGradInputLanes(const Conv2dGradInputArgs& args, const Frame& frame) {
  const Correlation g = backwardOf(args, frame.at<float>(args.gy), frame.at<float>(args.mask));
  correlate(Layout(g, frame.scratch, frame.pool.threads()), frame, frame.at<float>(args.w), nullptr,
            0, frame.at<float>(args.gx));
  return nullptr;
}

}  // namespace fovea::FOVEA_ISA
