#include "call_guard.h"

#ifdef __SANITIZE_ADDRESS__

namespace fovea {

namespace {

/** Calls visit(operand) for each operand of a call, those of its sources and results included. */
template <class Visit>
void eachOperand(const Call& call, const Visit& visit) {
  const KernelInfo& info = kKernels[call.kernel];
  const auto* words = static_cast<const int64_t*>(call.args);
  for (int i = 0; i < info.operandCount; i++) {
    visit(*reinterpret_cast<const Operand*>(words + info.operands[i]));
  }
  const auto visitBody = [&](int64_t sources, int64_t instructions, int64_t results) {
    const auto* source = reinterpret_cast<const Source*>(words + info.words);
    for (int64_t i = 0; i < sources; i++) visit(source[i].operand);
    const auto* instruction = reinterpret_cast<const Instruction*>(source + sources);
    const auto* result = reinterpret_cast<const Result*>(instruction + instructions);
    for (int64_t i = 0; i < results; i++) visit(result[i].operand);
  };
  if (call.kernel == kKernelElementwise) {
    const auto& args = *static_cast<const ElementwiseArgs*>(call.args);
    visitBody(args.sourceCount, args.instructionCount, args.resultCount);
  } else if (call.kernel == kKernelReduce) {
    const auto& args = *static_cast<const ReduceArgs*>(call.args);
    visitBody(args.sourceCount, args.instructionCount, 0);
  } else if (call.kernel == kKernelMatmul) {
    const auto& args = *static_cast<const MatmulArgs*>(call.args);
    visitBody(args.sourceCount, args.instructionCount, args.resultCount);
  }
}

}  // namespace

CallGuard::CallGuard(const Coordinator& coordinator, const Program& program, const Call& call,
                     const Block& arena, const Block& scratch, const ScratchBytes& most)
    : arena_(arena), scratch_(scratch) {
  ASAN_POISON_MEMORY_REGION(arena.data(), arena.bytes());
  eachOperand(call, [&](const Operand& operand) {
    if (operand.buffer < 0) return;
    const BufferSpec& spec = program.buffers()[operand.buffer];
    if (spec.kind == kBufferArena) ASAN_UNPOISON_MEMORY_REGION(arena.data() + spec.offset, spec.bytes);
  });
  const ScratchBytes needed = coordinator.scratchOf(call);
  ASAN_POISON_MEMORY_REGION(scratch.data(), scratch.bytes());
  ASAN_UNPOISON_MEMORY_REGION(scratch.data(), needed.shared);
  for (int thread = 0; thread < coordinator.threads(); thread++) {
    ASAN_UNPOISON_MEMORY_REGION(scratch.data() + most.shared + thread * most.own, needed.own);
  }
}

CallGuard::~CallGuard() {
  ASAN_UNPOISON_MEMORY_REGION(arena_.data(), arena_.bytes());
  ASAN_UNPOISON_MEMORY_REGION(scratch_.data(), scratch_.bytes());
}

}  // namespace fovea
#endif
