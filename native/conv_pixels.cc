// See conv_pixels.h. A row of the product is a filter, its depth runs over the filter's weights as they lie
// (channel, kernel row, kernel column), its columns are the pixels of the whole batch.
#include "conv_pixels.h"
#include <algorithm>
#include "conv_direct.h"

namespace fovea::FOVEA_ISA {

namespace {

struct FewPixels {
  const ConvGeometry& g;
  int64_t channels, filters, taps, depth;  // of one group
  int64_t pixels;
  Panels columns;  // of the pixels
  int64_t padded;
  Reader reader;
  int64_t bandRows;  // of an image
  int64_t rows;      // filters of a task

  float *band, *panels, *sums;  // panels: [group][panel][depth][width]; sums: [filter][pixel]
  ptrdiff_t *weightAt, *filterAt, *sumAt, *tapAt, *pixelAt, *resultAt;
  ScratchBytes bytes;

  FewPixels(const Conv2dArgs& args, const float* x, char* scratch, int threads)
      : g(args.geometry),
        channels(g.inChannels / g.groups),
        filters(g.outChannels / g.groups),
        taps(g.kernelSize[0] * g.kernelSize[1]),
        depth(channels * taps),
        pixels(g.batch * g.outSize[0] * g.outSize[1]),
        columns(pixels),
        padded(columns.padded()),
        reader(imagesOf(args.x, x, g.inChannels, g.inSize), -g.padding[1],
               (g.outSize[1] - 1) * g.stride[1] + (g.kernelSize[1] - 1) * g.dilation[1] + 1 - g.padding[1]),
        bandRows((g.outSize[0] - 1) * g.stride[0] + (g.kernelSize[0] - 1) * g.dilation[0] + 1),
        rows(threads == 1 ? filters : std::min(roundUp(divideUp(filters, 4 * threads), kTileRows), filters)) {
    Carver carver(scratch);
    band = carver.take<float>(g.batch * bandRows * reader.row);
    panels = carver.take<float>(g.groups * depth * padded);
    sums = carver.take<float>(g.outChannels * padded);
    weightAt = carver.take<ptrdiff_t>(depth);
    filterAt = carver.take<ptrdiff_t>(filters);
    sumAt = carver.take<ptrdiff_t>(filters);
    tapAt = carver.take<ptrdiff_t>(taps);
    pixelAt = carver.take<ptrdiff_t>(pixels);
    resultAt = carver.take<ptrdiff_t>(pixels);
    bytes = {carver.used(), 0};
  }

  void fillTables(const Conv2dArgs& args) const {
    windowOffsets(tapAt, g.kernelSize, 1, g.dilation[0] * reader.row, g.dilation[1] * reader.column, 0);
    for (int64_t c = 0; c < channels; ++c) {
      windowOffsets(weightAt + c * taps, g.kernelSize, 1, args.w.strides[2], args.w.strides[3], 0);
      for (int64_t tap = 0; tap < taps; ++tap) weightAt[c * taps + tap] += c * args.w.strides[1];
    }
    ramp(filterAt, filters, args.w.strides[0]);
    ramp(sumAt, filters, padded);
    pixelOffsets(pixelAt, g.batch, g.outSize[0], g.outSize[1], bandRows * reader.row, g.stride[0] * reader.row,
                 g.stride[1] * reader.column);
    pixelOffsets(resultAt, g.batch, g.outSize[0], g.outSize[1], args.y.strides[0], args.y.strides[2],
                 args.y.strides[3]);
  }

  /** Channels [first, last) of a group's windows, as rows of all its panels. */
  void packWindows(int64_t group, int64_t first, int64_t last) const {
    const float* from = band + group * channels;
    for (int64_t panel = 0; panel < columns.count; ++panel) {
      const int64_t start = columns.start(panel), width = columns.width(panel);
      const int64_t count = columns.columnsOf(panel, panel + 1);
      const ptrdiff_t* at = pixelAt + start;
      float* to = panels + (group * padded + start) * depth + first * taps * width;
      for (int64_t c = first; c < last; ++c) {
        for (int64_t tap = 0; tap < taps; ++tap, to += width) {
          const float* window = from + tapAt[tap] + c;
          for (int64_t j = 0; j < count; ++j) to[j] = window[at[j]];
          std::fill(to + count, to + width, 0.0f);
        }
      }
    }
  }

  /** Filters [first, last) of a group, at all pixels; `y` is where the first of them has its results. */
  void convolve(int64_t group, int64_t first, int64_t last, const float* w, const float* bias, ptrdiff_t biasStep,
                bool isRelu, float* y, ptrdiff_t yChannel) const {
    Product product;
    product.m = last - first, product.depth = depth;
    product.a = w, product.aRow = filterAt + first, product.aDepth = weightAt;
    product.b = panels + group * padded * depth;
    product.c = sums + group * filters * padded, product.cRow = sumAt + first;
    multiply(product, columns, 0, columns.count);
    for (int64_t f = first; f < last; ++f) {
      float* sum = product.c + f * padded;
      const vec added = broadcast(bias ? bias[(f - first) * biasStep] : 0.0f);
      for (int64_t j = 0; j < pixels; j += kLanes) {
        const vec v = load(sum + j) + added;
        store(sum + j, isRelu ? relu(v) : v);
      }
    }
    for (int64_t j = 0; j < pixels; ++j) {
      float* to = y + resultAt[j];
      for (int64_t f = first; f < last; ++f) to[(f - first) * yChannel] = product.c[f * padded + j];
    }
  }
};

}  // namespace

const char* conv2dFewPixels(const Conv2dArgs& args, const Frame& frame) {
  const ConvGeometry& g = args.geometry;
  const FewPixels f(args, frame.at<float>(args.x), frame.scratch, frame.pool.threads());
  if (f.pixels == 0) return nullptr;
  const float *w = frame.at<float>(args.w), *bias = frame.at<float>(args.bias);
  float* y = frame.at<float>(args.y);
  const ptrdiff_t yChannel = channelStride(args.y, g.outChannels);

  f.fillTables(args);
  frame.pool.run(
      static_cast<int>(g.batch),
      [&](int n, int) { f.reader.read(f.band + n * f.bandRows * f.reader.row, n, 1, -g.padding[0], f.bandRows); },
      8.0 * static_cast<double>(g.batch * f.bandRows * f.reader.row));
  constexpr int64_t kChannels = kLineFloats;  // of a task
  const int64_t chunks = divideUp(f.channels, kChannels);
  frame.pool.run(
      static_cast<int>(g.groups * chunks),
      [&](int task, int) {
        const int64_t first = task % chunks * kChannels;
        f.packWindows(task / chunks, first, std::min(first + kChannels, f.channels));
      },
      8.0 * static_cast<double>(g.groups * f.depth * f.pixels));
  const int64_t parts = divideUp(f.filters, f.rows);
  frame.pool.run(
      static_cast<int>(g.groups * parts),
      [&](int task, int) {
        const int64_t group = task / parts, first = task % parts * f.rows;
        const int64_t filter = group * f.filters + first;
        f.convolve(group, first, std::min(first + f.rows, f.filters), w + group * f.filters * args.w.strides[0],
                   bias ? bias + filter * args.bias.strides[0] : nullptr, args.bias.strides[0],
                   args.activation == kRelu, y + filter * yChannel, yChannel);
      },
      workOf(g));
  return nullptr;
}

ScratchBytes conv2dFewPixelsScratch(const Conv2dArgs& args, int threads) {
  return FewPixels(args, nullptr, nullptr, threads).bytes;
}

}  // namespace fovea::FOVEA_ISA
