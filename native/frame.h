// What a kernel sees of a running program: where its buffers are, the threads, and scratch memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include "abi.h"
#include "parallel.h"

namespace fovea {

/** Scratch memory: what the tasks of a call share, and what each thread needs besides. */
struct ScratchBytes {
  size_t shared = 0, own = 0;

  size_t total(int threads) const { return shared + static_cast<size_t>(threads) * own; }
  /** Room for both. */
  ScratchBytes with(const ScratchBytes& other) const {
    return {shared > other.shared ? shared : other.shared, own > other.own ? own : other.own};
  }
  /** Both up to multiples of `step`. */
  ScratchBytes upTo(size_t step) const {
    return {(shared + step - 1) / step * step, (own + step - 1) / step * step};
  }
};

struct Frame {
  char* const* buffers;  // base address of each of the program's buffers
  Pool& pool;
  /** Scratch memory of this call, at least what the kernel's `scratch` function asked for; 64-byte aligned. */
  char* scratch;
  char* ownScratch;  // of the first thread
  size_t ownStep;    // from thread to thread

  /**
   * A thread's own scratch. It is at the same place in all calls of a program, so that a thread finds it in its
   * own cache.
   */
  char* own(int thread) const { return ownScratch + static_cast<size_t>(thread) * ownStep; }

  /** The first element of an operand; null if the operand is not given. */
  template <class T>  // inlined always: its one symbol must not hold one instruction set's code
  __attribute__((always_inline)) T* at(const Operand& operand) const {
    if (operand.buffer < 0) return nullptr;
    return reinterpret_cast<T*>(buffers[operand.buffer]) + operand.offset;
  }
};

/** null on success, else a sentence that says which value the kernel cannot take. */
using KernelFunction = const char* (*)(const void* args, const Frame& frame);
/** What scratch a call needs with this many threads. */
using ScratchFunction = ScratchBytes (*)(const void* args, int threads);

}  // namespace fovea
