// The elementwise kernel: a fused program over every point of a space, in the order of the first
// result's memory.
#include "fused.h"
#include "scratch.h"
#include "streaming.h"

namespace fovea::FOVEA_ISA {

namespace {

constexpr int kSide = 32;  // of a tile that transposes: two cache lines of each row and column
constexpr int64_t kTilesOfTask = 16;

int64_t atMost(int64_t value, int64_t limit) { return value < limit ? value : limit; }

/** The axis along which some source is contiguous while the result is not; −1 if there is none. */
int transposedAxis(const Space& space, const Source* sources, int64_t count) {
  for (int64_t s = 0; s < count; ++s) {
    if (sources[s].kind != kSourceMemory) continue;
    const int64_t* strides = sources[s].operand.strides;
    const int64_t innerStride = space.stride(strides, space.innerAxis());
    if (innerStride == 0 || innerStride == 1) continue;
    for (int axis = 0; axis < space.innerAxis(); ++axis) {
      if (space.stride(strides, axis) == 1 && space.size(axis) > 1) return axis;
    }
  }
  return -1;
}

/** Cuts the space into tiles, nearly equal ones where a row is longer than a block. */
void chooseTile(Space& space, const Source* sources, int64_t count) {
  const int transposed = transposedAxis(space, sources, count);
  if (transposed >= 0) space.chooseRows(transposed);
  const int64_t inner = space.size(space.innerAxis()), rows = space.size(space.rowAxis());
  if (transposed >= 0) {
    const int64_t tileRows = atMost(rows, kBlock / atMost(inner, kSide));
    space.setTile(tileRows, atMost(inner, kBlock / tileRows));
    return;
  }
  const int64_t blocks = (inner + kBlock - 1) / kBlock;
  const int64_t tileInner = atMost(((inner + blocks - 1) / blocks + 15) / 16 * 16, inner);
  space.setTile(atMost(rows, kBlock / tileInner), tileInner);
}

}  // namespace

const char* elementwise(const ElementwiseArgs& args, const Frame& frame) {
  const auto* sources = reinterpret_cast<const Source*>(&args + 1);
  const auto* instructions = reinterpret_cast<const Instruction*>(sources + args.sourceCount);
  const auto* results = reinterpret_cast<const Result*>(instructions + args.instructionCount);
  for (int64_t d = 0; d < args.rank; ++d) {
    if (args.shape[d] == 0) return nullptr;
  }

  const int64_t* strides[kMaxResults + kMaxRegisters];
  int strideCount = 0;
  for (int64_t r = 0; r < args.resultCount; ++r) strides[strideCount++] = results[r].operand.strides;
  for (int64_t s = 0; s < args.sourceCount; ++s) {
    if (sources[s].kind != kSourceConstant) strides[strideCount++] = sources[s].operand.strides;
  }
  Space space(args.rank, args.shape, strides[0], strides, strideCount, nullptr);
  chooseTile(space, sources, args.sourceCount);
  const Fused fused(space, frame, sources, static_cast<int>(args.sourceCount), instructions,
                    static_cast<int>(args.instructionCount), results,
                    static_cast<int>(args.resultCount), -1);

  const int64_t tiles = space.tiles();
  // As many tasks for each thread, and all the same, so that a thread has the same part of a tensor in every call.
  const int64_t tasks = roundUp(divideUp(tiles, kTilesOfTask + tiles / 4096), frame.pool.threads());
  const auto body = [&](int task, int thread) {
    Registers registers;
    fused.start(registers, frame.own(thread));
    for (int64_t t = task * tiles / tasks; t < (task + 1) * tiles / tasks; ++t) fused.run(registers, space.tile(t));
  };
  frame.pool.run(static_cast<int>(tasks), body, fused.cost());
  return nullptr;
}

ScratchBytes elementwiseScratch(const ElementwiseArgs& args, int) {
  return {0, Fused::slotBytes(args.sourceCount + args.instructionCount)};
}

}  // namespace fovea::FOVEA_ISA
