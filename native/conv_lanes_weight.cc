// conv2dGradWeight with images in the lanes (see conv_lanes.h), for few output channels a group.
//
// A register tile sums, over the pixels of a row of results, products of all of a group's output
// channels with a few neighbouring elements of the window; every lane sums for its own images. The
// sums of a chunk of the batch, [group][element of the window][output channel][lane], rest in the
// first-level cache from row to row. At the end chunks are added up in their order, and then lanes.
// The number of chunks follows from the shape alone.
#include <algorithm>
#include <array>
#include "conv_lanes.h"

namespace fovea::FOVEA_ISA {

namespace {

constexpr int64_t kMostChunks = 16;
/** Floats that all the chunks' sums together may take, unless one alone takes more. */
constexpr int64_t kChunkFloats = 4 << 20;
/** Pixels of a row that are summed at a time, so that what they read stays in the first-level cache. */
constexpr int64_t kPixels = 32;

template <int rows, int taps>
void tile(int64_t pixels, const float* gy, ptrdiff_t gyPixel, const float* x, ptrdiff_t xPixel,
          float* sums) {
  vec sum[taps][rows];
  unroll<taps>([&](auto t) {
    unroll<rows>([&](auto r) { sum[t][r] = load(sums + (t * rows + r) * kLanes); });
  });
  for (int64_t p = 0; p < pixels; ++p, gy += gyPixel, x += xPixel) {
    vec element[taps];
    unroll<taps>([&](auto t) { element[t] = load(x + t * kLanes); });
    unroll<rows>([&](auto r) {
      const vec gradient = load(gy + r * kLanes);
      unroll<taps>([&](auto t) { sum[t][r] += gradient * element[t]; });
    });
  }
  unroll<taps>([&](auto t) {
    unroll<rows>([&](auto r) { store(sums + (t * rows + r) * kLanes, sum[t][r]); });
  });
}

using Tile = void (*)(int64_t, const float*, ptrdiff_t, const float*, ptrdiff_t, float*);
constexpr int kMostTaps = laneVectors(1);

template <int rows, int... tap>
constexpr std::array<Tile, kMostTaps> tilesOf(std::integer_sequence<int, tap...>) {
  return {&tile<rows, tap + 1>...};
}
template <int... row>
constexpr std::array<std::array<Tile, kMostTaps>, sizeof...(row)> allTiles(
    std::integer_sequence<int, row...>) {
  return {tilesOf<row + 1>(std::make_integer_sequence<int, laneVectors(row + 1)>{})...};
}
constexpr auto kTiles = allTiles(std::make_integer_sequence<int, kMostLaneColumns>{});

struct Layout {
  const ConvGeometry& g;
  int64_t channels, columns, window;  // of one group: inputs, outputs, elements of a window
  LaneReader x, gy;
  LaneTiling tiling;
  int64_t extent, chunks, sumFloats;
  bool sumsBias;
  float *sums, *biasSums;  // biasSums of a chunk: [output channel][lane]
  ScratchBytes bytes;

  Layout(const Conv2dGradWeightArgs& args, const float* xData, const float* gyData, char* scratch)
      : g(args.geometry),
        channels(g.inChannels / g.groups),
        columns(g.outChannels / g.groups),
        window(channels * g.kernelSize[0] * g.kernelSize[1]),
        x{imagesOf(args.x, xData, g.inChannels, g.inSize), -g.padding[1],
          (g.outSize[1] - 1) * g.stride[1] + (g.kernelSize[1] - 1) * g.dilation[1] + 1},
        gy{imagesOf(args.gy, gyData, g.outChannels, g.outSize), 0, g.outSize[1]},
        extent((g.kernelSize[0] - 1) * g.dilation[0] + 1),
        sumsBias(args.gbias.buffer >= 0) {
    tiling = tileLanes(g.batch, g.outSize[0], g.stride[0], extent, x.rowFloats(), kMostChunks);
    sumFloats = g.groups * window * columns * kLanes;
    chunks = std::clamp<int64_t>(kChunkFloats / sumFloats, 1,
                                 std::min(kMostChunks, std::max<int64_t>(tiling.tasks(), 1)));
    Carver shared(scratch);
    sums = shared.take<float>(chunks * sumFloats);
    biasSums = shared.take<float>(sumsBias ? chunks * biasFloats() : 0);
    Carver own(nullptr);
    own.take<float>(bandFloats());
    own.take<float>(gy.rowFloats());
    bytes = {shared.used(), own.used()};
  }
  int64_t biasFloats() const { return g.outChannels * kLanes; }
  int64_t bandFloats() const { return ((tiling.rows - 1) * g.stride[0] + extent) * x.rowFloats(); }
};

/** Adds a row of gradients, [pixel][output channel][lane], to the sums of the bias. */
void sumRow(const Layout& f, const float* gradients, float* sums) {
  const int64_t pixel = f.biasFloats();
  for (int64_t o = 0; o < pixel; o += kLanes) {
    vec sum{};
    for (int64_t p = 0; p < f.g.outSize[1]; ++p) sum += load(gradients + p * pixel + o);
    store(sums + o, load(sums + o) + sum);
  }
}

/** Adds one task's images and rows to the sums of its chunk. */
void sumTask(const Layout& f, int64_t task, float* band, float* gradients, float* sums, float* biasSums) {
  const ConvGeometry& g = f.g;
  const int64_t image = task / f.tiling.bands * kLanes;
  const int count = static_cast<int>(std::min<int64_t>(kLanes, g.batch - image));
  const int64_t firstRow = task % f.tiling.bands * f.tiling.rows;
  const int64_t lastRow = std::min(firstRow + f.tiling.rows, g.outSize[0]);
  const int64_t from = std::max<int64_t>(firstRow * g.stride[0] - g.padding[0], 0);
  const int64_t to = std::min((lastRow - 1) * g.stride[0] - g.padding[0] + f.extent, g.inSize[0]);
  const ptrdiff_t xRow = f.x.rowFloats(), xPixel = g.inChannels * kLanes;
  for (int64_t i = from; i < to; ++i) f.x.read(band + (i - from) * xRow, image, count, i);

  // Elements of the window that are neighbours in the band: a kernel row, or a tap's channels.
  const bool together = g.groups == 1 && g.dilation[1] == 1;
  const int64_t segments = together ? 1 : g.kernelSize[1];
  const int64_t length = together ? g.kernelSize[1] * f.channels : f.channels;
  const EvenSplit split(length, laneVectors(static_cast<int>(f.columns)));
  const auto& tiles = kTiles[static_cast<size_t>(f.columns - 1)];

  for (int64_t row = firstRow; row < lastRow; ++row) {
    f.gy.read(gradients, image, count, row);
    if (f.sumsBias) sumRow(f, gradients, biasSums);
    for (int64_t pixel = 0; pixel < g.outSize[1]; pixel += kPixels) {
      const int64_t pixels = std::min(kPixels, g.outSize[1] - pixel);
      for (int64_t group = 0; group < g.groups; ++group) {
        const float* gy = gradients + (pixel * g.groups + group) * f.columns * kLanes;
        for (int64_t i = 0; i < g.kernelSize[0]; ++i) {
          const int64_t at = row * g.stride[0] - g.padding[0] + i * g.dilation[0];
          if (at < 0 || at >= g.inSize[0]) continue;
          for (int64_t s = 0; s < segments; ++s) {
            const float* x = band + (at - from) * xRow + group * f.channels * kLanes +
                             (pixel * g.stride[1] + s * g.dilation[1]) * xPixel;
            float* to = sums + (group * f.window + (i * segments + s) * length) * f.columns * kLanes;
            for (int64_t part = 0; part < split.parts; ++part) {
              const int64_t tap = split.start(part), taps = split.start(part + 1) - tap;
              tiles[static_cast<size_t>(taps - 1)](pixels, gy, g.outChannels * kLanes, x + tap * kLanes,
                                                   g.stride[1] * xPixel, to + tap * f.columns * kLanes);
            }
          }
        }
      }
    }
  }
}

}  // namespace

bool conv2dGradWeightInLanes(const Conv2dGradWeightArgs& args) {
  const ConvGeometry& g = args.geometry;
  return lanesPay(g.outChannels / g.groups, g.batch) &&
         Layout(args, nullptr, nullptr, nullptr).tiling.rows > 0;
}

ScratchBytes conv2dGradWeightLanesScratch(const Conv2dGradWeightArgs& args, int) {
  return Layout(args, nullptr, nullptr, nullptr).bytes;
}

const char* conv2dGradWeightLanes(const Conv2dGradWeightArgs& args, const Frame& frame) {
  const ConvGeometry& g = args.geometry;
  const Layout f(args, frame.at<float>(args.x), frame.at<float>(args.gy), frame.scratch);
  const auto sumChunk = [&](int chunk, int thread) {
    Carver own(frame.own(thread));
    float* band = own.take<float>(f.bandFloats());
    float* gradients = own.take<float>(f.gy.rowFloats());
    float* sums = f.sums + chunk * f.sumFloats;
    float* biasSums = f.biasSums + chunk * f.biasFloats();
    std::fill(sums, sums + f.sumFloats, 0.0f);
    if (f.sumsBias) std::fill(biasSums, biasSums + f.biasFloats(), 0.0f);
    const int64_t tasks = f.tiling.tasks();
    for (int64_t task = chunk * tasks / f.chunks; task < (chunk + 1) * tasks / f.chunks; ++task) {
      sumTask(f, task, band, gradients, sums, biasSums);
    }
  };
  frame.pool.run(static_cast<int>(f.chunks), sumChunk, workOf(g));

  float* gw = frame.at<float>(args.gw);
  const int64_t* to = args.gw.strides;
  const auto finish = [&](int task, int) {  // a kernel row of a group
    const int64_t group = task / g.kernelSize[0], i = task % g.kernelSize[0];
    const float* sums = f.sums + task * (f.window / g.kernelSize[0]) * f.columns * kLanes;
    for (int64_t j = 0; j < g.kernelSize[1]; ++j) {
      for (int64_t c = 0; c < f.channels; ++c) {
        for (int64_t o = 0; o < f.columns; ++o, sums += kLanes) {
          vec sum = load(sums);
          for (int64_t chunk = 1; chunk < f.chunks; ++chunk) sum += load(sums + chunk * f.sumFloats);
          gw[(group * f.columns + o) * to[0] + c * to[1] + i * to[2] + j * to[3]] = sumLanes(sum);
        }
      }
    }
  };
  frame.pool.run(static_cast<int>(g.groups * g.kernelSize[0]), finish,
                 4.0 * static_cast<double>(f.chunks * f.sumFloats));
  if (!f.sumsBias) return nullptr;
  float* gbias = frame.at<float>(args.gbias);
  for (int64_t o = 0; o < g.outChannels; ++o) {
    vec sum = load(f.biasSums + o * kLanes);
    for (int64_t chunk = 1; chunk < f.chunks; ++chunk) {
      sum += load(f.biasSums + chunk * f.biasFloats() + o * kLanes);
    }
    gbias[o * args.gbias.strides[0]] = sumLanes(sum);
  }
  return nullptr;
}

}  // namespace fovea::FOVEA_ISA
