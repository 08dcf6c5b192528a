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
  const MatmulArgs& args;
  const Frame* frame;
  Panels columns;
  bool inPlace;      // A is read where it is
  bool staged;       // C is written by way of a contiguous block
  bool perItem;      // a task is a whole item of the batch
  int64_t rowBlock, rowBlocks, splits;

  // Scratch: shared by all tasks, then that of each thread.
  float *panels, *bias;
  ptrdiff_t *aAt, *aDepthAt, *bDepthAt, *cAt, *stagingAt;
  ScratchBytes bytes;

  /** `frame` is null where only `bytes` is asked for. */
  Matmul(const MatmulArgs& args, const Frame* frame, int threads) : Problem(args), args(args), frame(frame), columns(n) {
    const bool wide = hasEpilogue(args);
    inPlace = aDepth == 1 || k == 1;
    staged = wide || !contiguousResult() || (swapped && args.bias.buffer >= 0);
    perItem = args.batch > 1 && k * columns.padded() <= kPrivatePanels;
    // As many for each thread, where that leaves them half as large.
    const int64_t shares = m >= threads * (kRowBlock / 2) ? threads : 1;
    rowBlocks = roundUp(divideUp(m, wide && k <= kEpilogueDepth ? kEpilogueRows : kRowBlock), shares);
    rowBlock = roundUp(divideUp(m, std::max<int64_t>(rowBlocks, 1)), kTileRows);
    rowBlocks = divideUp(m, std::max<int64_t>(rowBlock, 1));
    const int64_t wanted = threads == 1 || perItem ? 1 : divideUp(4 * threads, std::max<int64_t>(rowBlocks, 1));
    const int64_t needed = staged ? divideUp(n, wide ? kEpilogueColumns : kStagedColumns) : 1;
    splits = std::clamp<int64_t>(std::max(wanted, needed), 1, std::max<int64_t>(columns.count, 1));

    char* scratch = frame ? frame->scratch : nullptr;
    Carver shared(scratch);
    panels = shared.take<float>(perItem ? 0 : k * columns.padded());
    bias = shared.take<float>(columns.padded());
    aAt = shared.take<ptrdiff_t>(rowBlock);
    aDepthAt = shared.take<ptrdiff_t>(k);
    bDepthAt = shared.take<ptrdiff_t>(k);
    cAt = shared.take<ptrdiff_t>(rowBlock);
    stagingAt = shared.take<ptrdiff_t>(rowBlock);
    Carver own(nullptr);
    Own(own, *this);
    bytes = {shared.used(), own.used()};
  }

  const Operand& a() const { return swapped ? args.b : args.a; }
  const Operand& b() const { return swapped ? args.a : args.b; }
  /** From row to row of a staged block: a cache line more than its columns, lest rows share the cache's sets. */
  int64_t stagedWidth() const { return divideUp(columns.count, splits) * kPanel + kLineFloats; }
  /** From step to step of the depth of a packed block of A. */
  int64_t blockWidth() const { return roundUp(rowBlock, kLanes); }

  struct Own {
    float *panels, *block, *staging;
    char* epilogue;
    Own(Carver& carver, const Matmul& p) {
      panels = carver.take<float>(p.perItem ? p.k * p.columns.padded() : 0);
      block = carver.take<float>(p.inPlace ? 0 : p.blockWidth() * std::min(kDepthSlice, p.k));
      staging = carver.take<float>(p.staged ? p.rowBlock * p.stagedWidth() : 0);
      epilogue = carver.take<char>(static_cast<int64_t>(epilogueBytes(p.args)));
    }
  };
  Own own(int thread) const {
    Carver carver(frame->own(thread));
    return Own(carver, *this);
  }

  void fillTables() const {
    ramp(aAt, rowBlock, inPlace ? aRow : 1);
    ramp(aDepthAt, k, aDepth);
    ramp(bDepthAt, k, bDepth);
    ramp(cAt, rowBlock, cRow);
    ramp(stagingAt, rowBlock, stagedWidth());
    const float* from = swapped ? nullptr : frame->at<float>(args.bias);
    if (!from) return;
    for (int64_t j = 0; j < columns.padded(); ++j) bias[j] = j < n ? from[j * args.bias.strides[0]] : 0;
  }

  /** Packs a panel of an item's B from step `first` of the depth on, up to kDepthSlice of them. */
  void pack(float* to, int64_t item, int64_t panel, int64_t first) const {
    const int64_t start = columns.start(panel), width = columns.width(panel);
    packBlock(to + start * k + first * width, width, columns.columnsOf(panel, panel + 1),
              std::min(kDepthSlice, k - first), frame->at<float>(b()) + item * b().strides[0] + start * bColumn,
              bDepthAt + first, bColumn);
  }

  /** Rows and columns of an item that a task makes. */
  struct Place {
    int64_t item, row, rows, firstPanel, lastPanel, column, columns;
  };
  Place placeOf(int64_t item, int64_t task) const {
    const int64_t row = task / splits * rowBlock, split = task % splits;
    const int64_t first = split * columns.count / splits, last = (split + 1) * columns.count / splits;
    return {item, row, std::min(rowBlock, m - row), first, last, columns.start(first), columns.columnsOf(first, last)};
  }
  /** A part of the product as the call counts it, its element (i, j) at data[i·row + j]. */
  ProductBlock blockOf(const Place& at, int64_t column, int64_t count, const float* data, ptrdiff_t row) const {
    if (swapped) return {data, 1, row, at.item, column, at.row, count, at.rows};
    return {data, row, 1, at.item, at.row, column, at.rows, count};
  }

  float* resultOf(const Place& at) const {
    return frame->at<float>(args.c) + at.item * args.c.strides[0] + at.row * cRow + at.column * cColumn;
  }

  void multiplyBlock(const Own& own, const float* packed, const Place& at) const;
  void finishBlock(const Own& own, const Place& at) const;
};

/** The product of a block of rows with some panels, slice by slice of the depth. */
void Matmul::multiplyBlock(const Own& own, const float* packed, const Place& at) const {
  const float* from = frame->at<float>(a()) + at.item * a().strides[0] + at.row * aRow;
  ptrdiff_t packedDepthAt[kDepthSlice];
  if (!inPlace) ramp(packedDepthAt, std::min(kDepthSlice, k), blockWidth());
  for (int64_t slice = 0; slice < k || slice == 0; slice += kDepthSlice) {
    const bool isLast = slice + kDepthSlice >= k;
    Product product;
    product.m = at.rows;
    product.depth = std::min(kDepthSlice, k - slice);
    product.a = inPlace ? from : own.block;
    product.aRow = aAt;
    product.aDepth = inPlace ? aDepthAt + slice : packedDepthAt;
    product.cRow = staged ? stagingAt : cAt;
    product.isFar = !staged;
    product.accumulate = slice > 0;
    product.relu = isLast && args.activation == kRelu && !staged;
    if (!inPlace) packBlock(own.block, blockWidth(), at.rows, product.depth, from, aDepthAt + slice, aRow);
    for (int64_t panel = at.firstPanel; panel < at.lastPanel; ++panel) {
      const int64_t start = columns.start(panel);
      product.n = columns.columnsOf(panel, panel + 1);
      product.b = packed + start * k + slice * columns.width(panel);
      product.c = staged ? own.staging + start - at.column : resultOf(at) + start - at.column;
      product.bias = isLast && !swapped && args.bias.buffer >= 0 ? bias + start : nullptr;
      if (isLast && hasEpilogue(args)) prefetchEpilogue(args, blockOf(at, start, product.n, nullptr, 0), *frame);
      multiply(product);
    }
  }
}

/** What is done to a staged block: its epilogue, or c[i][j] = act(staged[i][j] + bias[i]). */
void Matmul::finishBlock(const Own& own, const Place& at) const {
  if (!staged) return;
  if (hasEpilogue(args)) {
    const ProductBlock block = blockOf(at, at.column, at.columns, own.staging, stagedWidth());
    return runEpilogue(args, block, *frame, own.epilogue);
  }
  const float* rowBias = swapped ? frame->at<float>(args.bias) : nullptr;
  float* to = resultOf(at);
  // Rows 16 at a time, so that a line of C is written while it is near.
  for (int64_t i = 0; i < at.rows; i += 16) {
    for (int64_t j = 0; j < at.columns; ++j) {
      for (int64_t r = i; r < std::min(i + 16, at.rows); ++r) {
        float v = own.staging[r * stagedWidth() + j];
        if (rowBias) v += rowBias[(at.row + r) * args.bias.strides[0]];
        to[r * cRow + j * cColumn] = args.activation == kRelu ? relu(v) : v;
      }
    }
  }
}

/** Items one after the other, each by all threads: first B is packed, then blocks of C are tasks. */
void runByBlocks(const Matmul& p, double work) {
  Pool& pool = p.frame->pool;
  const int64_t slices = divideUp(p.k, kDepthSlice);
  for (int64_t item = 0; item < p.args.batch; ++item) {
    pool.run(
        static_cast<int>(p.columns.count * slices),
        [&](int task, int) { p.pack(p.panels, item, task / slices, task % slices * kDepthSlice); },
        8.0 * static_cast<double>(p.n * p.k));
    const auto block = [&](int task, int thread) {
      const Matmul::Own own = p.own(thread);
      const Matmul::Place at = p.placeOf(item, task);
      p.multiplyBlock(own, p.panels, at);
      p.finishBlock(own, at);
    };
    pool.run(static_cast<int>(p.rowBlocks * p.splits), block, work);
  }
}

/** Small items, each a task of its own. */
void runByItems(const Matmul& p, double work) {
  const auto wholeItem = [&](int item, int thread) {
    const Matmul::Own own = p.own(thread);
    for (int64_t panel = 0; panel < p.columns.count; ++panel) {
      for (int64_t k = 0; k < p.k; k += kDepthSlice) p.pack(own.panels, item, panel, k);
    }
    for (int64_t task = 0; task < p.rowBlocks * p.splits; ++task) {
      const Matmul::Place at = p.placeOf(item, task);
      p.multiplyBlock(own, own.panels, at);
      p.finishBlock(own, at);
    }
  };
  p.frame->pool.run(static_cast<int>(p.args.batch), wholeItem, work * static_cast<double>(p.args.batch));
}

bool takesGemv(const MatmulArgs& args) { return !hasEpilogue(args) && gemvTakes(args); }

}  // namespace

const char* matmul(const MatmulArgs& args, const Frame& frame) {
  if (args.batch == 0 || args.m == 0 || args.n == 0) return nullptr;
  if (takesGemv(args)) return gemv(args, frame);
  const Matmul p(args, &frame, frame.pool.threads());
  const double work = 2.0 * static_cast<double>(p.m * p.n) * static_cast<double>(p.k);
  p.fillTables();
  if (p.perItem) runByItems(p, work);
  else runByBlocks(p, work);
  return nullptr;
}

ScratchBytes matmulScratch(const MatmulArgs& args, int threads) {
  return takesGemv(args) ? gemvScratch(args, threads) : Matmul(args, nullptr, threads).bytes;
}

}  // namespace fovea::FOVEA_ISA
