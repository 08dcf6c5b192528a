#include "epilogue.h"

#include <algorithm>

#include "fused.h"
#include "simd.h"
#include "space.h"

namespace fovea::FOVEA_ISA {

namespace {

struct Body {
  const Source* sources;
  const Instruction* instructions;
  const Result* results;
  explicit Body(const MatmulArgs& args)
      : sources(reinterpret_cast<const Source*>(&args + 1)),
        instructions(reinterpret_cast<const Instruction*>(sources + args.sourceCount)),
        results(reinterpret_cast<const Result*>(instructions + args.instructionCount)) {}
};

/** An operand over [item, row, column] as one over the rows and columns of a block. */
Operand within(const ProductBlock& block, const Operand& whole) {
  Operand part = whole;
  const int64_t* s = whole.strides;
  // the strides of dimensions of size 1 mean nothing, and neither does what they are multiplied with: 0
  part.offset += block.item * s[0] + block.row * s[1] + block.column * s[2];
  part.strides[0] = s[1], part.strides[1] = s[2];
  return part;
}

}  // namespace

const int64_t* resultStrides(const MatmulArgs& args) {
  return hasEpilogue(args) ? Body(args).results[0].operand.strides : args.c.strides;
}

size_t epilogueBytes(const MatmulArgs& args) {
  return hasEpilogue(args) ? Fused::slotBytes(args.sourceCount + args.instructionCount) : 0;
}

void prefetchEpilogue(const MatmulArgs& args, const ProductBlock& part, const Frame& frame) {
  const Body body(args);
  for (int64_t s = 0; s < args.sourceCount; ++s) {
    if (body.sources[s].kind != kSourceMemory || body.sources[s].operand.dtype == kU8) continue;
    const Operand operand = within(part, body.sources[s].operand);
    const bool byRows = operand.strides[1] == 1;
    const int64_t lines = byRows ? part.rows : part.columns, length = byRows ? part.columns : part.rows;
    const ptrdiff_t next = operand.strides[byRows ? 0 : 1];
    if (operand.strides[byRows ? 1 : 0] != 1) continue;
    const float* from = reinterpret_cast<const float*>(frame.buffers[operand.buffer]) + operand.offset;
    for (int64_t i = 0; i < lines; ++i) {
      for (int64_t j = 0; j < length; j += kLineFloats) __builtin_prefetch(from + i * next + j, 1, 2);
    }
  }
}

void runEpilogue(const MatmulArgs& args, const ProductBlock& block, const Frame& frame, char* scratch) {
  const Body body(args);
  Source sources[kMaxRegisters];
  Result results[kMaxResults];
  const int64_t* strides[kMaxResults + kMaxRegisters];
  // The block is one more buffer: operands are numbered anew.
  char* buffers[kMaxResults + kMaxRegisters];
  int bufferCount = 0, strideCount = 0;
  const auto give = [&](Operand& operand, char* base) {
    buffers[bufferCount] = base;
    operand.buffer = bufferCount++;
  };
  for (int64_t r = 0; r < args.resultCount; ++r) {
    results[r] = {body.results[r].value, within(block, body.results[r].operand)};
    give(results[r].operand, frame.buffers[results[r].operand.buffer]);
    strides[strideCount++] = results[r].operand.strides;
  }
  for (int64_t s = 0; s < args.sourceCount; ++s) {
    Source& source = sources[s] = body.sources[s];
    if (source.kind == kSourceProduct) {
      source.kind = kSourceMemory;
      source.operand.dtype = kF32, source.operand.offset = 0;
      source.operand.strides[0] = block.rowStride, source.operand.strides[1] = block.columnStride;
      give(source.operand, reinterpret_cast<char*>(const_cast<float*>(block.data)));
    } else if (source.kind != kSourceConstant) {
      source.operand = within(block, source.operand);
      if (source.kind == kSourceMemory) give(source.operand, frame.buffers[source.operand.buffer]);
    }
    if (source.kind != kSourceConstant) strides[strideCount++] = source.operand.strides;
  }

  const int64_t shape[] = {block.rows, block.columns};
  Space space(2, shape, strides[0], strides, strideCount, nullptr);
  // Rows one by one: those of the result are far from each other, but each can be computed in place.
  space.setTile(1, std::min<int64_t>(space.size(space.innerAxis()), kBlock));
  const Frame local{buffers, frame.pool, nullptr, nullptr, 0};  // its registers' place is given below
  const Fused fused(space, local, sources, static_cast<int>(args.sourceCount), body.instructions,
                    static_cast<int>(args.instructionCount), results, static_cast<int>(args.resultCount), -1);
  Registers registers;
  fused.start(registers, scratch);
  for (int64_t t = 0; t < space.tiles(); ++t) fused.run(registers, space.tile(t));
}

}  // namespace fovea::FOVEA_ISA
