// conv2dGradInput: gx[ih] = Σ gy[oh]·w[kh] over all oh·stride + kh·dilation − padding = ih, and the
// same along columns.
//
// With stride 1 that is a convolution of gy by the flipped weights. With a stride s, input rows fall
// into s *phases*, phase = (ih + padding) mod s, and kernel row kh meets only the rows of phase
// kh·dilation mod s. Write ih + padding = q·s + phase: then oh = q − (kh·dilation) div s. So each
// phase is a small stride-1 convolution of its own, with its own share of the kernel's taps, and no
// zeros are ever multiplied. A phase without taps is a product of depth 0, which writes zeros.
#include <algorithm>
#include "conv_lanes.h"
#include "winograd_conv.h"

namespace fovea::FOVEA_ISA {

namespace {

/** Along one axis: the values of q, and how far back in gy the furthest tap reaches. */
struct Phases {
  int64_t first, last, reach;
  Phases(const ConvGeometry& g, int axis)
      : first(g.padding[axis] / g.stride[axis]),
        last((g.inSize[axis] - 1 + g.padding[axis]) / g.stride[axis] + 1),
        reach((g.kernelSize[axis] - 1) * g.dilation[axis] / g.stride[axis]) {}
  int64_t count() const { return last - first; }
};

struct GradInput {
  const ConvGeometry& g;
  int64_t channels, columns, depth;  // of one group: of gy, of gx, and all taps · channels
  Phases rows, cols;
  Reader reader;
  Tiling tiling;
  int64_t splits;
  ptrdiff_t gxChannel, maskChannel;
  /** Whether tiles are masked before they are stored; else results are masked where they lie. */
  bool maskTiles;

  float* panels;
  ptrdiff_t *weightAt, *tapAt;
  char* threadScratch;
  size_t threadBytes, bytes;

  GradInput(const Conv2dGradInputArgs& args, const float* gy, char* scratch, int threads)
      : g(args.geometry),
        channels(g.outChannels / g.groups),
        columns(g.inChannels / g.groups),
        depth(channels * g.kernelSize[0] * g.kernelSize[1]),
        rows(g, 0),
        cols(g, 1),
        reader(imagesOf(args.gy, gy, g.outChannels, g.outSize), cols.first - cols.reach, cols.last),
        gxChannel(channelStride(args.gx, g.inChannels)),
        maskChannel(channelStride(args.mask, g.inChannels)),
        maskTiles(args.mask.buffer >= 0 && gxChannel == 1 && maskChannel == 1) {
    const int64_t panelCount = divideUp(columns, kPanel);
    const int64_t wanted = threads == 1 ? 1 : 4 * threads;
    tiling = tile(g.batch, rows.count(), cols.count(), 1, rows.reach + 1,
                  reader.row, divideUp(wanted, panelCount));
    splits = std::clamp<int64_t>(divideUp(wanted, std::max<int64_t>(tiling.tasks(), 1)), 1, panelCount);

    Carver shared(scratch);
    panels = shared.take<float>(g.groups * depth * paddedColumns(columns));
    weightAt = shared.take<ptrdiff_t>(depth);
    tapAt = shared.take<ptrdiff_t>(depth);
    threadScratch = scratch + shared.used();
    Carver own(nullptr);
    Own(own, *this);
    threadBytes = own.used();
    bytes = shared.used() + static_cast<size_t>(threads) * threadBytes;
  }

  struct Own {
    ptrdiff_t *pixelAt, *resultAt, *maskAt, *stagingAt;
    float *band, *staging;
    Own(Carver& carver, const GradInput& f) {
      const int64_t pixels = f.tiling.images * f.tiling.rows * f.cols.count();
      pixelAt = carver.take<ptrdiff_t>(pixels);
      resultAt = carver.take<ptrdiff_t>(pixels);
      maskAt = carver.take<ptrdiff_t>(pixels);
      stagingAt = carver.take<ptrdiff_t>(pixels);
      band = carver.take<float>(
          f.tiling.images * (f.tiling.rows + f.rows.reach) * f.reader.row);
      staging = carver.take<float>(f.gxChannel == 1 ? 0 : pixels * paddedColumns(f.columns));
    }
  };

  /**
   * Calls body(phase row, phase column, taps so far, its taps) for each phase. Packed weights and
   * tables hold the phases' taps one after the other in this order.
   */
  template <class Body>
  void forEachPhase(Body&& body) const {
    int64_t before = 0;
    for (int64_t i = 0; i < g.stride[0]; ++i) {
      for (int64_t j = 0; j < g.stride[1]; ++j) {
        int64_t down = 0, across = 0;
        for (int64_t kh = 0; kh < g.kernelSize[0]; ++kh) down += kh * g.dilation[0] % g.stride[0] == i;
        for (int64_t kw = 0; kw < g.kernelSize[1]; ++kw) across += kw * g.dilation[1] % g.stride[1] == j;
        body(i, j, before * channels, down * across * channels);
        before += down * across;
      }
    }
  }

  void fillTables(const Operand& w) const {
    ptrdiff_t *weight = weightAt, *tap = tapAt;
    forEachPhase([&](int64_t i, int64_t j, int64_t, int64_t) {
      for (int64_t kh = 0; kh < g.kernelSize[0]; ++kh) {
        if (kh * g.dilation[0] % g.stride[0] != i) continue;
        for (int64_t kw = 0; kw < g.kernelSize[1]; ++kw) {
          if (kw * g.dilation[1] % g.stride[1] != j) continue;
          const ptrdiff_t at = (rows.reach - kh * g.dilation[0] / g.stride[0]) * reader.row +
                               (cols.reach - kw * g.dilation[1] / g.stride[1]) * reader.column;
          for (int64_t c = 0; c < channels; ++c) {
            *weight++ = kh * w.strides[2] + kw * w.strides[3] + c * w.strides[0];
            *tap++ = at + c;
          }
        }
      }
    });
  }
};

}  // namespace

const char* conv2dGradInput(const Conv2dGradInputArgs& args, const Frame& frame) {
  if (args.algorithm != kConvDirect) return conv2dGradInputWinograd(args, frame);
  if (conv2dGradInputInLanes(args)) return conv2dGradInputLanes(args, frame);
  const ConvGeometry& g = args.geometry;
  const GradInput f(args, frame.at<float>(args.gy), frame.scratch, frame.pool.threads());
  if (g.batch == 0) return nullptr;
  const float* w = frame.at<float>(args.w);
  float* gx = frame.at<float>(args.gx);
  const float* mask = frame.at<float>(args.mask);
  const int64_t padded = paddedColumns(f.columns), panelCount = divideUp(f.columns, kPanel);
  const ptrdiff_t wGroup = f.channels * args.w.strides[0], wColumn = args.w.strides[1];

  f.fillTables(args.w);
  frame.pool.run(
      static_cast<int>(g.groups * panelCount),
      [&](int task, int) {
        const int64_t group = task / panelCount, panel = task % panelCount;
        f.forEachPhase([&](int64_t, int64_t, int64_t before, int64_t depth) {
          packPanels(f.panels + (group * f.depth + before) * padded, f.columns, depth,
                     w + group * wGroup, f.weightAt + before, wColumn, panel, panel + 1);
        });
      },
      8.0 * static_cast<double>(g.inChannels * f.depth));

  const auto differentiate = [&](int task, int thread) {
    Carver carver(f.threadScratch + static_cast<size_t>(thread) * f.threadBytes);
    const GradInput::Own own(carver, f);
    const Piece piece = pieceOf(f.tiling, g.batch, f.rows.count(), task / f.splits);
    const int64_t split = task % f.splits;
    const int64_t first = split * panelCount / f.splits * kPanel;
    const int64_t last = std::min((split + 1) * panelCount / f.splits * kPanel, f.columns);
    const int64_t q = f.rows.first + piece.row;
    const int64_t bandRows = piece.rows + f.rows.reach;
    f.reader.read(own.band, piece.image, piece.images, q - f.rows.reach, bandRows);

    f.forEachPhase([&](int64_t i, int64_t j, int64_t before, int64_t depth) {
      // The rows and columns of gx that this phase has here, and where their windows are.
      int64_t m = 0;
      for (int64_t n = 0; n < piece.images; ++n) {
        for (int64_t r = 0; r < piece.rows; ++r) {
          const int64_t ih = (q + r) * g.stride[0] + i - g.padding[0];
          if (ih < 0 || ih >= g.inSize[0]) continue;
          for (int64_t s = 0; s < f.cols.count(); ++s) {
            const int64_t iw = (f.cols.first + s) * g.stride[1] + j - g.padding[1];
            if (iw < 0 || iw >= g.inSize[1]) continue;
            own.pixelAt[m] = (n * bandRows + r) * f.reader.row + s * f.reader.column;
            const auto at = [&](const int64_t* strides) {
              return (piece.image + n) * strides[0] + ih * strides[2] + iw * strides[3];
            };
            own.maskAt[m] = at(args.mask.strides);
            own.resultAt[m++] = at(args.gx.strides);
          }
        }
      }
      if (f.gxChannel != 1) ramp(own.stagingAt, m, padded);
      for (int64_t group = 0; group < g.groups; ++group) {
        Product product;
        product.m = m;
        product.n = last - first;
        product.depth = depth;
        product.a = own.band + group * f.channels;
        product.aRow = own.pixelAt;
        product.aDepth = f.tapAt + before;
        product.panels = f.panels + (group * f.depth + before) * padded + first * depth;
        float* channel = gx + (group * f.columns + first) * f.gxChannel;
        product.c = f.gxChannel == 1 ? channel : own.staging;
        product.cRow = f.gxChannel == 1 ? own.resultAt : own.stagingAt;
        const float* maskOf = mask ? mask + (group * f.columns + first) * f.maskChannel : nullptr;
        if (f.maskTiles) {
          product.mask = maskOf;
          product.maskRow = own.maskAt;
        }
        multiply(product);
        if (f.gxChannel != 1) {
          scatter(own.staging, m, product.n, padded, channel, own.resultAt, f.gxChannel);
        }
        if (mask && !f.maskTiles) {
          for (int64_t p = 0; p < m; ++p) {
            for (int64_t c = 0; c < product.n; ++c) {
              float& result = channel[own.resultAt[p] + c * f.gxChannel];
              result = masked(result, maskOf[own.maskAt[p] + c * f.maskChannel]);
            }
          }
        }
      }
    });
  };
  frame.pool.run(static_cast<int>(f.tiling.tasks() * f.splits), differentiate, workOf(g));
  return nullptr;
}

size_t conv2dGradInputScratch(const Conv2dGradInputArgs& args, int threads) {
  if (args.algorithm != kConvDirect) return conv2dGradInputWinogradScratch(args, threads);
  if (conv2dGradInputInLanes(args)) return conv2dGradInputLanesScratch(args, threads);
  return GradInput(args, nullptr, nullptr, threads).bytes;
}

}  // namespace fovea::FOVEA_ISA
