#include "fused.h"

#include <cstring>

#include "pragmas.h"
#include "transpose.h"

namespace fovea::FOVEA_ISA {

namespace {

constexpr int16_t kForever = 0x7fff;
// Pool counts four operations for a byte from memory; one is more like it while all is in a cache.
constexpr double kCostOfByte = 4, kCostOfCachedByte = 1, kCachedBytes = 1 << 20;

int64_t distance(int64_t stride) { return stride < 0 ? -stride : stride; }

/**
 * move(dense, strided) for each point of a tile: `dense` counts row by row, `strided` by the
 * strides. The axis with the smaller stride runs innermost.
 */
template <class Move>
FOVEA_INLINE void forPoints(const Tile& tile, int64_t rowStride, int64_t innerStride, Move&& move) {
  if (innerStride == 1) {  // said apart so that the compiler sees the 1
    for (int r = 0; r < tile.rows; ++r) {
      FOVEA_INDEPENDENT
      for (int i = 0; i < tile.inner; ++i) move(r * tile.inner + i, r * rowStride + i);
    }
  } else if (innerStride == 0) {
    for (int r = 0; r < tile.rows; ++r) {
      FOVEA_INDEPENDENT
      for (int i = 0; i < tile.inner; ++i) move(r * tile.inner + i, r * rowStride);
    }
  } else if (distance(rowStride) < distance(innerStride) && tile.rows > 1) {
    for (int i = 0; i < tile.inner; ++i) {
      for (int r = 0; r < tile.rows; ++r) {
        move(r * tile.inner + i, r * rowStride + i * innerStride);
      }
    }
  } else {
    for (int r = 0; r < tile.rows; ++r) {
      for (int i = 0; i < tile.inner; ++i) {
        move(r * tile.inner + i, r * rowStride + i * innerStride);
      }
    }
  }
}

/** The tile as one row, where its rows follow each other in memory. */
Tile joined(const Tile& tile, int64_t rowStride, int64_t innerStride) {
  Tile row = tile;
  if (rowStride == tile.inner && innerStride == 1) {
    row.rows = 1;
    row.inner = tile.count();
  }
  return row;
}

void copyIn(int32_t* to, const char* from, int64_t dtype, const Tile& whole, int64_t rowStride,
            int64_t innerStride) {
  const Tile tile = joined(whole, rowStride, innerStride);
  if (dtype == kU8) {
    const auto* source = reinterpret_cast<const uint8_t*>(from);
    forPoints(tile, rowStride, innerStride,
              [&](int64_t dense, int64_t strided) { to[dense] = source[strided]; });
    return;
  }
  const auto* source = reinterpret_cast<const int32_t*>(from);
  if (rowStride == 1 && innerStride != 1 && innerStride != 0 && tile.rows > 1) {
    transpose(to, tile.inner, source, innerStride, tile.inner, tile.rows);
  } else {
    forPoints(tile, rowStride, innerStride,
              [&](int64_t dense, int64_t strided) { to[dense] = source[strided]; });
  }
}

void copyOut(char* to, const int32_t* from, int64_t dtype, const Tile& whole, int64_t rowStride,
             int64_t innerStride) {
  const Tile tile = joined(whole, rowStride, innerStride);
  if (dtype == kU8) {
    auto* target = reinterpret_cast<uint8_t*>(to);
    forPoints(tile, rowStride, innerStride, [&](int64_t dense, int64_t strided) {
      target[strided] = static_cast<uint8_t>(from[dense]);
    });
    return;
  }
  auto* target = reinterpret_cast<int32_t*>(to);
  if (rowStride == 1 && innerStride != 1 && tile.rows > 1) {
    transpose(target, innerStride, from, tile.inner, tile.rows, tile.inner);
  } else {
    forPoints(tile, rowStride, innerStride,
              [&](int64_t dense, int64_t strided) { target[strided] = from[dense]; });
  }
}

void fill(int32_t* to, int64_t value, int count) {
  for (int i = 0; i < count; ++i) to[i] = static_cast<int32_t>(value);
}

}  // namespace

Fused::Fused(const Space& space, const Frame& frame, const Source* sources, int sourceCount,
             const Instruction* instructions, int instructionCount, const Result* results,
             int resultCount, int kept)
    : space_(space),
      sources_(sources),
      sourceCount_(sourceCount),
      valueCount_(sourceCount + instructionCount),
      storeCount_(resultCount) {
  for (int v = 0; v < valueCount_; ++v) {
    lastUse_[v] = -1;
    slot_[v] = -1;
  }
  for (int i = 0; i < instructionCount; ++i) {
    for (int a = 0; a < argumentCount(instructions[i].op); ++a) {
      lastUse_[instructions[i].args[a]] = static_cast<int16_t>(i);
    }
  }
  if (kept >= 0) lastUse_[kept] = kForever;
  for (int r = 0; r < resultCount; ++r) lastUse_[results[r].value] = kForever;

  planSources(frame);
  for (int r = 0; r < resultCount; ++r) {
    Store& store = stores_[r];
    store.value = static_cast<int>(results[r].value);
    store.window = windowOf(results[r].operand, frame);
    bytes_ += store.window.dtype == kU8 ? 1 : 4;
    const int instruction = store.value - sourceCount;
    store.isDirect = store.window.isDirect && instruction >= 0 && slot_[store.value] == -1;
    for (int s = 0; s < sourceCount; ++s) {
      if (sources[s].kind != kSourceMemory) continue;
      // A result may take the place of a source, once that source is needed no more. A source that
      // is itself a result must not change before it is stored.
      const bool isSamePlace = windows_[s].base == store.window.base &&
                               windows_[s].offset == store.window.offset;
      if (isSamePlace && lastUse_[s] > instruction) store.isDirect = false;
      if (isSamePlace && lastUse_[s] == kForever) windows_[s].isDirect = false;
    }
    if (store.isDirect) slot_[store.value] = -2;  // taken: another result of this value is a copy
  }
  planSteps(instructions, instructionCount);
}

Fused::Window Fused::windowOf(const Operand& operand, const Frame& frame) const {
  Window window;
  window.base = operand.buffer < 0 ? nullptr : frame.buffers[operand.buffer];
  window.dtype = operand.dtype;
  window.offset = operand.offset;
  for (int axis = 0; axis < space_.axes(); ++axis) {
    window.stride[axis] = space_.stride(operand.strides, axis);
  }
  const int64_t inner = space_.size(space_.innerAxis());
  const bool rowIsDense = inner == 1 || window.stride[space_.innerAxis()] == 1;
  const bool rowsTouch = space_.tileRows() == 1 || (window.stride[space_.rowAxis()] == inner &&
                                                    space_.tileInner() == inner);
  window.isDirect = window.base && operand.dtype != kU8 && rowIsDense && rowsTouch;
  return window;
}

/** Whether every tile sees the same values. */
bool Fused::isInvariant(const Window& window) const {
  for (int axis = 0; axis < space_.innerAxis(); ++axis) {
    if (window.stride[axis] != 0) return false;
  }
  return window.stride[space_.innerAxis()] == 0 ||
         space_.tileInner() == space_.size(space_.innerAxis());
}

int64_t Fused::offsetAt(const Window& window, const Tile& tile) const {
  int64_t offset = window.offset;
  for (int axis = 0; axis < space_.axes(); ++axis) offset += tile.at[axis] * window.stride[axis];
  return offset;
}

void Fused::planSources(const Frame& frame) {
  for (int s = 0; s < sourceCount_; ++s) {
    windows_[s] = windowOf(sources_[s].operand, frame);
    isInvariant_[s] = sources_[s].kind == kSourceConstant ||
                      (!windows_[s].isDirect && isInvariant(windows_[s]));
    if (isInvariant_[s]) slot_[s] = static_cast<int16_t>(slotCount_++);
    if (sources_[s].kind == kSourceMemory) bytes_ += windows_[s].dtype == kU8 ? 1 : 4;
  }
}

double Fused::cost() const {
  const double points = static_cast<double>(space_.points()), bytes = points * bytes_;
  const double costOfByte = bytes < kCachedBytes ? kCostOfCachedByte : kCostOfByte;
  return points * operations_ + bytes * costOfByte;
}

int Fused::takeSlot() { return freeCount_ > 0 ? free_[--freeCount_] : slotCount_++; }

/** Sees to it that a source is in a register from here on. */
void Fused::addLoad(int value) {
  if (value >= sourceCount_ || windows_[value].isDirect || slot_[value] >= 0) return;
  slot_[value] = static_cast<int16_t>(takeSlot());
  Step& step = steps_[stepCount_++];
  step.computes = false;
  step.value = static_cast<int16_t>(value);
}

void Fused::planSteps(const Instruction* instructions, int count) {
  for (int i = 0; i < count; ++i) {
    const Instruction& instruction = instructions[i];
    const int value = sourceCount_ + i;
    if (lastUse_[value] < 0) continue;
    const int arguments = argumentCount(instruction.op);
    for (int a = 0; a < arguments; ++a) addLoad(static_cast<int>(instruction.args[a]));
    for (int a = 0; a < arguments; ++a) {
      const int64_t arg = instruction.args[a];
      const bool ownsSlot = slot_[arg] >= 0 && !(arg < sourceCount_ && isInvariant_[arg]);
      if (!ownsSlot || lastUse_[arg] != i) continue;
      free_[freeCount_++] = slot_[arg];  // the result may take it: operations allow that
      lastUse_[arg] = kForever;          // once is enough, should it be an argument twice
    }
    if (slot_[value] == -1) slot_[value] = static_cast<int16_t>(takeSlot());
    Step& step = steps_[stepCount_++];
    step.computes = true;
    step.value = static_cast<int16_t>(value);
    for (int a = 0; a < 3; ++a) step.args[a] = static_cast<int16_t>(instruction.args[a]);
    step.stream = static_cast<int32_t>(instruction.stream);
    step.operation = operationOf(instruction.op, instruction.dtype);
    operations_ += costOf(instruction.op);
  }
  for (int v = 0; v < sourceCount_; ++v) {
    if (lastUse_[v] == kForever) addLoad(v);  // stored or kept as it is
  }
}

void Fused::start(Registers& registers, char* slots) const {
  registers.slots = slots;
  for (int v = 0; v < valueCount_; ++v) registers.at[v] = nullptr;
  const Tile first = space_.tile(0);
  for (int s = 0; s < sourceCount_; ++s) {
    if (!isInvariant_[s]) continue;
    auto* to = reinterpret_cast<int32_t*>(slots + slot_[s] * slotBytes(1));
    registers.at[s] = to;
    const Operand& operand = sources_[s].operand;
    if (sources_[s].kind == kSourceConstant) fill(to, operand.offset, first.count());
    else load(s, to, first);
  }
}

void Fused::load(int value, void* to, const Tile& tile) const {
  const Window& window = windows_[value];
  const int64_t offset = offsetAt(window, tile);
  const int64_t rowStride = window.stride[space_.rowAxis()];
  const int64_t innerStride = window.stride[space_.innerAxis()];
  auto* target = static_cast<int32_t*>(to);
  if (sources_[value].kind == kSourceIndex) {
    for (int r = 0; r < tile.rows; ++r) {
      const int64_t start = offset + r * rowStride;
      for (int i = 0; i < tile.inner; ++i) {
        target[r * tile.inner + i] = static_cast<int32_t>(start + i * innerStride);
      }
    }
    return;
  }
  copyIn(target, window.base + offset * (window.dtype == kU8 ? 1 : 4), window.dtype, tile,
         rowStride, innerStride);
}

void Fused::run(Registers& registers, const Tile& tile) const {
  void** at = registers.at;
  for (int s = 0; s < sourceCount_; ++s) {
    if (windows_[s].isDirect) at[s] = windows_[s].base + 4 * offsetAt(windows_[s], tile);
  }
  for (int s = 0; s < storeCount_; ++s) {
    const Store& store = stores_[s];
    if (store.isDirect) at[store.value] = store.window.base + 4 * offsetAt(store.window, tile);
  }
  const int count = tile.count();
  for (int i = 0; i < stepCount_; ++i) {
    const Step& step = steps_[i];
    if (slot_[step.value] >= 0) {
      at[step.value] = registers.slots + slot_[step.value] * slotBytes(1);
    }
    if (step.computes) {
      step.operation(at[step.value], at[step.args[0]], at[step.args[1]], at[step.args[2]], count,
                     step.stream);
    } else {
      load(step.value, at[step.value], tile);
    }
  }
  for (int s = 0; s < storeCount_; ++s) {
    const Store& store = stores_[s];
    if (store.isDirect) continue;
    const Window& window = store.window;
    const int64_t offset = offsetAt(window, tile) * (window.dtype == kU8 ? 1 : 4);
    copyOut(window.base + offset, static_cast<const int32_t*>(at[store.value]), window.dtype, tile,
            window.stride[space_.rowAxis()], window.stride[space_.innerAxis()]);
  }
}

}  // namespace fovea::FOVEA_ISA
