// matmul: c = act(a·b + bias), by the packed product of gemm.h or, for a single row or column, by
// reading the matrix once at the speed of memory (gemv.cc).
//
// Which side is packed follows from the shape: (a·b)ᵀ = bᵀ·aᵀ, so either can be. In a fully
// connected layer a batch of 128 meets 26 million weights; packing the batch and streaming the
// weights in place saves a copy of all of them.
//
// With an epilogue, blocks of the product go no further than the second-level cache.
#include <algorithm>
#include "epilogue.h"
#include "gemm.h"
#include "gemv.h"
#include "kernels.h"

namespace fovea::FOVEA_ISA {

namespace {

constexpr int64_t kRowBlock = 96;     // a multiple of every instruction set's tile
constexpr int64_t kDepthSlice = 512;  // kRowBlock × kDepthSlice floats of A stay in the second-level cache
constexpr int64_t kStagedColumns = 10 * kPanel;
// Epilogues read and write large matrices in runs of this many columns: a tile of Fused, 4 KiB. Of products
// with few terms, blocks have few rows: what is staged then stays close.
constexpr int64_t kEpilogueColumns = 1024 / kPanel * kPanel, kEpilogueRows = 24, kEpilogueDepth = 32;
constexpr int64_t kPrivatePanels = 64 * 1024;  // floats that a thread may pack for itself alone

/** A matrix product as the packed kernel sees it, possibly the transpose of what was asked for. */
struct Problem {
  int64_t m, n, k;
  ptrdiff_t aRow, aDepth, bDepth, bColumn, cRow, cColumn;
  bool swapped;

  explicit Problem(const MatmulArgs& p) {
    const int64_t *a = p.a.strides, *b = p.b.strides, *c = resultStrides(p);
    const Problem straight(p.m, p.n, p.k, a[1], a[2], b[1], b[2], c[1], c[2], false);
    const Problem turned(p.n, p.m, p.k, b[2], b[1], a[2], a[1], c[2], c[1], true);
    *this = turned.cost() < straight.cost() ? turned : straight;
  }

  bool contiguousResult() const { return cColumn == 1 || n == 1; }

 private:
  Problem(int64_t m, int64_t n, int64_t k, ptrdiff_t aRow, ptrdiff_t aDepth, ptrdiff_t bDepth,
          ptrdiff_t bColumn, ptrdiff_t cRow, ptrdiff_t cColumn, bool swapped)
      : m(m), n(n), k(k), aRow(aRow), aDepth(aDepth), bDepth(bDepth), bColumn(bColumn), cRow(cRow),
        cColumn(cColumn), swapped(swapped) {}

  /** Elements moved besides the product itself: B packed, C turned round. */
  int64_t cost() const { return k * n + (contiguousResult() ? 0 : 2 * m * n); }
};

struct Matmul : Problem {
  bool inPlace;      // A is read where it is
  bool staged;       // C is written by way of a contiguous block
  bool perItem;      // a task is a whole item of the batch
  int64_t rowBlock, rowBlocks, splits, panelCount;

  float *panels, *bias;
  ptrdiff_t *aAt, *aDepthAt, *bDepthAt, *cAt, *stagingAt;
  char* threadScratch;
  size_t epilogue, threadBytes, bytes;

  Matmul(const MatmulArgs& args, char* scratch, int threads) : Problem(args) {
    inPlace = aDepth == 1 || k == 1;
    staged = hasEpilogue(args) || !contiguousResult() || (swapped && args.bias.buffer >= 0);
    panelCount = divideUp(n, kPanel);
    perItem = args.batch > 1 && k * paddedColumns(n) <= kPrivatePanels;
    const bool wide = hasEpilogue(args);
    rowBlocks = divideUp(m, wide && k <= kEpilogueDepth ? kEpilogueRows : kRowBlock);
    rowBlock = roundUp(divideUp(m, std::max<int64_t>(rowBlocks, 1)), kTileRows);
    rowBlocks = divideUp(m, std::max<int64_t>(rowBlock, 1));
    const int64_t wanted = threads == 1 || perItem ? 1 : divideUp(4 * threads, std::max<int64_t>(rowBlocks, 1));
    splits = std::clamp<int64_t>(std::max(wanted, staged ? divideUp(n, wide ? kEpilogueColumns : kStagedColumns) : 1), 1,
                                 std::max<int64_t>(panelCount, 1));

    Carver shared(scratch);
    panels = shared.take<float>(perItem ? 0 : k * paddedColumns(n));
    bias = shared.take<float>(paddedColumns(n));
    aAt = shared.take<ptrdiff_t>(rowBlock);
    aDepthAt = shared.take<ptrdiff_t>(k);
    bDepthAt = shared.take<ptrdiff_t>(k);
    cAt = shared.take<ptrdiff_t>(rowBlock);
    stagingAt = shared.take<ptrdiff_t>(rowBlock);
    threadScratch = scratch + shared.used();
    epilogue = epilogueBytes(args);
    Carver own(nullptr);
    Own(own, *this);
    threadBytes = own.used();
    bytes = shared.used() + static_cast<size_t>(threads) * threadBytes;
  }

  /** From row to row of a staged block: a cache line more than its columns, lest rows share the cache's sets. */
  int64_t stagedWidth() const { return divideUp(panelCount, splits) * kPanel + 16; }

  struct Own {
    float *panels, *block, *staging;
    char* epilogue;
    Own(Carver& carver, const Matmul& p) {
      panels = carver.take<float>(p.perItem ? p.k * paddedColumns(p.n) : 0);
      block = carver.take<float>(p.inPlace ? 0 : roundUp(p.rowBlock, kLanes) * std::min(kDepthSlice, p.k));
      staging = carver.take<float>(p.staged ? p.rowBlock * p.stagedWidth() : 0);
      epilogue = carver.take<char>(static_cast<int64_t>(p.epilogue));
    }
  };
};

/** c[i][j] = act(staged[i][j] + rowBias[i]). */
void unstage(const float* staging, int64_t width, int64_t m, int64_t n, float* c, ptrdiff_t cRow,
             ptrdiff_t cColumn, const float* rowBias, ptrdiff_t biasStride, bool rectify) {
  for (int64_t i = 0; i < m; i += 16) {
    const int64_t end = std::min(i + 16, m);
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t r = i; r < end; ++r) {
        float v = staging[r * width + j];
        if (rowBias) v += rowBias[r * biasStride];
        c[r * cRow + j * cColumn] = rectify ? relu(v) : v;
      }
    }
  }
}

bool takesGemv(const MatmulArgs& args) { return !hasEpilogue(args) && gemvTakes(args); }

}  // namespace

const char* matmul(const MatmulArgs& args, const Frame& frame) {
  if (args.batch == 0 || args.m == 0 || args.n == 0) return nullptr;
  if (takesGemv(args)) return gemv(args, frame);
  const Matmul p(args, frame.scratch, frame.pool.threads());
  const float *aBase = frame.at<float>(p.swapped ? args.b : args.a),
              *bBase = frame.at<float>(p.swapped ? args.a : args.b);
  const ptrdiff_t aItem = (p.swapped ? args.b : args.a).strides[0],
                  bItem = (p.swapped ? args.a : args.b).strides[0];
  float* cBase = frame.at<float>(args.c);
  const float* bias = frame.at<float>(args.bias);
  const ptrdiff_t biasStride = args.bias.strides[0];
  const bool rectify = args.activation == kRelu;

  const int64_t blockWidth = roundUp(p.rowBlock, kLanes);
  ramp(p.aAt, p.rowBlock, p.inPlace ? p.aRow : 1);
  ramp(p.aDepthAt, p.k, p.aDepth);
  ramp(p.bDepthAt, p.k, p.bDepth);
  ramp(p.cAt, p.rowBlock, p.cRow);
  ramp(p.stagingAt, p.rowBlock, p.stagedWidth());
  if (bias && !p.swapped) {
    for (int64_t j = 0; j < paddedColumns(p.n); ++j) p.bias[j] = j < p.n ? bias[j * biasStride] : 0;
  }

  // One block of rows of one item, over the columns of one split.
  const auto multiplyBlock = [&](int64_t item, int64_t task, const float* panels, const Matmul::Own& own) {
    const int64_t row = task / p.splits * p.rowBlock, split = task % p.splits;
    const int64_t first = split * p.panelCount / p.splits * kPanel;
    const int64_t last = std::min((split + 1) * p.panelCount / p.splits * kPanel, p.n);
    const float* a = aBase + item * aItem + row * p.aRow;
    float* c = cBase ? cBase + item * args.c.strides[0] + row * p.cRow + first * p.cColumn : nullptr;
    ptrdiff_t packedDepthAt[kDepthSlice];
    if (!p.inPlace) ramp(packedDepthAt, std::min(kDepthSlice, p.k), blockWidth);

    Product product;
    product.m = std::min(p.rowBlock, p.m - row);
    product.aRow = p.aAt;
    product.c = p.staged ? own.staging : c;
    product.cRow = p.staged ? p.stagingAt : p.cAt;
    for (int64_t k = 0; k < p.k || k == 0; k += kDepthSlice) {
      product.depth = std::min(kDepthSlice, p.k - k);
      product.accumulate = k > 0;
      if (p.inPlace) {
        product.a = a;
        product.aDepth = p.aDepthAt + k;
      } else {
        packBlock(own.block, blockWidth, product.m, product.depth, a, p.aDepthAt + k, p.aRow);
        product.a = own.block;
        product.aDepth = packedDepthAt;
      }
      if (k + kDepthSlice >= p.k) {
        product.bias = bias && !p.swapped ? p.bias + first : nullptr;
        product.relu = rectify && !p.staged;
      }
      for (int64_t j = first; j < last; j += kPanel) {
        Product panel = product;
        panel.n = std::min(kPanel, last - j);
        panel.panels = panels + j * p.k + k * paddedColumns(panel.n);
        panel.c += j - first;
        if (panel.bias) panel.bias += j - first;
        if (hasEpilogue(args) && k + kDepthSlice >= p.k) {
          const ProductBlock straight{nullptr, 0, 0, item, row, j, panel.m, panel.n};
          const ProductBlock turned{nullptr, 0, 0, item, j, row, panel.n, panel.m};
          prefetchEpilogue(args, p.swapped ? turned : straight, frame);
        }
        multiply(panel);
      }
    }
    if (hasEpilogue(args)) {
      const ProductBlock straight{own.staging, p.stagedWidth(), 1, item, row, first, product.m, last - first};
      const ProductBlock turned{own.staging, 1, p.stagedWidth(), item, first, row, last - first, product.m};
      runEpilogue(args, p.swapped ? turned : straight, frame, own.epilogue);
    } else if (p.staged) {
      const float* rowBias = bias && p.swapped ? bias + row * biasStride : nullptr;
      unstage(own.staging, p.stagedWidth(), product.m, last - first, c, p.cRow, p.cColumn, rowBias,
              biasStride, rectify);
    }
  };

  const double work = 2.0 * static_cast<double>(p.m * p.n) * static_cast<double>(p.k);
  const int64_t tasks = p.rowBlocks * p.splits;
  if (p.perItem) {
    const auto wholeItem = [&](int item, int thread) {
      Carver carver(p.threadScratch + static_cast<size_t>(thread) * p.threadBytes);
      const Matmul::Own own(carver, p);
      packPanels(own.panels, p.n, p.k, bBase + item * bItem, p.bDepthAt, p.bColumn, 0, p.panelCount);
      for (int64_t task = 0; task < tasks; ++task) multiplyBlock(item, task, own.panels, own);
    };
    frame.pool.run(static_cast<int>(args.batch), wholeItem, work * static_cast<double>(args.batch));
    return nullptr;
  }
  const int64_t slices = divideUp(p.k, kDepthSlice);
  for (int64_t item = 0; item < args.batch; ++item) {
    const auto pack = [&](int task, int) {
      const int64_t j = task / slices * kPanel, k = task % slices * kDepthSlice;
      const int64_t columns = std::min(kPanel, p.n - j), width = paddedColumns(columns);
      packBlock(p.panels + j * p.k + k * width, width, columns, std::min(kDepthSlice, p.k - k),
                bBase + item * bItem + j * p.bColumn, p.bDepthAt + k, p.bColumn);
    };
    frame.pool.run(static_cast<int>(p.panelCount * slices), pack, 8.0 * static_cast<double>(p.n * p.k));
    const auto block = [&](int task, int thread) {
      Carver carver(p.threadScratch + static_cast<size_t>(thread) * p.threadBytes);
      const Matmul::Own own(carver, p);
      multiplyBlock(item, task, p.panels, own);
    };
    frame.pool.run(static_cast<int>(tasks), block, work);
  }
  return nullptr;
}

size_t matmulScratch(const MatmulArgs& args, int threads) {
  return takesGemv(args) ? gemvScratch(args, threads) : Matmul(args, nullptr, threads).bytes;
}

}  // namespace fovea::FOVEA_ISA
