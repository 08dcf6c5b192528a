// The reduce kernel: a fused program's register, gathered over some axes while it is computed.
//
// The space is cut into tiles. Those that share their results form a column of tiles; a long column
// is cut into chunks that threads work at on their own, and their results are combined in order.
// Tiles and chunks depend on shapes and strides alone, so that the bits of a sum do, too.
#include "fused.h"
#include "reducers.h"
#include "streaming.h"

namespace fovea::FOVEA_ISA {

namespace {

constexpr int64_t kReduced = 1;
constexpr int64_t kChunks = 64;     // pieces of work that there should be at least
constexpr int64_t kChunkTiles = 8;  // but none smaller than this

int64_t atMost(int64_t value, int64_t limit) { return value < limit ? value : limit; }
int64_t divideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

/** What a call's lists of strides are collected in. */
struct Strides {
  const int64_t* lists[kMaxRegisters + 2];
  int count = 0;
  int64_t places[kMaxRank];  // row-major over the reduced axes, 0 along the others
  int64_t rowMajor[kMaxRank];
  const int64_t* key;  // of the largest source: its memory is walked in order

  Strides(const ReduceArgs& args, const Source* sources) {
    int64_t step = 1, place = 1;
    for (int64_t d = args.rank - 1; d >= 0; --d) {
      rowMajor[d] = step;
      step *= args.shape[d];
      places[d] = args.reduced[d] ? place : 0;
      if (args.reduced[d]) place *= args.shape[d];
    }
    key = rowMajor;
    int64_t largest = 0;
    for (int64_t s = 0; s < args.sourceCount; ++s) {
      if (sources[s].kind == kSourceConstant) continue;
      const int64_t* strides = sources[s].operand.strides;
      lists[count++] = strides;
      int64_t points = 1;
      for (int64_t d = 0; d < args.rank; ++d) points *= strides[d] == 0 ? 1 : args.shape[d];
      if (sources[s].kind != kSourceMemory || points <= largest) continue;
      largest = points;
      key = strides;
    }
    lists[count++] = args.result.strides;
    if (args.op == kReduceArgmax) lists[count++] = places;
  }
};

/** How the work of a call is divided. */
struct Division {
  Space space;
  int64_t columns, columnTiles;  // results of a tile; tiles that share them
  int64_t chunks, chunkTiles;
  int64_t columnsOfTask;
  int64_t results;  // of one tile

  Division(const ReduceArgs& args, const Strides& strides)
      : space(args.rank, args.shape, strides.key, strides.lists, strides.count, args.reduced) {
    const bool innerIsKept = space.mark(space.innerAxis()) != kReduced;
    for (int axis = space.rowAxis(); innerIsKept && axis >= 0; --axis) {
      if (space.mark(axis) != kReduced) continue;
      space.chooseRows(axis);
      break;
    }
    const bool rowsAreKept = space.mark(space.rowAxis()) != kReduced;
    const int64_t inner = space.size(space.innerAxis());
    const int64_t blocks = divideUp(inner, kBlock);
    const int64_t tileInner = atMost(divideUp(divideUp(inner, blocks), 16) * 16, inner);
    space.setTile(atMost(space.size(space.rowAxis()), kBlock / tileInner), tileInner);

    results = (innerIsKept ? space.tileInner() : 1) * (rowsAreKept ? space.tileRows() : 1);
    columns = space.tiles(0);
    columnTiles = space.tiles(kReduced);
    chunks = atMost(divideUp(kChunks, columns), columnTiles / kChunkTiles);
    if (chunks < 1) chunks = 1;
    chunkTiles = divideUp(columnTiles, chunks);
    chunks = divideUp(columnTiles, chunkTiles);
    columnsOfTask = chunks > 1 ? 1 : divideUp(2 * kChunkTiles, columnTiles);
  }
};

/** Everything that the tasks of one call share. */
template <class Reducer>
struct Work {
  using Value = typename Reducer::Value;
  using Accumulator = typename Reducer::Accumulator;

  const ReduceArgs& args;
  const Frame& frame;
  const Division& division;
  const Fused& fused;
  const Strides& strides;
  Accumulator* partials;  // [column][chunk][result of a tile]

  /** Gathers some tiles of a column. */
  void gather(Registers& registers, Accumulator* into, int64_t column, int64_t chunk) const {
    for (int64_t i = 0; i < division.results; ++i) into[i] = Reducer::start();
    const int64_t first = chunk * division.chunkTiles;
    const int64_t end = atMost(first + division.chunkTiles, division.columnTiles);
    for (int64_t t = first; t < end; ++t) {
      const Tile tile = division.space.tile(column, t);
      fused.run(registers, tile);
      take(into, static_cast<const Value*>(registers.at[args.value]), tile);
    }
  }

  void take(Accumulator* into, const Value* values, const Tile& tile) const {
    const Space& space = division.space;
    const bool rowsAreKept = space.mark(space.rowAxis()) != kReduced;
    const bool innerIsKept = space.mark(space.innerAxis()) != kReduced;
    int64_t place = 0, rowStep = 0, innerStep = 0;
    if (Reducer::needsPlace) {
      rowStep = space.stride(strides.places, space.rowAxis());
      innerStep = space.stride(strides.places, space.innerAxis());
      for (int axis = 0; axis < space.axes(); ++axis) {
        place += tile.at[axis] * space.stride(strides.places, axis);
      }
    }
    if (innerIsKept && rowsAreKept) {
      Reducer::takeColumns(into, values, 1, tile.count(), place, 0, 0);
    } else if (innerIsKept) {
      Reducer::takeColumns(into, values, tile.rows, tile.inner, place, rowStep, innerStep);
    } else if (rowsAreKept || Reducer::needsPlace) {
      for (int r = 0; r < tile.rows; ++r) {
        Reducer::takeRun(into[rowsAreKept ? r : 0], values + r * tile.inner, tile.inner,
                         place + r * rowStep, innerStep);
      }
    } else {
      Reducer::takeRun(*into, values, tile.count(), 0, 0);
    }
  }

  /** Stores the results of a column. */
  void finish(const Accumulator* from, int64_t column) const {
    const Space& space = division.space;
    const Tile tile = space.tile(column);
    const int64_t* all = args.result.strides;
    const int rowAxis = space.rowAxis(), innerAxis = space.innerAxis();
    int64_t base = 0;
    for (int axis = 0; axis < space.axes(); ++axis) {
      if (space.mark(axis) != kReduced) base += tile.at[axis] * space.stride(all, axis);
    }
    const int rows = space.mark(rowAxis) == kReduced ? 1 : tile.rows;
    const int inner = space.mark(innerAxis) == kReduced ? 1 : tile.inner;
    for (int r = 0; r < rows; ++r) {
      for (int i = 0; i < inner; ++i) {
        const int64_t at = base + r * space.stride(all, rowAxis) + i * space.stride(all, innerAxis);
        const auto value = Reducer::finish(from[r * inner + i]);
        if (args.result.dtype == kU8) frame.at<uint8_t>(args.result)[at] = static_cast<uint8_t>(value);
        else frame.at<decltype(Reducer::finish(from[0]))>(args.result)[at] = value;
      }
    }
  }

  void run() const {
    const int64_t tasks = division.chunks > 1 ? division.columns * division.chunks
                                              : divideUp(division.columns, division.columnsOfTask);
    const auto body = [&](int task, int thread) {
      Registers registers;
      fused.start(registers, frame.own(thread));
      if (division.chunks > 1) {
        gather(registers, partials + task * division.results, task / division.chunks,
               task % division.chunks);
        return;
      }
      Accumulator results[kBlock];
      const int64_t first = task * division.columnsOfTask;
      const int64_t end = atMost(first + division.columnsOfTask, division.columns);
      for (int64_t column = first; column < end; ++column) {
        gather(registers, results, column, 0);
        finish(results, column);
      }
    };
    const double points = static_cast<double>(division.space.points());
    frame.pool.run(static_cast<int>(tasks), body, fused.cost() + 4 * points);
    if (division.chunks == 1) return;
    for (int64_t column = 0; column < division.columns; ++column) {
      Accumulator* sum = partials + column * division.chunks * division.results;
      for (int64_t chunk = 1; chunk < division.chunks; ++chunk) {
        const Accumulator* next = sum + chunk * division.results;
        for (int64_t i = 0; i < division.results; ++i) Reducer::combine(sum[i], next[i]);
      }
      finish(sum, column);
    }
  }
};

/** Scratch: the partial results, and each thread's registers. */
size_t partialBytes(const Division& division) {
  if (division.chunks == 1) return 0;
  const int64_t count = division.columns * division.chunks * division.results;
  return static_cast<size_t>(divideUp(count * sizeof(Argmax<float>::Accumulator), 64) * 64);
}

bool isFloat(const ReduceArgs& args, const Source* sources, const Instruction* instructions) {
  if (args.value < args.sourceCount) return sources[args.value].operand.dtype == kF32;
  const Instruction& last = instructions[args.value - args.sourceCount];
  if (last.op == kOpToF32 || last.op == kOpUniform) return true;
  const bool isTruth = last.op >= kOpEq && last.op <= kOpLe;
  return last.dtype == kF32 && last.op != kOpToI32 && !isTruth;
}

/** A sum over nothing. */
void storeZeros(const ReduceArgs& args, const Frame& frame) {
  int64_t at[kMaxRank] = {};
  for (;;) {
    int64_t offset = 0;
    for (int64_t d = 0; d < args.rank; ++d) offset += at[d] * args.result.strides[d];
    if (args.result.dtype == kU8) frame.at<uint8_t>(args.result)[offset] = 0;
    else frame.at<int32_t>(args.result)[offset] = 0;
    int64_t d = args.rank - 1;
    for (; d >= 0; --d) {
      if (!args.reduced[d] && ++at[d] < args.shape[d]) break;
      at[d] = 0;
    }
    if (d < 0) return;
  }
}

}  // namespace

const char* reduce(const ReduceArgs& args, const Frame& frame) {
  const auto* sources = reinterpret_cast<const Source*>(&args + 1);
  const auto* instructions = reinterpret_cast<const Instruction*>(sources + args.sourceCount);
  bool isEmpty = false;
  for (int64_t d = 0; d < args.rank; ++d) {
    if (args.shape[d] == 0 && !args.reduced[d]) return nullptr;
    isEmpty = isEmpty || args.shape[d] == 0;
  }
  if (isEmpty) {
    storeZeros(args, frame);
    return nullptr;
  }

  const Strides strides(args, sources);
  const Division division(args, strides);
  const Fused fused(division.space, frame, sources, static_cast<int>(args.sourceCount),
                    instructions, static_cast<int>(args.instructionCount), nullptr, 0,
                    static_cast<int>(args.value));
  const auto run = [&](auto reducer) {
    using Reducer = decltype(reducer);
    auto* partials = reinterpret_cast<typename Reducer::Accumulator*>(frame.scratch);
    Work<Reducer>{args, frame, division, fused, strides, partials}.run();
  };
  const bool ofFloats = isFloat(args, sources, instructions);
  if (args.op == kReduceSum) {
    if (ofFloats) run(SumF32{});
    else run(SumI32{});
  } else if (args.op == kReduceMax) {
    if (ofFloats) run(Max<float>{});
    else run(Max<int32_t>{});
  } else {
    if (ofFloats) run(Argmax<float>{});
    else run(Argmax<int32_t>{});
  }
  return nullptr;
}

ScratchBytes reduceScratch(const ReduceArgs& args, int) {
  for (int64_t d = 0; d < args.rank; ++d) {
    if (args.shape[d] == 0) return {};
  }
  const Strides strides(args, reinterpret_cast<const Source*>(&args + 1));
  return {partialBytes(Division(args, strides)), Fused::slotBytes(args.sourceCount + args.instructionCount)};
}

}  // namespace fovea::FOVEA_ISA
