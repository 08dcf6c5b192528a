#include "program.h"

#include <algorithm>
#include <cstring>

namespace fovea {

namespace {

template <class T>
constexpr size_t wordsOf() {
  return sizeof(T) / sizeof(int64_t);
}

/** Hands out structs from a run of words; null once it has come to the end. */
class Words {
 public:
  Words(const int64_t* at, size_t count) : at_(at), left_(count) {}
  template <class T>
  const T* take(size_t count = 1) {
    return reinterpret_cast<const T*>(takeWords(wordsOf<T>() * count));
  }
  const int64_t* takeWords(size_t words) {
    if (words > left_) return nullptr;
    const int64_t* taken = at_;
    at_ += words;
    left_ -= words;
    return taken;
  }
  size_t left() const { return left_; }

 private:
  const int64_t* at_;
  size_t left_;
};

bool isOperandValid(const Operand& operand, int64_t bufferCount) {
  return operand.buffer >= -1 && operand.buffer < bufferCount && operand.dtype >= kF32 &&
         operand.dtype <= kU8;
}

bool isBetween(int64_t value, int64_t low, int64_t high) { return value >= low && value <= high; }

/** The sources and instructions behind a call's struct: known codes, registers that exist. */
bool isBodyValid(Words& words, int64_t sources, int64_t instructions, int64_t bufferCount,
                 bool startsWithProduct = false) {
  if (!isBetween(sources, 0, kMaxRegisters) || !isBetween(instructions, 0, kMaxRegisters) ||
      sources + instructions > kMaxRegisters) {
    return false;
  }
  const Source* source = words.take<Source>(sources);
  if (!source) return false;
  for (int64_t i = 0; i < sources; i++) {
    const Operand& operand = source[i].operand;
    const bool isProduct = startsWithProduct && i == 0;
    if (isProduct != (source[i].kind == kSourceProduct)) return false;
    if (!isBetween(source[i].kind, kSourceMemory, kSourceProduct)) return false;
    if (!isOperandValid(operand, bufferCount)) return false;
    if ((source[i].kind == kSourceMemory) != (operand.buffer >= 0)) return false;
  }
  const Instruction* instruction = words.take<Instruction>(instructions);
  if (!instruction) return false;
  for (int64_t i = 0; i < instructions; i++) {
    if (!isBetween(instruction[i].op, kOpNeg, kOpUniform)) return false;
    if (!isBetween(instruction[i].dtype, kF32, kI32)) return false;
    for (int64_t arg : instruction[i].args) {
      if (!isBetween(arg, 0, std::max<int64_t>(0, sources + i - 1))) return false;
    }
  }
  return true;
}

bool isShapeValid(int64_t rank, const int64_t* shape) {
  return isBetween(rank, 0, kMaxRank) &&
         std::all_of(shape, shape + rank, [](int64_t size) { return size >= 0; });
}

/** Results behind sources and instructions: registers that exist, to memory. */
bool areResultsValid(Words& words, int64_t results, int64_t registers, int64_t bufferCount) {
  if (!isBetween(results, 1, kMaxResults)) return false;
  const Result* result = words.take<Result>(results);
  return result && std::all_of(result, result + results, [&](const Result& r) {
           return isBetween(r.value, 0, registers - 1) && isOperandValid(r.operand, bufferCount) &&
                  r.operand.buffer >= 0;
         });
}

/** What lies behind the struct of an elementwise, reduce or matmul call. */
bool isRestValid(Kernel kernel, const void* args, Words& rest, int64_t bufferCount) {
  if (kernel == kKernelElementwise) {
    const auto& call = *static_cast<const ElementwiseArgs*>(args);
    if (!isShapeValid(call.rank, call.shape)) return false;
    return isBodyValid(rest, call.sourceCount, call.instructionCount, bufferCount) &&
           areResultsValid(rest, call.resultCount, call.sourceCount + call.instructionCount, bufferCount);
  }
  if (kernel == kKernelMatmul) {
    const auto& call = *static_cast<const MatmulArgs*>(args);
    if (call.resultCount == 0) {
      return call.c.buffer >= 0 && call.sourceCount == 0 && call.instructionCount == 0;
    }
    return call.c.buffer < 0 &&
           isBodyValid(rest, call.sourceCount, call.instructionCount, bufferCount, true) &&
           areResultsValid(rest, call.resultCount, call.sourceCount + call.instructionCount, bufferCount);
  }
  if (kernel == kKernelReduce) {
    const auto& call = *static_cast<const ReduceArgs*>(args);
    return isShapeValid(call.rank, call.shape) && isBetween(call.op, kReduceSum, kReduceArgmax) &&
           isBodyValid(rest, call.sourceCount, call.instructionCount, bufferCount) &&
           isBetween(call.value, 0, call.sourceCount + call.instructionCount - 1) &&
           call.result.buffer >= 0;
  }
  return true;
}

}  // namespace

std::string Program::load(const void* bytes, size_t size) {
  encoded_ = Block(size);
  if (!encoded_.data()) return "no memory for the program";
  std::memcpy(encoded_.data(), bytes, size);
  Words words(reinterpret_cast<const int64_t*>(encoded_.data()), size / sizeof(int64_t));
  const ProgramHeader* header = words.take<ProgramHeader>();
  if (!header || header->bufferCount < 0 || header->arenaBytes < 0) return "damaged header";
  if (static_cast<size_t>(header->bufferCount) > words.left()) return "damaged header";
  const BufferSpec* specs = words.take<BufferSpec>(header->bufferCount);
  if (!specs) return "damaged list of buffers";
  buffers_.assign(specs, specs + header->bufferCount);
  arenaBytes_ = header->arenaBytes;
  for (size_t i = 0; i < buffers_.size(); i++) {
    const BufferSpec& spec = buffers_[i];
    const int64_t end = spec.offset + spec.bytes;
    const bool fits = spec.kind == kBufferArena      ? end <= header->arenaBytes
                      : spec.kind == kBufferConstant ? end <= static_cast<int64_t>(size)
                                                     : isBetween(spec.kind, kBufferState, kBufferOutput);
    if (!fits || spec.offset < 0 || spec.bytes < 0 ||
        !isBetween(spec.index, 0, header->bufferCount)) {
      return "buffer " + std::to_string(i) + " does not fit";
    }
  }
  const size_t left = words.left();
  return readCalls(words.takeWords(left), left, header->callCount);
}

std::string Program::loadCalls(const void* bytes, size_t size) {
  encoded_ = Block(size);
  if (!encoded_.data()) return "no memory for the calls";
  if (size > 0) std::memcpy(encoded_.data(), bytes, size);
  buffers_.clear();
  return readCalls(reinterpret_cast<const int64_t*>(encoded_.data()), size / sizeof(int64_t), -1);
}

/** `callCount` calls, checked against the buffers; with −1 all that the words hold, unchecked. */
std::string Program::readCalls(const int64_t* at, size_t wordCount, int64_t callCount) {
  const int64_t bufferCount = callCount < 0 ? INT64_MAX : static_cast<int64_t>(buffers_.size());
  Words words(at, wordCount);
  calls_.clear();
  while (callCount < 0 ? words.left() > 0 : static_cast<int64_t>(calls_.size()) < callCount) {
    const std::string where = "call " + std::to_string(calls_.size());
    const CallHeader* header = words.take<CallHeader>();
    if (!header || !isBetween(header->kernel, 0, kKernelCount - 1)) return where + " is damaged";
    const KernelInfo& info = kKernels[header->kernel];
    const int64_t* args = header->words < 0 ? nullptr : words.takeWords(header->words);
    if (!args || header->words < info.words) return where + " is cut off";
    for (int i = 0; i < info.operandCount; i++) {
      const auto* operand = reinterpret_cast<const Operand*>(args + info.operands[i]);
      if (!isOperandValid(*operand, bufferCount)) return where + " has a damaged operand";
    }
    Words rest(args + info.words, header->words - info.words);
    const Kernel kernel = static_cast<Kernel>(header->kernel);
    if (!isRestValid(kernel, args, rest, bufferCount)) {
      return where + " (" + info.name + ") has a damaged program";
    }
    if (rest.left() > 0) return where + " is too long";
    calls_.push_back({kernel, args});
  }
  return "";
}

size_t Program::count(BufferKind kind) const {
  int64_t count = 0;
  for (const BufferSpec& spec : buffers_) {
    if (spec.kind == kind) count = std::max(count, spec.index + 1);
  }
  return static_cast<size_t>(count);
}

}  // namespace fovea
