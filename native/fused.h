// A call's sources and instructions, prepared to be run on one tile after another: which register
// lives where, what has to be copied into one first, which can be used where it lies in memory.
#pragma once
#include "abi.h"
#include "frame.h"
#include "operations.h"
#include "space.h"

namespace fovea::FOVEA_ISA {

/** One thread's registers: where each value of the current tile is. */
struct Registers {
  void* at[kMaxRegisters];
  char* slots;
};

class Fused {
 public:
  /** Bytes that each thread's slots may take. */
  static size_t slotBytes(int64_t values) { return static_cast<size_t>(values) * kBlock * 4; }

  /** `results` are stored by `run`; the value `kept` (−1: none) is left in its register. */
  Fused(const Space& space, const Frame& frame, const Source* sources, int sourceCount,
        const Instruction* instructions, int instructionCount, const Result* results,
        int resultCount, int kept);

  /** Before a thread's first tile. `slots`: slotBytes(sources + instructions) bytes, aligned. */
  void start(Registers& registers, char* slots) const;
  /** Computes and stores one tile. Values are dense: row after row of `tile.inner` elements. */
  void run(Registers& registers, const Tile& tile) const;

  /** Rough cost of all points, as Pool counts. */
  double cost() const;

 private:
  /** A memory window, or for an index the numbers that play its part. */
  struct Window {
    char* base;
    int64_t dtype;
    int64_t offset;
    int64_t stride[kMaxAxes];
    bool isDirect;  // a whole tile lies in memory as it would in a register
  };
  struct Step {
    bool computes;  // else it loads a source
    int16_t value, args[3];
    int32_t stream;
    Operation operation;
  };
  struct Store {
    Window window;
    int value;
    bool isDirect;  // computed in place: nothing left to do
  };

  Window windowOf(const Operand& operand, const Frame& frame) const;
  bool isInvariant(const Window& window) const;
  int64_t offsetAt(const Window& window, const Tile& tile) const;
  void planSources(const Frame& frame);
  void planSteps(const Instruction* instructions, int count);
  void addLoad(int value);
  int takeSlot();
  void load(int value, void* to, const Tile& tile) const;

  const Space& space_;
  const Source* sources_;
  const int sourceCount_, valueCount_, storeCount_;
  int stepCount_ = 0, slotCount_ = 0, freeCount_ = 0;
  int bytes_ = 0, operations_ = 0;  // of one point
  int16_t lastUse_[kMaxRegisters];  // the instruction that needs a value last
  int16_t slot_[kMaxRegisters];     // −1: none (yet)
  int16_t free_[kMaxRegisters];
  bool isInvariant_[kMaxRegisters];
  Step steps_[2 * kMaxRegisters];
  Window windows_[kMaxRegisters];  // of sources
  Store stores_[kMaxResults];
};

}  // namespace fovea::FOVEA_ISA
