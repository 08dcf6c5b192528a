// conv2dGradInput: gx[ih] = Σ gy[oh]·w[kh] over all oh·stride + kh·dilation − padding = ih, and the
// same along columns.
//
// With stride 1 that is a convolution of gy by the flipped weights. With a stride s, input rows fall
// into s *phases*, phase = (ih + padding) mod s, and kernel row kh meets only the rows of phase
// kh·dilation mod s. Write ih + padding = q·s + phase: then oh = q − (kh·dilation) div s. So each
// phase is a small stride-1 convolution of its own, with its own share of the kernel's taps, and no
// zeros are ever multiplied. A phase without taps is a product of depth 0, which writes zeros.
#include "conv_direct.h"
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
  const Conv2dGradInputArgs& args;
  const ConvGeometry& g;
  int64_t channels, depth;  // of one group: of gy, and all taps · channels
  Panels columns;           // a group's channels of gx
  Phases rows, cols;
  Reader reader;
  Tasks tasks;
  ptrdiff_t gxChannel, maskChannel;

  // Scratch: shared by all tasks, then that of each thread.
  float* weights;  // [group][phase][depth of the phase][padded columns], as panels
  ptrdiff_t *weightAt, *tapAt;
  ScratchBytes bytes;

  GradInput(const Conv2dGradInputArgs& args, const float* gy, char* scratch, int threads)
      : args(args),
        g(args.geometry),
        channels(g.outChannels / g.groups),
        depth(channels * g.kernelSize[0] * g.kernelSize[1]),
        columns(g.inChannels / g.groups),
        rows(g, 0),
        cols(g, 1),
        reader(imagesOf(args.gy, gy, g.outChannels, g.outSize), cols.first - cols.reach, cols.last),
        tasks(threads, columns, g.batch, rows.count(), cols.count(), 1, rows.reach + 1, reader.row),
        gxChannel(channelStride(args.gx, g.inChannels)),
        maskChannel(channelStride(args.mask, g.inChannels)) {
    Carver shared(scratch);
    weights = shared.take<float>(g.groups * depth * columns.padded());
    weightAt = shared.take<ptrdiff_t>(depth);
    tapAt = shared.take<ptrdiff_t>(depth);
    Carver own(nullptr);
    Own(own, *this);
    bytes = {shared.used(), own.used()};
  }

  /** Whether tiles are masked before they are stored; else results are masked where they lie. */
  bool masksTiles() const { return args.mask.buffer >= 0 && gxChannel == 1 && maskChannel == 1; }

  struct Own {
    ptrdiff_t *pixelAt, *resultAt, *maskAt, *stagingAt;
    float *band, *staging;
    Own(Carver& carver, const GradInput& f) {
      const Tiling& t = f.tasks.pieces;
      const int64_t pixels = t.images * t.rows * f.cols.count();
      pixelAt = carver.take<ptrdiff_t>(pixels);
      resultAt = carver.take<ptrdiff_t>(pixels);
      maskAt = carver.take<ptrdiff_t>(pixels);
      stagingAt = carver.take<ptrdiff_t>(pixels);
      band = carver.take<float>(t.images * (t.rows + f.rows.reach) * f.reader.row);
      staging = carver.take<float>(f.gxChannel == 1 ? 0 : pixels * f.columns.padded());
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

  void fillTables() const {
    const int64_t* w = args.w.strides;
    ptrdiff_t *weight = weightAt, *tap = tapAt;
    forEachPhase([&](int64_t i, int64_t j, int64_t, int64_t) {
      for (int64_t kh = 0; kh < g.kernelSize[0]; ++kh) {
        if (kh * g.dilation[0] % g.stride[0] != i) continue;
        for (int64_t kw = 0; kw < g.kernelSize[1]; ++kw) {
          if (kw * g.dilation[1] % g.stride[1] != j) continue;
          const ptrdiff_t at = (rows.reach - kh * g.dilation[0] / g.stride[0]) * reader.row +
                               (cols.reach - kw * g.dilation[1] / g.stride[1]) * reader.column;
          for (int64_t c = 0; c < channels; ++c) {
            *weight++ = kh * w[2] + kw * w[3] + c * w[0];
            *tap++ = at + c;
          }
        }
      }
    });
  }

  void packWeights(const float* w, int64_t group, int64_t panel) const {
    forEachPhase([&](int64_t, int64_t, int64_t before, int64_t taps) {
      packPanels(weights + (group * depth + before) * columns.padded(), columns, taps,
                 w + group * channels * args.w.strides[0], weightAt + before, args.w.strides[1], panel, panel + 1);
    });
  }

  /** Where the pixels of gx are that phase (i, j) has in a piece, their mask and their windows; gives their number. */
  int64_t locatePixels(const Own& own, const Piece& piece, int64_t i, int64_t j) const {
    const ptrdiff_t image = (piece.rows + rows.reach) * reader.row;
    int64_t m = 0;
    for (int64_t n = 0; n < piece.images; ++n) {
      for (int64_t r = 0; r < piece.rows; ++r) {
        const int64_t ih = (rows.first + piece.row + r) * g.stride[0] + i - g.padding[0];
        if (ih < 0 || ih >= g.inSize[0]) continue;
        for (int64_t s = 0; s < cols.count(); ++s) {
          const int64_t iw = (cols.first + s) * g.stride[1] + j - g.padding[1];
          if (iw < 0 || iw >= g.inSize[1]) continue;
          const auto at = [&](const int64_t* strides) {
            return (piece.image + n) * strides[0] + ih * strides[2] + iw * strides[3];
          };
          own.pixelAt[m] = n * image + r * reader.row + s * reader.column;
          own.maskAt[m] = at(args.mask.strides);
          own.resultAt[m++] = at(args.gx.strides);
        }
      }
    }
    if (gxChannel != 1) ramp(own.stagingAt, m, columns.padded());
    return m;
  }

  void differentiate(float* gx, const float* mask, int task, char* scratch) const {
    Carver carver(scratch);
    const Own own(carver, *this);
    const Piece piece = tasks.piece(task);
    reader.read(own.band, piece.image, piece.images, rows.first + piece.row - rows.reach, piece.rows + rows.reach);
    forEachPhase([&](int64_t i, int64_t j, int64_t before, int64_t taps) {
      Product product;
      product.m = locatePixels(own, piece, i, j);
      product.depth = taps;
      product.aRow = own.pixelAt;
      product.aDepth = tapAt + before;
      product.maskRow = own.maskAt;
      for (int64_t group = 0; group < g.groups; ++group) {
        const float* maskOf = mask ? mask + group * columns.columns * maskChannel : nullptr;
        product.a = own.band + group * channels;
        product.b = weights + (group * depth + before) * columns.padded();
        product.mask = masksTiles() ? maskOf : nullptr;
        const Pixels to = {gx + group * columns.columns * gxChannel, own.resultAt, gxChannel, own.staging,
                           own.stagingAt};
        multiplyInto(to, product, columns, tasks.first(task), tasks.last(task));
        if (mask && !masksTiles()) maskPixels(to, product, maskOf, task);
      }
    });
  }

  void maskPixels(const Pixels& to, const Product& product, const float* mask, int task) const {
    const int64_t begin = columns.start(tasks.first(task));
    const int64_t end = begin + columns.columnsOf(tasks.first(task), tasks.last(task));
    for (int64_t p = 0; p < product.m; ++p) {
      for (int64_t c = begin; c < end; ++c) {
        float& result = to.data[to.pixelAt[p] + c * to.channel];
        result = masked(result, mask[product.maskRow[p] + c * maskChannel]);
      }
    }
  }
};

}  // namespace

const char* conv2dGradInput(const Conv2dGradInputArgs& args, const Frame& frame) {
  if (args.algorithm != kConvDirect) return conv2dGradInputWinograd(args, frame);
  if (conv2dGradInputInLanes(args)) return conv2dGradInputLanes(args, frame);
  const GradInput f(args, frame.at<float>(args.gy), frame.scratch, frame.pool.threads());
  if (f.g.batch == 0) return nullptr;
  const float *w = frame.at<float>(args.w), *mask = frame.at<float>(args.mask);
  float* gx = frame.at<float>(args.gx);
  f.fillTables();
  const int64_t panels = f.columns.count;
  frame.pool.run(
      static_cast<int>(f.g.groups * panels),
      [&](int task, int) { f.packWeights(w, task / panels, task % panels); },
      8.0 * static_cast<double>(f.g.inChannels * f.depth));
  frame.pool.run(
      static_cast<int>(f.tasks.count()), [&](int task, int thread) { f.differentiate(gx, mask, task, frame.own(thread)); },
      workOf(f.g));
  return nullptr;
}

ScratchBytes conv2dGradInputScratch(const Conv2dGradInputArgs& args, int threads) {
  if (args.algorithm != kConvDirect) return conv2dGradInputWinogradScratch(args, threads);
  if (conv2dGradInputInLanes(args)) return conv2dGradInputLanesScratch(args, threads);
  return GradInput(args, nullptr, nullptr, threads).bytes;
}

}  // namespace fovea::FOVEA_ISA
