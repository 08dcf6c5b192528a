// avgPool2d and avgPool2dGrad, a row of results at a time.
//
// A row of an image, [column][channel], is one long run of floats where channels are last, so sums
// over the rows of windows need not know where a pixel ends; that takes whole vectors even of 6
// channels. Only the sums over the columns go pixel by pixel, by whole vectors that overlap: what a
// vector writes past its pixel, the next pixel overwrites. Rows of other layouts are copied first.
#include <algorithm>
#include "conv.h"
#include "kernels.h"
#include "pool.h"

namespace fovea::FOVEA_ISA {

namespace {

/** Whether a row lies in memory as [column][channel], without gaps. */
bool isDense(const Images& images) {
  return images.c == 1 && (images.w == images.channels || images.width == 1);
}

/** A row as [column][channel]: where it is, or a copy at `copy`. */
const float* readRow(const Images& images, int64_t image, int64_t row, float* copy) {
  const float* from = images.data + image * images.n + row * images.h;
  if (isDense(images)) return from;
  for (int64_t c = 0; c < images.channels; ++c) {
    for (int64_t j = 0; j < images.width; ++j) {
      copy[j * images.channels + c] = from[j * images.w + c * images.c];
    }
  }
  return copy;
}

void writeRow(float* data, const Images& images, const float* from, int64_t image, int64_t row) {
  float* to = data + image * images.n + row * images.h;
  if (isDense(images)) {
    std::copy_n(from, images.width * images.channels, to);
    return;
  }
  for (int64_t j = 0; j < images.width; ++j) {
    for (int64_t c = 0; c < images.channels; ++c) {
      to[j * images.w + c * images.c] = from[j * images.channels + c];
    }
  }
}

/** Scratch: tables of a call, and rows of each thread with room for a vector past their ends. */
struct Scratch {
  Span* columns;        // of each output column
  float* columnCounts;  // [output column][channel], as the divisor counts them; or 1 / that
  int32_t* groups;      // where each group of input rows under the same windows starts
  char *lists, *rows;
  size_t rowBytes, threadBytes, bytes;

  Scratch(const PoolGeometry& g, char* base, int threads) {
    Carver shared(base);
    columns = shared.take<Span>(g.outSize[1]);
    columnCounts = shared.take<float>(g.outSize[1] * g.channels + kLanes);
    groups = shared.take<int32_t>(g.inSize[0] + 1);
    lists = shared.take<char>(static_cast<int64_t>(WindowLists::bytes(g)));
    rows = base + shared.used();
    const int64_t floats = std::max(g.inSize[1], g.outSize[1]) * g.channels + kLanes;
    rowBytes = static_cast<size_t>(roundUp(4 * floats, 64));
    threadBytes = 3 * rowBytes;
    bytes = shared.used() + static_cast<size_t>(threads) * threadBytes;
  }
  float* row(int thread, int i) const {
    return reinterpret_cast<float*>(rows + static_cast<size_t>(thread) * threadBytes +
                                    static_cast<size_t>(i) * rowBytes);
  }
  void countColumns(const PoolGeometry& g, bool countPadding) const {
    for (int64_t ow = 0; ow < g.outSize[1]; ++ow) {
      columns[ow] = windowSpan(g, 1, ow);
      const int64_t count = windowSpan(g, 1, ow, countPadding ? g.padding[1] : 0).count();
      std::fill_n(columnCounts + ow * g.channels, g.channels, static_cast<float>(count));
    }
  }
};

}  // namespace

const char* avgPool2d(const AvgPool2dArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const Images x = imagesOf(args.x, frame.at<float>(args.x), g.channels, g.inSize);
  const Images y = imagesOf(args.y, nullptr, g.channels, g.outSize);
  const Scratch scratch(g, frame.scratch, frame.pool.threads());
  scratch.countColumns(g, args.countPadding);
  const int64_t inRun = g.inSize[1] * g.channels, outRun = g.outSize[1] * g.channels;
  forEachRow(frame, g, g.outSize[0], [&](int64_t n, int64_t oh, int thread) {
    float *sums = scratch.row(thread, 0), *copy = scratch.row(thread, 1), *means = scratch.row(thread, 2);
    const Span rows = windowSpan(g, 0, oh);
    const int64_t top = oh * g.stride[0] - g.padding[0];
    const float* sum = nullptr;
    for (int64_t i = rows.first; i < rows.last; ++i) {
      const float* row = readRow(x, n, top + i * g.dilation[0], sum ? copy : sums);
      if (sum) {
        for (int64_t k = 0; k < inRun; ++k) sums[k] = sum[k] + row[k];
        sum = sums;
      } else {
        sum = row;
      }
    }
    if (!sum) std::fill_n(sums, inRun, 0.0f);
    else if (sum != sums) std::copy_n(sum, inRun, sums);  // for the room past its end

    for (int64_t ow = 0; ow < g.outSize[1]; ++ow) {
      const Span columns = scratch.columns[ow];
      const float* window = sums + (ow * g.stride[1] - g.padding[1]) * g.channels;
      const ptrdiff_t across = g.dilation[1] * g.channels;
      for (int64_t c = 0; c < g.channels; c += kLanes) {
        vec v{};
        for (int64_t j = columns.first; j < columns.last; ++j) v += load(window + j * across + c);
        store(means + ow * g.channels + c, v);
      }
    }
    const vec rowCount = broadcast(
        static_cast<float>(windowSpan(g, 0, oh, args.countPadding ? g.padding[0] : 0).count()));
    for (int64_t k = 0; k < outRun; k += kLanes) {
      store(means + k, load(means + k) / (rowCount * load(scratch.columnCounts + k)));
    }
    writeRow(frame.at<float>(args.y), y, means, n, oh);
  });
  return nullptr;
}

size_t avgPool2dScratch(const AvgPool2dArgs& args, int threads) {
  return Scratch(args.geometry, nullptr, threads).bytes;
}

// Each position gathers from the windows over it; neighbouring rows under the same windows, like the
// two rows of a 2 × 2 window, are computed once.
const char* avgPool2dGrad(const AvgPool2dGradArgs& args, const Frame& frame) {
  const PoolGeometry& g = args.geometry;
  const Images gy = imagesOf(args.gy, frame.at<float>(args.gy), g.channels, g.outSize);
  const Images gx = imagesOf(args.gx, nullptr, g.channels, g.inSize);
  const Scratch scratch(g, frame.scratch, frame.pool.threads());
  scratch.countColumns(g, args.countPadding);
  const int64_t outRun = g.outSize[1] * g.channels;
  for (int64_t k = 0; k < outRun; ++k) scratch.columnCounts[k] = 1 / scratch.columnCounts[k];
  const WindowLists lists(scratch.lists, g, args.countPadding);
  const bool direct = isDense(gx) && g.channels % kLanes == 0;  // no vector reaches past its pixel
  int64_t groups = 0;
  for (int64_t i = 0; i < g.inSize[0]; ++i) {
    if (i == 0 || !lists.sameOutputs(0, i - 1, i)) scratch.groups[groups++] = static_cast<int32_t>(i);
  }
  scratch.groups[groups] = static_cast<int32_t>(g.inSize[0]);

  forEachRow(frame, g, groups, [&](int64_t n, int64_t group, int thread) {
    float *sums = scratch.row(thread, 0), *copy = scratch.row(thread, 1), *spread = scratch.row(thread, 2);
    const int64_t first = scratch.groups[group];
    bool empty = true;
    lists.over(0, first, [&](const Window& window) {
      const float* row = readRow(gy, n, window.output, copy);
      const float rowScale = 1 / window.count;
      const float* columnScales = scratch.columnCounts;
      if (empty) for (int64_t k = 0; k < outRun; ++k) sums[k] = row[k] * (rowScale * columnScales[k]);
      else for (int64_t k = 0; k < outRun; ++k) sums[k] += row[k] * (rowScale * columnScales[k]);
      empty = false;
    });
    if (empty) std::fill_n(sums, outRun, 0.0f);

    const int64_t end = scratch.groups[group + 1], copies = direct ? end - first : 1;
    float* to = direct ? frame.at<float>(args.gx) + n * gx.n + first * gx.h : spread;
    for (int64_t iw = 0; iw < g.inSize[1]; ++iw) {
      for (int64_t c = 0; c < g.channels; c += kLanes) {
        vec v{};
        lists.over(1, iw, [&](const Window& window) __attribute__((always_inline)) {
          v += load(sums + window.output * g.channels + c);
        });
        for (int64_t i = 0; i < copies; ++i) store(to + i * gx.h + iw * g.channels + c, v);
      }
    }
    for (int64_t i = first; i < end && !direct; ++i) {
      writeRow(frame.at<float>(args.gx), gx, spread, n, i);
    }
  });
  return nullptr;
}

size_t avgPool2dGradScratch(const AvgPool2dGradArgs& args, int threads) {
  return Scratch(args.geometry, nullptr, threads).bytes;
}

}  // namespace fovea::FOVEA_ISA
